// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/outbound"
)

// The example is that of the tests of the standard's own libraries.
func TestTheSignatureOfTheStandardsExample(t *testing.T) {
	t.Parallel()
	secrets, err := ParseSecrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got, err := sign(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("%s, want %s (%v)", got, want, err)
	}
}

func TestASecretMustBeLongEnoughAndIsNeverPrinted(t *testing.T) {
	t.Parallel()
	one, other := newSecret(), newSecret()
	for text, want := range map[string]int{
		"": 0, "# none yet\n": 0, one: 1, one + " " + other: 2, "# new\n" + one + "\n\n# old\n" + other + "\n": 2,
		"whsec_c2hvcnQ=": -1, strings.TrimPrefix(one, "whsec_"): -1, "whsec_not base64": -1, "sk_live_" + one: -1,
		one + "\nwhsec_" + strings.Repeat("AAAA", 40): -1,
	} {
		secrets, err := ParseSecrets(text)
		if (err != nil) != (want < 0) || err == nil && len(secrets) != want {
			t.Errorf("%q: %d secrets, %v", text, len(secrets), err)
		}
		if err != nil && len(text) > 12 && strings.Contains(err.Error(), strings.TrimSpace(text)[6:12]) {
			t.Errorf("the error contains the key: %v", err)
		}
		for _, s := range secrets {
			if printed := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.Contains(printed, string(s.key)) || strings.Contains(printed, fmt.Sprint(s.key[:4])[1:]) {
				t.Errorf("a secret prints as %s", printed)
			}
		}
	}
}

func TestAnEventIsSentToTheWebhookSignedAndRemovedFromTheOutbox(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.secrets = append(w.secrets, newSecret()) // during a rotation, requests are signed with both
	w.told(1)
	if len(w.seen) != 1 || len(w.left()) != 0 || !slices.Equal(w.results, []WebhookDelivery{WebhookSent}) {
		t.Fatalf("%d requests, left %v, %v\n%s", len(w.seen), w.left(), w.results, &w.log)
	}
	got := w.seen[0]
	for i, secret := range w.secrets {
		judge, err := standardwebhooks.NewWebhook(secret)
		if err == nil {
			err = judge.VerifyIgnoringTimestamp([]byte(got.body), got.header) // the test's clock is not the real one
		}
		if err != nil {
			t.Errorf("secret %d: %v", i, err)
		}
		if err := verify(secret, got.header, []byte(got.body), noon); err != nil {
			t.Errorf("the guide's receiver refuses it: %v", err)
		}
		if verify(secret, got.header, []byte(got.body+" "), noon) == nil || verify(secret, got.header, []byte(got.body), noon.Add(time.Hour)) == nil ||
			verify(newSecret(), got.header, []byte(got.body), noon) == nil {
			t.Error("the guide's receiver accepts a changed body, an old request, or another's signature")
		}
	}
	var body struct {
		Type      string
		Timestamp time.Time
		Data      Detail
	}
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || body.Type != "customer_role.updated" || !body.Timestamp.Equal(noon) || body.Data.CustomerID != "globex" || body.Data.EventID != got.id {
		t.Errorf("%s\n%v", got.body, err)
	}
	if kind := got.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("it is %s", kind)
	}
}

