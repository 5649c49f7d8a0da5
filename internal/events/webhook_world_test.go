// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package events

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// hookWorld has an outbox, an endpoint, and a Webhook between them.
type hookWorld struct {
	*Webhook
	*world
	secrets []string
	log     bytes.Buffer
	results []WebhookDelivery

	endpoint *httptest.Server
	seen     []hookRequest
	status   func(id string) int // the endpoint's status for an event; nil means 204
	header   http.Header         // headers of its responses
}

// hookRequest is a request that the endpoint received.
type hookRequest struct {
	id, body string
	header   http.Header
}

func newHookWorld(t *testing.T) *hookWorld {
	t.Helper()
	w := &hookWorld{world: newWorld(t), secrets: []string{newSecret()}, header: http.Header{}}
	w.endpoint = httptest.NewTLSServer(http.HandlerFunc(w.take))
	t.Cleanup(w.endpoint.Close)
	var guard sync.Mutex
	w.Webhook = NewWebhook(WebhookConfig{
		Outbox: hookOutbox{w}, Client: w.client(), Clock: w.clock, Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
		Secrets: func() ([]Secret, error) {
			w.mu().Lock()
			defer w.mu().Unlock()
			return ParseSecrets(text(w.secrets))
		},
		Observe: func(r WebhookDelivery) {
			guard.Lock()
			defer guard.Unlock()
			w.results = append(w.results, r)
		},
	})
	return w
}

// client returns a client that follows no redirects, like the registrar's.
func (w *hookWorld) client() *http.Client {
	client := w.endpoint.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

func (w *hookWorld) mu() *sync.Mutex { return &w.world.mu }

func text(secrets []string) string {
	var all string
	for _, s := range secrets {
		all += s + "\n"
	}
	return all
}

func newSecret() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

func (w *hookWorld) take(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu().Lock()
	stuck := w.stuck
	w.seen = append(w.seen, hookRequest{r.Header.Get("webhook-id"), string(body), r.Header})
	status := http.StatusNoContent
	if w.status != nil {
		status = w.status(r.Header.Get("webhook-id"))
	}
	for name, values := range w.header {
		rw.Header()[name] = values
	}
	w.mu().Unlock()
	if stuck != nil {
		<-stuck
	}
	rw.WriteHeader(status)
}

func (w *hookWorld) asked() (ids []string) {
	w.mu().Lock()
	defer w.mu().Unlock()
	for _, one := range w.seen {
		ids = append(ids, one.id)
	}
	return ids
}

// hub returns a hub whose webhook is the endpoint.
func (w *hookWorld) hub() onboarding.Hub {
	return onboarding.Hub{WebhookURL: w.endpoint.URL + "/hooks"}
}

// told stores an event and waits until it was sent.
func (w *hookWorld) told(n int) {
	w.world.t.Helper()
	w.Webhook.Committed(w.hub(), w.stored(n))
	w.rest()
}

// rest waits until no event is being sent.
func (w *hookWorld) rest() { w.Webhook.Wait(w.world.t.Context()) }

// sweep sends the events that are at least a minute old.
func (w *hookWorld) sweep() error { return w.Webhook.Sweep(w.world.t.Context(), time.Minute) }

func (w *hookWorld) answers(status func(id string) int) {
	w.mu().Lock()
	defer w.mu().Unlock()
	w.status = status
}

// hookOutbox makes the world a WebhookOutbox.
type hookOutbox struct{ *hookWorld }

func (w hookOutbox) Webhook(context.Context) (string, error) { return w.hub().WebhookURL, nil }

func (w hookOutbox) WebhookOutbox(ctx context.Context, before time.Time, each func([]onboarding.Event) error) error {
	return w.world.Outbox(ctx, before, each)
}

func (w hookOutbox) RemoveWebhookEvents(ctx context.Context, events []onboarding.Event) error {
	return w.world.RemoveEvents(ctx, events)
}

func count(ids []string, id string) int {
	return len(slices.DeleteFunc(slices.Clone(ids), func(s string) bool { return s != id }))
}
