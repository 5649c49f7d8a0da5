// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/xacct/terraform-provider-xacct/internal/events"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// hook is a vendor's webhook endpoint, which may be down.
type hook struct {
	t     T
	mu    sync.Mutex
	down  bool
	tries int
	got   []events.Detail
	types []string
}

// Do receives a request instead of the network.
func (h *hook) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tries++
	if h.down {
		return nil, errors.New("connection refused")
	}
	judge, err := standardwebhooks.NewWebhook(hookSecret)
	if err == nil {
		err = judge.VerifyIgnoringTimestamp(body, r.Header)
	}
	var message struct {
		Type string
		Data events.Detail
	}
	if err = errors.Join(err, json.Unmarshal(body, &message)); err != nil || message.Data.EventID != r.Header.Get("webhook-id") {
		h.t.Errorf("%s: %v", body, err)
	}
	h.types, h.got = append(h.types, message.Type), append(h.got, message.Data)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(nil))}, nil
}

// hooked gives the hub a webhook, and returns its endpoint.
func hooked(w *World) *hook {
	w.T.Helper()
	record, err := w.Registry().HubAndKey(w.T.Context())
	w.Must(err)
	record.WebhookURL = "https://api.acme.example/hooks"
	w.Record, err = w.Registry().UpdateHub(w.T.Context(), record)
	w.Must(err)
	return &hook{t: w.T}
}

// sending returns a registrar that sends to the hook; it does not receive messages.
func (h *hook) sending(w *World) *registrar.Registrar {
	w.T.Helper()
	r, err := registrar.Open(w.Clients, registry.New(w.Clients.DynamoDB(), w.Record.Name, w.Now), w.Record, registrar.Config{
		Clock:   w.Now,
		Webhook: registrar.Webhook{Client: h, Secrets: func() ([]events.Secret, error) { return events.ParseSecrets(hookSecret) }},
	})
	w.Must(err)
	return r
}

func TestAWebhookGetsEveryChangeAfterAnOutageAndALostRegistrar(t *testing.T) {
	t.Parallel()
	w := New(t)
	hook := hooked(w)
	first := w.Registrar() // it has no secret, so it sends nothing
	c := w.Invite("globex", AccountID(1))
	c.Connect(Frankfurt)
	first.Stop()
	left := func() (n int) {
		w.Must(w.Registry().WebhookOutbox(t.Context(), w.Now().Add(time.Hour), func(page []onboarding.Event) error {
			n += len(page)
			return nil
		}))
		return n
	}
	if left() != 1 || hook.tries != 0 {
		t.Fatalf("%d events are kept, and the endpoint was asked %d times", left(), hook.tries)
	}
	w.Clock().Advance(2 * time.Minute)
	second := hook.sending(w)
	hook.down = true
	second.SweepEvents(t.Context())
	if left() != 1 || hook.tries != 1 {
		t.Fatalf("%d events are kept, and the endpoint was asked %d times", left(), hook.tries)
	}
	hook.down = false
	w.Clock().Advance(time.Hour)
	second.SweepEvents(t.Context())
	if left() != 0 || len(hook.got) != 1 || hook.types[0] != "customer_role.registered" || hook.got[0].CustomerID != "globex" || hook.got[0].Status != "active" {
		t.Errorf("%d are left, and the endpoint has %v %+v", left(), hook.types, hook.got)
	}
}