func TestAnUnavailableEndpointIsTriedRarelyAndGetsAllEventsLater(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.answers(func(string) int { return http.StatusServiceUnavailable })
	for n := range 5 {
		w.told(n)
	}
	if got := w.asked(); len(got) != 1 || len(w.left()) != 5 {
		t.Fatalf("the endpoint got %v, and %d events are left", got, len(w.left()))
	}
	w.advance(2 * time.Minute)
	if err := w.sweep(); err == nil || !strings.Contains(err.Error(), "status 503") {
		t.Errorf("the sweep returns %v", err)
	}
	if got := w.asked(); len(got) > 1+maxConcurrentWebhooks {
		t.Errorf("the endpoint got %d requests in a sweep", len(got))
	}
	before := len(w.asked())
	if err := w.sweep(); err != nil || len(w.asked()) != before {
		t.Errorf("the endpoint got another request at once: %v", err)
	}
	w.answers(nil)
	w.advance(maxBackoff)
	if err := w.sweep(); err != nil || len(w.left()) != 0 {
		t.Errorf("left %v: %v", w.left(), err)
	}
	for _, id := range []string{"e00", "e04"} {
		if !slices.Contains(w.asked(), id) {
			t.Errorf("%s was never sent", id)
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.answers(func(string) int { return http.StatusTooManyRequests })
	w.header.Set("Retry-After", "1200")
	w.told(1)
	w.answers(nil)
	w.advance(19 * time.Minute)
	if err := w.sweep(); err != nil || len(w.left()) != 1 {
		t.Errorf("it was sent too early: %v", err)
	}
	w.advance(2 * time.Minute)
	if err := w.sweep(); err != nil || len(w.left()) != 0 {
		t.Errorf("left %v: %v", w.left(), err)
	}
}

func TestARefusedEventDelaysNoOtherAndIsGivenUpAfterThreeDays(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.answers(func(id string) int {
		if id == "e01" {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	})
	w.told(1)
	w.told(2)
	if got := w.left(); !slices.Equal(got, []string{"e01"}) {
		t.Fatalf("left %v", got)
	}
	for n := 3; len(w.left()) > 0; n++ {
		w.advance(10 * time.Minute)
		_ = w.sweep() // returns the refusal as an error
		w.told(1000 + n)
		if n > 1000 {
			t.Fatal("the event is never given up")
		}
	}
	if tries := count(w.asked(), "e01"); tries < 10 || tries > 30 {
		t.Errorf("it was tried %d times in three days", tries)
	}
	if now := w.clock(); now.Sub(noon) < maxWebhookAge || now.Sub(noon) > maxWebhookAge+maxRetryPause+time.Hour {
		t.Errorf("it was given up after %s", now.Sub(noon))
	}
	if !slices.Contains(w.results, WebhookGivenUp) || strings.Count(w.log.String(), "an event was given up") != 1 || !strings.Contains(w.log.String(), "event=e01") {
		t.Errorf("metric or log lacks the event that was given up: %s", &w.log)
	}
}

func TestACommitNeverWaitsForTheWebhook(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.stuck = make(chan struct{})
	for n := range 25 {
		w.Webhook.Committed(w.hub(), w.stored(n)) // the test hangs if it does not return
	}
	close(w.stuck)
	w.rest()
	if got := w.asked(); len(got) != 25 || len(w.left()) != 0 {
		t.Errorf("%d requests, and %d events are left", len(got), len(w.left()))
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.answers(func(string) int { return http.StatusTemporaryRedirect })
	w.header.Set("Location", w.endpoint.URL+"/elsewhere")
	w.told(1)
	if len(w.seen) != 1 || len(w.left()) != 1 || !strings.Contains(w.log.String(), "redirects are not followed") {
		t.Errorf("%d requests, left %v\n%s", len(w.seen), w.left(), &w.log)
	}
}

func TestALocalOrUnencryptedWebhookIsNeverCalled(t *testing.T) {
	t.Parallel()
	for _, private := range []bool{false, true} {
		w := newHookWorld(t)
		w.Webhook.config.Client = outbound.New(outbound.Options{Private: private})
		w.told(1)
		w.advance(maxBackoff)
		w.Webhook.Committed(onboarding.Hub{WebhookURL: strings.Replace(w.endpoint.URL, "https:", "http:", 1)}, w.stored(2))
		w.rest()
		if len(w.seen) != 0 || len(w.left()) != 2 || !strings.Contains(w.log.String(), "not a public address") || !strings.Contains(w.log.String(), "not an https address") {
			t.Errorf("asked %v\n%s", w.asked(), &w.log)
		}
	}
}

func TestNothingIsSentWithoutASecretOrAURL(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.Webhook.Committed(onboarding.Hub{}, w.stored(1))
	w.rest()
	w.secrets = nil
	w.told(2)
	if len(w.seen) != 0 || len(w.left()) != 2 || !strings.Contains(w.log.String(), "XACCT_WEBHOOK_SECRET") {
		t.Errorf("asked %v\n%s", w.asked(), &w.log)
	}
	logged := w.log.Len()
	if w.told(3); w.log.Len() != logged {
		t.Errorf("it is logged for each event: %s", &w.log)
	}
	w.secrets = []string{newSecret()} // the secret is configured now
	w.advance(maxBackoff)
	if err := w.sweep(); err != nil || len(w.left()) != 0 {
		t.Errorf("left %v: %v", w.left(), err)
	}
}

// If a thousand other events wait for a slow endpoint, an event becomes so old that another
// registrar's sweep sends it.
func TestAWebhookLeavesOldEventsToASweep(t *testing.T) {
	t.Parallel()
	for age, now := range map[time.Duration]bool{maxDirectAge: true, maxDirectAge + time.Second: false} {
		w := newHookWorld(t)
		event := w.stored(1)
		w.advance(age)
		w.Webhook.Committed(w.hub(), event)
		w.rest()
		if sent := len(w.left()) == 0; sent != now {
			t.Errorf("%s after it was stored, it is sent: %t", age, sent)
		}
		w.advance(SweepAge)
		if err := w.sweep(); err != nil || len(w.asked()) != 1 || len(w.left()) != 0 {
			t.Errorf("asked %v, left %v: %v", w.asked(), w.left(), err)
		}
	}
	if maxDirectAge+2*sendLimit >= SweepAge {
		t.Error("an attempt may still be running when a sweep begins")
	}
}

// This registrar does not know what the others have sent, and has room for a limited number of
// pauses in memory.
func TestPausesOfEventsThatOtherRegistrarsSentAreForgotten(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.answers(func(id string) int { return http.StatusUnprocessableEntity })
	for n := range maxPostponed {
		w.later[fmt.Sprint(n)] = postponed{until: noon.Add(time.Duration(n%2) * time.Hour)}
	}
	w.told(1)
	if len(w.later) != maxPostponed {
		t.Errorf("there are %d pauses", len(w.later))
	}
	w.advance(30 * time.Minute)
	if _ = w.sweep(); len(w.later) != maxPostponed/2+1 {
		t.Errorf("%d pauses are kept", len(w.later))
	}
	if got := w.later["e01"].until; !got.Equal(noon.Add(maxWebhookAge + maxRetryPause)) {
		t.Errorf("its pause is kept until %s", got)
	}
	before := len(w.asked())
	w.advance(minRetryPause / 2)
	if _ = w.sweep(); len(w.asked()) != before {
		t.Error("the event is sent again without a pause")
	}
}

// The rest is sent by a sweep.
func TestAWebhookKeepsALimitedNumberOfEventsInMemory(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.Webhook.waiting, w.Webhook.sending = make([]onboarding.Event, maxWaiting-1), make(chan struct{})
	for n := range 3 {
		w.Webhook.Committed(w.hub(), w.stored(n))
	}
	if got := len(w.Webhook.waiting); got != maxWaiting {
		t.Errorf("%d events wait", got)
	}
}

// sweepOnly is an outbox of a hub whose webhook has an address. If broken is set, its events can't
// be read.
type sweepOnly struct {
	hookOutbox
	address string
	broken  error
}

func (o sweepOnly) Webhook(context.Context) (string, error) { return o.address, nil }

func (o sweepOnly) WebhookOutbox(ctx context.Context, before time.Time, each func([]onboarding.Event) error) error {
	if o.broken != nil {
		return o.broken
	}
	return o.hookOutbox.WebhookOutbox(ctx, before, each)
}

func TestASweepOfAHubWithoutAWebhookSendsNothing(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.stored(1)
	w.advance(time.Hour)
	w.Webhook.config.Outbox = sweepOnly{hookOutbox: hookOutbox{w}}
	if err := w.sweep(); err != nil || len(w.left()) != 1 || len(w.asked()) != 0 {
		t.Errorf("asked %v, left %v: %v", w.asked(), w.left(), err)
	}
}

func TestASweepThatCannotReadTheOutboxFails(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.Webhook.config.Outbox = sweepOnly{hookOutbox{w}, w.hub().WebhookURL, errDown}
	if err := w.sweep(); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
}

// Between two refused events another one is accepted.
func TestAnEndpointThatRefusesEverySecondEventIsNotUnavailable(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	refused := func(n int) bool { return n%2 == 0 }
	w.answers(func(id string) int {
		if n, _ := strconv.Atoi(strings.TrimPrefix(id, "e")); refused(n) {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	})
	const all = 4 * downAfter
	for n := range all {
		w.told(n)
	}
	if got := w.asked(); len(got) != all || len(w.left()) != all/2 {
		t.Errorf("the endpoint got %v, and %v are left", got, w.left())
	}
}

// fixedSender always returns the same result.
type fixedSender struct{ err error }

func (fixedSender) Committed(onboarding.Hub, onboarding.Event)   {}
func (fixedSender) Wait(context.Context)                         {}
func (s fixedSender) Sweep(context.Context, time.Duration) error { return s.err }

func TestAnUnavailableReceiverDelaysNoOther(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.stored(1)
	w.advance(time.Hour)
	all := Fanout{fixedSender{errDown}, w.Webhook}
	if err := all.Sweep(t.Context(), time.Minute); err == nil || len(w.left()) != 0 {
		t.Errorf("left %v: %v", w.left(), err)
	}
	all.Committed(w.hub(), w.stored(2))
	all.Wait(t.Context())
	if got := w.asked(); !slices.Equal(got, []string{"e01", "e02"}) {
		t.Errorf("asked %v", got)
	}
}
