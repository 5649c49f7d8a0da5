// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// Client calls the control API of a sandbox in another process.
type Client struct {
	URL string // "http://127.0.0.1:4566"
}

// Launch launches a quick-create link.
func (c Client) Launch(ctx context.Context, q LaunchRequest) (Stack, error) {
	var st Stack
	return st, c.do(ctx, http.MethodPost, "/_sandbox/launch", q, &st)
}

// Update starts an update of a stack, and returns the stack.
func (c Client) Update(ctx context.Context, q UpdateRequest) (Stack, error) {
	var st Stack
	return st, c.do(ctx, http.MethodPost, "/_sandbox/update", q, &st)
}

// Delete starts to delete a stack. retain lists the logical IDs of resources to
// keep.
func (c Client) Delete(ctx context.Context, stackID string, retain ...string) error {
	return c.do(ctx, http.MethodPost, "/_sandbox/delete", DeleteRequest{stackID, retain}, nil)
}

// Forget deletes a stack without notifying the vendor.
func (c Client) Forget(ctx context.Context, stackID string) error {
	return c.do(ctx, http.MethodPost, "/_sandbox/forget", DeleteRequest{StackID: stackID}, nil)
}

// Publish publishes any message as the admin of an account.
func (c Client) Publish(ctx context.Context, q PublishRequest) error {
	return c.do(ctx, http.MethodPost, "/_sandbox/publish", q, nil)
}

// Stacks returns all stacks of all accounts, including deleted ones.
func (c Client) Stacks(ctx context.Context) ([]Stack, error) {
	var stacks []Stack
	return stacks, c.do(ctx, http.MethodGet, "/_sandbox/stacks", nil, &stacks)
}

// WaitStack waits until no operation is under way in a stack, and returns it.
func (c Client) WaitStack(ctx context.Context, stackID string) (Stack, error) {
	var st Stack
	return st, c.do(ctx, http.MethodGet, "/_sandbox/stack?wait=true&stack_id="+url.QueryEscape(stackID), nil, &st)
}

// Events returns a stack's events so far, oldest first.
func (c Client) Events(ctx context.Context, stackID string) ([]StackEvent, error) {
	var all []StackEvent
	return all, c.events(ctx, stackID, "", func(e StackEvent) { all = append(all, e) })
}

// Follow calls show for every event of a stack, past ones first and new ones as
// they happen, until no operation is under way in the stack.
func (c Client) Follow(ctx context.Context, stackID string, show func(StackEvent)) error {
	return c.events(ctx, stackID, "&follow=true", show)
}

func (c Client) events(ctx context.Context, stackID, parameters string, show func(StackEvent)) error {
	path := "/_sandbox/stack/events?stack_id=" + url.QueryEscape(stackID) + parameters
	return c.send(ctx, http.MethodGet, path, nil, func(body io.Reader) error {
		lines := json.NewDecoder(body)
		for {
			var e StackEvent
			err := lines.Decode(&e)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read the events of the stack %s: %w", stackID, err)
			}
			show(e)
		}
	})
}

// Advance moves the sandbox's clock forward by a duration such as "90s" or "24h".
func (c Client) Advance(ctx context.Context, by string) error {
	return c.do(ctx, http.MethodPost, "/_sandbox/clock", ClockRequest{by}, nil)
}

// Clock returns a function that returns the time of the sandbox's clock, for a
// process on the same machine. Until ctx ends, it polls the clock's pace every
// 200 ms in order to follow changes of the clock.
func (c Client) Clock(ctx context.Context) (func() time.Time, error) {
	var pace atomic.Pointer[kernel.Pace]
	poll := func() error {
		var answer ClockAnswer
		if err := c.do(ctx, http.MethodGet, "/_sandbox/clock", nil, &answer); err != nil {
			return err
		}
		pace.Store(&answer.Pace)
		return nil
	}
	if err := poll(); err != nil {
		return nil, err
	}
	go func() {
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				_ = poll() // if it fails, the last pace stays
			}
		}
	}()
	return func() time.Time { return pace.Load().At(time.Now()) }, nil
}

// AddFault adds a rule that makes calls fail. It returns an error for a rule that
// could never apply.
func (c Client) AddFault(ctx context.Context, rule kernel.FaultRule) error {
	return c.do(ctx, http.MethodPost, "/_sandbox/faults", rule, nil)
}

// ClearFaults removes all rules and delivery faults.
func (c Client) ClearFaults(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "/_sandbox/faults", nil, nil)
}

// Environment returns the environment variables with which programs use the
// sandbox as the admin of an account.
func (c Client) Environment(ctx context.Context, account, region string) (map[string]string, error) {
	var environment map[string]string
	query := url.Values{"account": {account}, "region": {region}}
	return environment, c.do(ctx, http.MethodGet, "/_sandbox/environment?"+query.Encode(), nil, &environment)
}

// Counts returns the number of calls after a mark of the journal, by
// "service:Action".
func (c Client) Counts(ctx context.Context, since int) (map[string]int, error) {
	var counts map[string]int
	return counts, c.do(ctx, http.MethodGet, fmt.Sprintf("/_sandbox/journal/counts?since=%d", since), nil, &counts)
}

// do sends in as JSON, and decodes the answer into out; both may be nil.
func (c Client) do(ctx context.Context, method, path string, in, out any) error {
	return c.send(ctx, method, path, in, func(body io.Reader) error {
		if out == nil {
			return nil
		}
		if err := json.NewDecoder(body).Decode(out); err != nil {
			return fmt.Errorf("read the sandbox's answer to %s: %w", path, err)
		}
		return nil
	})
}

// send sends in as JSON, and calls read with the body of a successful answer. It
// returns the sandbox's error otherwise.
func (c Client) send(ctx context.Context, method, path string, in any, read func(io.Reader) error) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fmt.Errorf("encode the request to %s: %w", path, err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, &body)
	if err != nil {
		return fmt.Errorf("the sandbox's URL is invalid: %w", err)
	}
	// Connect directly to the loopback address, even if the environment sets a
	// proxy.
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return fmt.Errorf("there is no sandbox at %s; start one with: xacct-sandbox serve: %w", c.URL, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return read(response.Body)
	}
	var failure struct {
		Error string `json:"error"`
	}
	if json.NewDecoder(response.Body).Decode(&failure) != nil || failure.Error == "" {
		return fmt.Errorf("the sandbox answered %s to %s", response.Status, path)
	}
	return errors.New(failure.Error)
}
