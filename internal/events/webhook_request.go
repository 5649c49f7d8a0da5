// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package events

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Secret is a key that signs requests. Formatting it never prints the key.
type Secret struct{ key []byte }

// String returns a constant text without the key.
func (Secret) String() string { return "(a webhook's secret)" }

// GoString returns a constant text without the key.
func (s Secret) GoString() string { return s.String() }

const secretPrefix = "whsec_"

// ParseSecrets returns the keys in a text, which are separated by white space: whsec_
// and base64 of 24 to 64 bytes, as in Standard Webhooks. Lines that begin with # are
// comments. Errors contain the position of a key, and no part of it.
func ParseSecrets(text string) ([]Secret, error) {
	var all []Secret
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, word := range strings.Fields(line) {
			encoded, found := strings.CutPrefix(word, secretPrefix)
			key, err := base64.StdEncoding.DecodeString(encoded)
			if !found || err != nil || len(key) < 24 || len(key) > 64 {
				return nil, fmt.Errorf("webhook secret %d is not whsec_ and base64 of 24 to 64 random bytes, such as that of: echo whsec_$(openssl rand -base64 32)", len(all)+1)
			}
			all = append(all, Secret{key})
		}
	}
	return all, nil
}

// message is the body of a request, in the form that Standard Webhooks recommends.
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      Detail    `json:"data"`
}

// WebhookType returns the type in the body of an event's request.
func WebhookType(kind onboarding.EventKind) string { return "customer_role." + string(kind) }

// post sends one event. It returns a *statusError unless the response is 2xx.
func (w *Webhook) post(ctx context.Context, address string, secrets []Secret, event onboarding.Event, now time.Time) error {
	body, err := json.Marshal(message{WebhookType(event.Kind), event.At.UTC(), detailOf(event)})
	if err != nil {
		return fmt.Errorf("encode event %s of customer %s: %w", event.ID, event.After.CustomerID, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil || request.URL.Scheme != "https" {
		return fmt.Errorf("webhook_url of hub %s is not an https address", event.After.Hub)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "xacct")
	request.Header.Set(standardwebhooks.HeaderWebhookID, event.ID)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	signature, err := sign(secrets, event.ID, now, body)
	if err != nil {
		return err
	}
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	response, err := w.config.Client.Do(request)
	if err != nil {
		return fmt.Errorf("send event %s of customer %s: %w", event.ID, event.After.CustomerID, err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection is used again
	if response.StatusCode/100 != 2 {
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return &statusError{event: event.ID, customer: event.After.CustomerID, status: response.StatusCode, after: time.Duration(max(seconds, 0)) * time.Second}
	}
	return nil
}

// sign returns a signature with each key, so that a receiver that has any of them can
// verify the request while keys are changed.
func sign(secrets []Secret, id string, at time.Time, body []byte) (string, error) {
	var all []string
	for _, secret := range secrets {
		signer, err := standardwebhooks.NewWebhookRaw(secret.key)
		if err != nil {
			return "", err
		}
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			return "", err
		}
		all = append(all, signature)
	}
	return strings.Join(all, " "), nil
}

// statusError indicates a response that does not accept an event.
type statusError struct {
	event, customer string
	status          int
	after           time.Duration // how long the endpoint asks to wait; 0: not given
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("send event %s of customer %s: the webhook has answered with status %d", e.event, e.customer, e.status)
	if e.status/100 == 3 {
		text += ", and redirects are not followed: webhook_url has to name the endpoint itself"
	}
	return text
}

// concernsEventOnly reports whether the response is about this event only: others may be accepted.
func (e *statusError) concernsEventOnly() bool {
	return e.status/100 == 4 && e.status != http.StatusRequestTimeout && e.status != http.StatusTooManyRequests
}
