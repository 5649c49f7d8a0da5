// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/api"
	"github.com/xacct/terraform-provider-xacct/internal/e2e"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/hub/sets"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// loadPerSecond requests per second are sent for loadFor.
var (
	loadPerSecond = 200
	loadFor       = time.Minute
)

// launchEvery is the interval at which customers launch stacks meanwhile. The
// registrar of the same process answers them.
const launchEvery = time.Second

// load sends requests to the onboarding API over HTTP, and records the responses.
type load struct {
	base, token string
	client      *http.Client

	mu       sync.Mutex
	statuses map[string]int
	took     map[string][]time.Duration // by kind of call
}

// apiLoad sends requests at a fixed rate, whether or not earlier ones are answered,
// while a registrar connects customers; the sandbox is in the same process. It prints
// the number of responses by status, and returns an error if one is unexpected.
func apiLoad(ctx context.Context, dir string) ([]figure, error) {
	var rows []figure
	err := play(ctx, func(s *stage) error {
		w := e2e.New(s)
		w.Registrar()
		declared := permissionset.Set{Role: permissionset.Role{Path: "/", MaxSessionDuration: 3600, ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit"}}}
		if _, err := sets.NewService(w.Hub, onboarding.OwnerAPI, w.Now).Put(ctx, sets.Order{Name: "readonly", Declared: declared}); err != nil {
			return err
		}
		l, err := serveLoad(ctx, s, w, dir)
		if err != nil {
			return err
		}
		stop, stacks := launching(ctx, w)
		l.send(ctx)
		stop()
		connected := 0
		for _, stack := range stacks() {
			if done, err := w.WaitStack(ctx, stack); err == nil && done.Status == "CREATE_COMPLETE" {
				connected++
			}
		}
		rows, err = l.figures(connected, len(stacks()))
		return err
	})
	return rows, err
}

// serveLoad serves the API on a free port.
func serveLoad(ctx context.Context, s *stage, w *e2e.World, dir string) (*load, error) {
	token, line, err := api.NewToken(rand.Reader, "load", []api.Scope{api.Read, api.Write})
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "tokens")
	if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
		return nil, err
	}
	tokens, err := api.OpenTokenFile(path, w.Now)
	if err != nil {
		return nil, err
	}
	clients := w.ClientsOf(sandbox.VendorAccount, w.URL())
	manager, err := hub.New(clients, e2e.Hub, w.Now, rand.Reader)
	if err != nil {
		return nil, err
	}
	server, err := api.New(api.Config{
		Hub: manager, Surfaces: api.Surfaces{API: true}, Auth: tokens, ConnectURL: &url.URL{Scheme: "https", Host: "connect.example"}, Version: "figures", Rate: 10 * float64(loadPerSecond),
		Prover: func(record registry.HubRecord) health.Prover { return registrar.NewProver(clients, record) },
		Clock:  w.Now, Random: rand.Reader, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	web := &http.Server{Handler: server.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = web.Serve(listener) }() // ends with Close
	s.Cleanup(func() { _ = web.Close() })
	transport := &http.Transport{MaxIdleConnsPerHost: 200}
	s.Cleanup(transport.CloseIdleConnections)
	return &load{
		base: "http://" + listener.Addr().String(), token: token, client: &http.Client{Transport: transport, Timeout: 30 * time.Second},
		statuses: map[string]int{}, took: map[string][]time.Duration{},
	}, nil
}

// launching launches customers' stacks until stop is called. After that, stacks
// returns their IDs.
func launching(ctx context.Context, w *e2e.World) (stop func(), stacks func() []string) {
	ctx, cancel := context.WithCancel(ctx)
	var ids []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticks := time.NewTicker(launchEvery)
		defer ticks.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
				id := fmt.Sprintf("3%011d", n)
				if err := w.OpenAccount(id, "aws"); err == nil {
					ids = append(ids, w.Invite(fmt.Sprintf("launches-%d", n), id).Launch(e2e.Frankfurt, sandbox.LaunchOptions{}))
				}
			}
		}
	}()
	return func() { cancel(); <-done }, func() []string { return ids }
}

// send sends requests for loadFor. Of ten requests, six read a customer, two repeat
// the PUT of a customer, one issues a link and one lists customers.
func (l *load) send(ctx context.Context) {
	var calls sync.WaitGroup
	begun, issued := time.Now(), 0
	for n := range loadPerSecond * int(loadFor.Seconds()) {
		at := begun.Add(time.Duration(n) * time.Second / time.Duration(loadPerSecond))
		time.Sleep(time.Until(at))
		kind, method, path, body := "GET one", http.MethodGet, fmt.Sprintf("/v1/customers/customer-%d", n%max(issued/2, 1)), ""
		switch {
		case n%10 == 0:
			kind, method, path, body = "PUT new", http.MethodPut, fmt.Sprintf("/v1/customers/customer-%d", issued), order(issued)
			issued++
		case n%10 < 3:
			again := n % max(issued/2, 1)
			kind, method, path, body = "PUT again", http.MethodPut, fmt.Sprintf("/v1/customers/customer-%d", again), order(again)
		case n%10 == 3:
			kind, path = "GET page", "/v1/customers?limit=50"
		}
		calls.Go(func() { l.call(ctx, at, kind, method, path, body) })
	}
	calls.Wait()
}

func order(n int) string {
	return fmt.Sprintf(`{"permission_set":"readonly","account_id":"5%011d"}`, n%400)
}

// call makes one call. Its duration is measured from when it was due.
func (l *load) call(ctx context.Context, due time.Time, kind, method, path, body string) {
	status := "no answer"
	request, err := http.NewRequestWithContext(ctx, method, l.base+path, strings.NewReader(body))
	if err == nil {
		request.Header.Set("Authorization", "Bearer "+l.token)
		request.Header.Set("Content-Type", "application/json")
		var response *http.Response
		if response, err = l.client.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			status = fmt.Sprint(response.StatusCode)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statuses[kind+" "+status]++
	l.took[kind] = append(l.took[kind], time.Since(due))
}

func (l *load) figures(connected, launched int) ([]figure, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var rows []figure
	var wrong []error
	for _, kind := range slices.Sorted(maps.Keys(l.statuses)) {
		fmt.Printf("%6d  %s\n", l.statuses[kind], kind)
		if strings.HasSuffix(kind, " no answer") || strings.Contains(kind, " 5") || strings.Contains(kind, " 4") && !strings.HasSuffix(kind, " 404") {
			wrong = append(wrong, fmt.Errorf("%d × %s", l.statuses[kind], kind))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(l.took)) {
		all := l.took[kind]
		slices.Sort(all)
		for _, p := range []int{50, 95, 99} {
			rows = append(rows, figure{
				what:  fmt.Sprintf("API, %d requests a second for %s: %s, %d%% within", loadPerSecond, loadFor, kind, p),
				value: float64(all[(len(all)-1)*p/100].Microseconds()) / 1000, unit: "ms", wanted: "≤ 1000 at 99%",
			})
		}
	}
	rows = append(rows, figure{what: "customers that connected meanwhile", value: float64(connected), unit: fmt.Sprintf("of %d", launched), wanted: "all"})
	if connected != launched {
		wrong = append(wrong, fmt.Errorf("%d of %d customers that launched a stack meanwhile are connected", connected, launched))
	}
	return rows, errors.Join(wrong...)
}
