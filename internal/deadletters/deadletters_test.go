// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package deadletters

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

func TestReadLeavesEveryLetterInTheQueue(t *testing.T) {
	w := newWorld(t)
	for i := range 25 {
		w.put(fmt.Sprintf("letter %02d", i), "why not")
	}
	for range 2 { // the second read finds all of them again
		if got := len(w.read()); got != 25 {
			t.Fatalf("read %d letters, want 25", got)
		}
	}
}

func TestReadStopsWhenVisitReturnsTrueAndReleasesItsLetters(t *testing.T) {
	w := newWorld(t)
	for i := range 25 {
		w.put(fmt.Sprintf("letter %02d", i), "why not")
	}
	mark := w.box.Journal().Mark()
	n := 0
	w.must(w.Read(t.Context(), func(Letter) bool { n++; return n == 3 }))
	if calls := w.box.Journal().Counts(mark)["sqs:ReceiveMessage"]; n != 3 || calls != 1 {
		t.Errorf("saw %d letters with %d calls, want 3 with 1", n, calls)
	}
	if got := len(w.read()); got != 25 {
		t.Errorf("%d letters are left, want 25", got)
	}
}

func TestACancelledReadReleasesItsLetters(t *testing.T) {
	w := newWorld(t)
	w.put("one", "x")
	ctx, stop := context.WithCancel(t.Context())
	err := w.Read(ctx, func(Letter) bool { stop(); return false })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := len(w.read()); got != 1 {
		t.Errorf("%d letters are left, want 1", got)
	}
}

func TestADeadLetterHasItsReason(t *testing.T) {
	w := newWorld(t)
	w.put("with a reason", "not a phone-home")
	w.put("without", "")
	w.send(w.source, "received too often", "")
	w.exhaust()
	got := map[string]string{}
	for _, letter := range w.read() {
		got[letter.Body] = letter.Reason
		if letter.ID == "" || letter.SentAt.IsZero() {
			t.Errorf("no ID or no time: %+v", letter)
		}
	}
	want := map[string]string{
		"with a reason":      "not a phone-home",
		"without":            "none was given",
		"received too often": "it was received as often as the queue allows, and never handled",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestRedriveSendsExactlyTheNamedLetters(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{"a", "b", "c"} {
		w.put(body, "x")
	}
	letters := w.read()
	sent, err := w.Redrive(t.Context(), []string{letters[1].ID, "unheard-of"})
	w.must(err)
	if diff := cmp.Diff([]string{letters[1].Body}, bodies(sent)); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{letters[1].Body}, w.main()); diff != "" {
		t.Errorf("in the hub's queue (-want +got):\n%s", diff)
	}
	if got := len(w.read()); got != 2 {
		t.Errorf("%d letters are left, want 2", got)
	}
}

func TestRedriveAllEndsEvenIfLettersReturnAtOnce(t *testing.T) {
	w := newWorld(t)
	for i := range 12 {
		w.put(fmt.Sprintf("letter %02d", i), "x")
	}
	// These letters can never be handled: each is moved back as soon as it
	// reaches the hub's queue.
	w.box.Faults().After(func(c *kernel.Call) error {
		if c.Service == "sqs" && c.Action == "SendMessage" && strings.Contains(string(c.Body), `"`+w.source+`"`) {
			for _, body := range w.main() {
				w.put(body, "again")
			}
		}
		return nil
	})
	sent, left, err := w.RedriveAll(t.Context())
	w.must(err)
	if len(sent) != 12 || left != 12 {
		t.Errorf("sent %d, left %d; want 12 and 12", len(sent), left)
	}
}

func TestRedriveSomeStopsAtItsLimit(t *testing.T) {
	w := newWorld(t)
	for i := range 12 {
		w.put(fmt.Sprintf("letter %02d", i), "x")
	}
	told := 0
	sent, left, err := w.RedriveSome(t.Context(), 5, func(Letter) { told++ })
	w.must(err)
	if len(sent) != 5 || told != 5 || left != 0 || len(w.read()) != 7 {
		t.Errorf("sent %d, reported %d, left %d, and %d letters remain", len(sent), told, left, len(w.read()))
	}
}

func TestALetterThatCannotBeSentStaysInTheQueue(t *testing.T) {
	w := newWorld(t)
	w.put("a", "x")
	w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "SendMessage" && strings.Contains(string(c.Body), `"`+w.source+`"`) {
			return kernel.Errorf(400, "AccessDenied", "no")
		}
		return nil
	})
	sent, _, err := w.RedriveAll(t.Context())
	if !awsclient.IsAccessDenied(err) || len(sent) != 0 {
		t.Errorf("sent %v, error %v", sent, err)
	}
	if got := len(w.read()); got != 1 {
		t.Errorf("%d letters are left, want 1", got)
	}
}

