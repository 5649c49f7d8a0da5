// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package events

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

const webhookGuide = "../../templates/guides/webhooks.md.tmpl"

// The tests of webhooks verify requests with the receiver that the guide shows.

// verify returns an error unless the body was signed with the secret, within the last
// five minutes.
func verify(secret string, header http.Header, body []byte, now time.Time) error {
	seconds, err := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return errors.New("too old, or from the future")
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(header.Get("webhook-id") + "." + header.Get("webhook-timestamp") + "."))
	mac.Write(body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, got := range strings.Fields(header.Get("webhook-signature")) {
		if hmac.Equal([]byte(got), []byte(want)) {
			return nil
		}
	}
	return errors.New("no signature matches")
}

func TestTheGuidesReceiverIsTested(t *testing.T) {
	t.Parallel()
	text, own := string(must(os.ReadFile(webhookGuide))), string(must(os.ReadFile("webhook_guide_test.go")))
	_, shown, _ := strings.Cut(text, "```go\n")
	shown, _, _ = strings.Cut(shown, "```")
	if shown == "" || !strings.Contains(own, "\n"+shown) {
		t.Errorf("the guide's receiver is not the tests':\n%s", shown)
	}
	for _, kind := range []onboarding.EventKind{onboarding.EventRegistered, onboarding.EventUpdated, onboarding.EventDegraded, onboarding.EventOpen, onboarding.EventDisconnected} {
		if !strings.Contains(text, "`"+WebhookType(kind)+"`") {
			t.Errorf("the guide does not name %s", WebhookType(kind))
		}
	}
}
