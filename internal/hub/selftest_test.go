// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// newKey creates a KMS key whose policy allows the account everything, and more.
func (w *world) newKey(more string) account.KMSKeyARN {
	w.t.Helper()
	arn, err := w.box.NewKey(w.t.Context(), sandbox.VendorAccount, frankfurt.String(), keyPolicy(more))
	w.must(err)
	return parse(account.ParseKMSKeyARN, arn)
}

func keyPolicy(more string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}` + more + `]}`
}

// forTopics returns the statement that a key's policy needs, as an error suggests it.
func forTopics() string {
	return "," + KeyPolicyStatement("acme", parse(account.ParseID, sandbox.VendorAccount), frankfurt, spec().Regions)
}

// hurried advances the sandbox's clock at each receive, so that long polling ends at once.
func (w *world) hurried() {
	w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "ReceiveMessage" {
			go w.box.Clock().Advance(2 * time.Second)
		}
		return nil
	})
}

// messages returns the number of messages in the queue.
func (w *world) messages() int {
	w.t.Helper()
	n, err := w.waiting(w.t.Context(), w.queueURL(QueueName("acme")))
	w.must(err)
	return n
}

func TestAHubIsReadyOnlyIfMessagesOfEveryTopicArrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hurried()
	declared := spec()
	declared.KMSKey = w.newKey("")
	_, err := w.Create(t.Context(), declared)
	var lost *LostError
	if !errors.As(err, &lost) || len(lost.Topics) != 2 || !strings.Contains(err.Error(), "KMS key") {
		t.Fatalf("SNS may not use the key, but Create returns %v", err)
	}
	if state := w.hubRecord().State; state != registry.HubCreating {
		t.Errorf("the hub is %s", state)
	}

	declared.KMSKey = w.newKey(forTopics())
	_, err = w.process().Create(t.Context(), declared)
	w.must(err)
	w.complete(frankfurt, virginia)
	if n := w.messages(); n != 0 {
		t.Errorf("%d messages are left in the queue", n)
	}
	w.linked("globex", globex)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	w.mayPublish(globex, frankfurt, virginia)
	if n := w.messages(); n != 2 {
		t.Errorf("%d messages of 2 have arrived", n)
	}
}

func TestAKeyThatLosesMessagesIsRevertedToTheFormerOne(t *testing.T) {
	t.Parallel()
	w := newLinkedHub(t)
	w.hurried()
	changed := spec()
	changed.KMSKey = w.newKey("")
	_, err := w.Update(t.Context(), changed)
	var lost *LostError
	if !errors.As(err, &lost) {
		t.Fatalf("got %v", err)
	}
	w.mayPublish(globex, frankfurt, virginia)
	if n := w.messages(); n != 2 {
		t.Errorf("%d messages of 2 have arrived", n)
	}
	if key := w.hubRecord().KMSKey; !key.IsZero() {
		t.Errorf("the hub has key %s", key)
	}

	keys, err := w.box.Credentials(sandbox.VendorAccount)
	w.must(err)
	policy := keyPolicy(forTopics())
	_, err = kms.New(kms.Options{
		Region: frankfurt.String(), BaseEndpoint: aws.String(w.box.URL()), Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	}).PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: aws.String(changed.KMSKey.Key), Policy: &policy})
	w.must(err)
	w.update(changed)
	w.complete(frankfurt, virginia)
	w.mayPublish(globex, frankfurt, virginia)
	if n := w.messages(); n != 4 {
		t.Errorf("%d messages of 4 have arrived", n)
	}
}

// Customers' messages that the self-test received become visible again. The queue may have
// more of them than the self-test receives.
func TestTheSelfTestReturnsCustomersMessagesToTheQueue(t *testing.T) {
	t.Parallel()
	for _, waiting := range []int{3, maxHeld + 50} {
		t.Run(fmt.Sprint(waiting), func(t *testing.T) {
			t.Parallel()
			w := newLinkedHub(t)
			w.hurried()
			for range waiting {
				w.must(w.publish(globex, virginia))
			}
			w.must(w.deleteTopics(t.Context(), []account.TopicARN{w.topic(virginia, 0)}))
			state, err := w.Update(t.Context(), spec())
			w.must(err)
			if tooMany := waiting > maxHeld; state.Record.Untested != tooMany {
				t.Errorf("with %d messages in the queue, Untested is %t", waiting, state.Record.Untested)
			}
			w.box.Clock().Advance(2 * time.Second)
			if n := w.messages(); n < waiting || n > waiting+1 {
				t.Errorf("%d messages are in the queue, want %d", n, waiting)
			}
			received, err := w.Manager.clients.SQS(frankfurt).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: aws.String(w.queueURL(QueueName("acme"))), WaitTimeSeconds: 1,
			})
			w.must(err)
			if len(received.Messages) == 0 {
				t.Error("registrars receive none of them")
			}
		})
	}
}

// A registrar that receives the test message records it in the registry, so the queue need
// not be searched.
func TestARegistrarMayReceiveTheSelfTest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	received := 0
	w.box.Faults().Before(func(c *kernel.Call) error {
		switch c.Action {
		case "ReceiveMessage":
			received++
		case "Publish":
			form, err := url.ParseQuery(string(c.Body))
			if err != nil {
				return err
			}
			nonce, ok := phonehome.Envelope{Message: form.Get("Message")}.SelfTest()
			if !ok {
				return fmt.Errorf("%q is not a self-test", form.Get("Message"))
			}
			return w.registry.RecordSelfTest(c.Context, nonce, parse(account.ParseTopicARN, form.Get("TopicArn")))
		}
		return nil
	})
	_, err := w.Create(t.Context(), spec())
	w.must(err)
	if received > 0 {
		t.Errorf("the queue was searched %d times", received)
	}
}

// publications returns the number of messages published during a change.
func publications(w *world, change func()) int {
	mark := w.box.Journal().Mark()
	change()
	n := 0
	for action, calls := range w.box.Journal().Counts(mark) {
		if strings.HasSuffix(action, ":Publish") {
			n += calls
		}
	}
	return n
}

func TestAnApplyThatStopsBeforeItsSelfTestIsTestedByTheNext(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(console) error{
		"queue":        func(m console) error { return m.queue(mainQueue, "Policy", "") },
		"subscription": func(m console) error { return m.subscription("RawMessageDelivery", "true") },
		"topic":        func(m console) error { return m.topic("SignatureVersion", "1") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spoiled := func(t *testing.T) *world {
				w := newHub(t)
				w.must(spoil(console{w, t.Context()}))
				return w
			}
			var died error
			update := func(w *world) error {
				_, died = w.process().Update(t.Context(), spec())
				return died
			}
			dieAtEveryCall(t, spoiled, update, func(w *world, calls int) {
				state, err := w.process().Read(t.Context())
				w.must(err)
				if died != nil && len(state.Defects) == 0 {
					t.Fatalf("stopped after %d calls, an untested change is not reported", calls)
				}
				if n := publications(w, func() { w.update(spec()) }); died != nil && n < 1 {
					t.Errorf("stopped after %d calls, the next apply tests nothing", calls)
				}
				w.complete(frankfurt, virginia)
			})
		})
	}
}

func TestTheSelfTestCoversOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	tagged := spec()
	tagged.Tags = map[string]string{"owner": "security"}
	if n := publications(w, func() { w.update(tagged) }); n != 0 {
		t.Errorf("%d messages for other tags", n)
	}
	more := tagged
	more.Regions = []account.Region{frankfurt, virginia, ireland}
	if n := publications(w, func() { w.update(more) }); n != 1 {
		t.Errorf("%d messages for one more Region", n)
	}
	m := console{w, t.Context()}
	w.must(m.subscription("RawMessageDelivery", "true"))
	if n := publications(w, func() { w.update(more) }); n != 1 {
		t.Errorf("%d messages for a repaired subscription", n)
	}
	w.must(m.queue(mainQueue, "Policy", ""))
	if n := publications(w, func() { w.update(more) }); n != 3 {
		t.Errorf("%d messages for a repaired policy of the queue", n)
	}
	if n := w.messages(); n != 0 {
		t.Errorf("%d messages are left", n)
	}
	if got := w.hubRecord().Regions; !slices.Contains(got, ireland) {
		t.Errorf("the Regions are %v", got)
	}
}