// world is a sandbox with a queue and its dead-letter queue.
type world struct {
	*Queue
	t   *testing.T
	box *sandbox.Sandbox
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	box := trial.Sandbox(t)
	clients, err := trial.Clients(t.Context(), box, sandbox.VendorAccount, "eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, box: box}
	client := clients.SQS(clients.Region)
	dead, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("xacct-acme-dead-letters")})
	w.must(err)
	source, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("xacct-acme"), Attributes: map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:111111111111:xacct-acme-dead-letters","maxReceiveCount":1}`,
	}})
	w.must(err)
	w.Queue = New(client, *dead.QueueUrl, *source.QueueUrl)
	w.wait = 0 // the sandbox has one server, which always knows all messages
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// put sends a letter to the dead-letter queue, as the registrar does.
func (w *world) put(body, reason string) { w.send(w.url, body, reason) }

func (w *world) send(url, body, reason string) {
	w.t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}
	if reason != "" {
		in.MessageAttributes = map[string]types.MessageAttributeValue{"Reason": {DataType: aws.String("String"), StringValue: &reason}}
	}
	_, err := w.client.SendMessage(w.t.Context(), in)
	w.must(err)
}

// read returns all letters, sorted by their text.
func (w *world) read() []Letter {
	w.t.Helper()
	var letters []Letter
	w.must(w.Read(w.t.Context(), func(l Letter) bool { letters = append(letters, l); return false }))
	slices.SortFunc(letters, func(a, b Letter) int { return strings.Compare(a.Body, b.Body) })
	return letters
}

// main receives and deletes everything in the hub's queue.
func (w *world) main() []string {
	w.t.Helper()
	var all []string
	for {
		out, err := w.client.ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &w.source, MaxNumberOfMessages: 10})
		w.must(err)
		if len(out.Messages) == 0 {
			return all
		}
		for _, m := range out.Messages {
			all = append(all, *m.Body)
			_, err := w.client.DeleteMessage(w.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &w.source, ReceiptHandle: m.ReceiptHandle})
			w.must(err)
		}
	}
}

// exhaust receives the messages of the hub's queue as often as the queue allows.
func (w *world) exhaust() {
	w.t.Helper()
	for range 2 {
		_, err := w.client.ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &w.source, VisibilityTimeout: 0, MaxNumberOfMessages: 10})
		w.must(err)
		w.box.Clock().Advance(readVisibility)
	}
}

func bodies(letters []Letter) []string {
	var all []string
	for _, letter := range letters {
		all = append(all, letter.Body)
	}
	return all
}

func TestDeleteRemovesOnlyTheNamedLetters(t *testing.T) {
	w := newWorld(t)
	for i := range 12 {
		w.put(fmt.Sprintf("letter %02d", i), "why not")
	}
	all := w.read()
	deleted, err := w.Delete(t.Context(), []string{all[3].ID, all[7].ID, all[3].ID, "unheard-of"})
	w.must(err)
	if len(deleted) != 2 {
		t.Errorf("deleted %d letters, want 2", len(deleted))
	}
	left := w.read()
	if len(left) != 10 || slices.ContainsFunc(left, func(l Letter) bool { return l.ID == all[3].ID || l.ID == all[7].ID }) {
		t.Errorf("%d letters are left, want the 10 others", len(left))
	}
	if deleted, err = w.Delete(t.Context(), nil); err != nil || len(deleted) != 10 || len(w.read()) != 0 {
		t.Errorf("deleted %d of the last 10 (%v)", len(deleted), err)
	}
}
