// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// refuse commits a refused Create of globex's stack.
func (w *world) refuse(requestID string, outcome onboarding.Outcome) {
	w.t.Helper()
	v := w.visit(requestID)
	v.answer.Response = phonehome.Response{Status: phonehome.Failed, Reason: "because " + requestID}
	v.answer.Outcome = outcome
	v.answer.Change = onboarding.Change{CustomerID: "globex", Request: phonehome.Create}
	stored, err := w.StoreAnswer(w.t.Context(), v.snapshot, v.answer)
	w.must(err)
	w.must(w.Commit(w.t.Context(), v.snapshot, stored, onboarding.Apply(v.snapshot, stored, w.clock.Now())))
}

func TestManyRefusalsAreOneLineADayForEachOutcome(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	for day := range 2 {
		for n := range 20 {
			w.refuse(fmt.Sprintf("%d-refused-%d", day, n), onboarding.OutcomeRefused)
			w.refuse(fmt.Sprintf("%d-expired-%d", day, n), onboarding.OutcomeExpired)
			w.clock.Advance(time.Second)
		}
		w.clock.Advance(24 * time.Hour)
	}
	history := w.requests("globex")
	var lines []string
	for _, h := range history {
		lines = append(lines, h.Detail)
	}
	want := []string{"because 0-expired-19", "because 0-refused-19", "because 1-expired-19", "because 1-refused-19"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestRefusalsAreKeptFor60DaysAndChangesFor400(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	w.refuse("refused", onboarding.OutcomeExpired)
	v := w.visit("registered")
	w.must(w.Commit(t.Context(), v.snapshot, v.answer, v.after))

	lines, err := w.dynamo.Query(t.Context(), &dynamodb.QueryInput{
		TableName:                 aws.String(w.Table()),
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text("CUSTOMER-HISTORY#globex")},
	})
	w.must(err)
	if len(lines.Items) != 2 {
		t.Fatalf("got %d lines of history, want 2", len(lines.Items))
	}
	for _, i := range lines.Items {
		refused := strings.Contains(i["record"].(*types.AttributeValueMemberS).Value, `"Refused":true`)
		days := 400
		if refused {
			days = 60
		}
		want := strconv.FormatInt(w.clock.Now().AddDate(0, 0, days).Unix(), 10)
		if got, _ := i["expires"].(*types.AttributeValueMemberN); got == nil || got.Value != want {
			t.Errorf("refused %t: expires %v, want %s: %v", refused, got, want, i["record"])
		}
	}
}

func TestABlockedLinkIsReadAsItWasWritten(t *testing.T) {
	w := newHub(t)
	link := w.linked("globex", "222222222222")
	link.Blocked, link.BlockedAt, link.BlockedReason = true, w.clock.Now().UTC(), "floods us"
	written, err := w.UpdateLink(t.Context(), link)
	w.must(err)
	found, err := w.Customer(t.Context(), "globex")
	w.must(err)
	if diff := cmp.Diff(written, found.Link, comparable); diff != "" {
		t.Errorf("written and read differ (-written +read):\n%s", diff)
	}
}
