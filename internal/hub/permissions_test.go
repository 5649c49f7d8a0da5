// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// publish publishes to a Region's topic as a customer's administrator.
func (w *world) publish(id account.ID, region account.Region) error {
	w.t.Helper()
	_, err := w.clients(id.String()).SNS(region).Publish(w.t.Context(), &sns.PublishInput{
		TopicArn: aws.String(w.topic(region, 0).String()), Message: aws.String("hello"),
	})
	return err
}

func (w *world) mayPublish(id account.ID, regions ...account.Region) {
	w.t.Helper()
	for _, region := range regions {
		if err := w.publish(id, region); err != nil {
			w.t.Errorf("account %s cannot publish in %s: %v", id, region, err)
		}
	}
}

func (w *world) mayNotPublish(id account.ID, regions ...account.Region) {
	w.t.Helper()
	for _, region := range regions {
		if err := w.publish(id, region); !awsclient.IsAccessDenied(err) {
			w.t.Errorf("account %s publishes in %s: got %v, want a refusal", id, region, err)
		}
	}
}

// names fails the test unless the policies name the account.
func (w *world) names(id account.ID, regions ...account.Region) {
	w.t.Helper()
	for _, region := range regions {
		attributes, err := w.topicAttributes(w.t.Context(), w.topic(region, 0))
		w.must(err)
		if who, _, _ := iampolicy.PublishersOf(attributes["Policy"]); !slices.Contains(who.Accounts, id) {
			w.t.Errorf("the policy in %s names %v, want %s too", region, who.Accounts, id)
		}
	}
}

// customerAccount returns the account of the n-th customer.
func customerAccount(n int) account.ID {
	return parse(account.ParseID, fmt.Sprintf("5%011d", n))
}

func TestOnlyAnAllowedAccountMayPublishAndInEveryRegion(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	w.mayPublish(globex, frankfurt, virginia)
	w.mayNotPublish(initech, frankfurt, virginia)
	w.complete(frankfurt, virginia)
}

func TestAllowingAgainWritesNoPolicy(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	mark := w.box.Journal().Mark()
	w.must(w.process().Permissions().Allow(t.Context(), 0, globex))
	if n := w.calls(mark, "sns:SetTopicAttributes"); n != 0 {
		t.Errorf("%d policies were written", n)
	}
}

// The first write is held up until all other callers wait.
func TestCallersDuringAWriteShareTheNext(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	const callers = 60
	var waiting atomic.Int64
	writing, release := make(chan struct{}), make(chan struct{})
	var first sync.Once
	w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Service == "dynamodb" && c.Action == "TransactWriteItems" {
			first.Do(func() { close(writing); <-release })
		}
		return nil
	})
	mark := w.box.Journal().Mark()
	var all sync.WaitGroup
	all.Go(func() { allowAll(t, w.Manager, 0, 1) })
	<-writing
	for n := 1; n < callers; n++ {
		all.Go(func() {
			if err := w.Permissions().Allow(waitingContext{t.Context(), &waiting}, 0, customerAccount(n)); err != nil {
				t.Error(err)
			}
		})
	}
	for waiting.Load() < callers-1 {
		runtime.Gosched()
	}
	close(release)
	all.Wait()
	if n := w.calls(mark, "sns:SetTopicAttributes"); n != 2*2 {
		t.Errorf("%d policies were written for %d accounts, want 2 in each of 2 Regions", n, callers)
	}
	w.allowed(callers)
}

// waitingContext counts the callers that wait for its end.
type waitingContext struct {
	context.Context
	waiting *atomic.Int64
}

func (c waitingContext) Done() <-chan struct{} {
	c.waiting.Add(1)
	return c.Context.Done()
}

// allowAll allows the accounts [from, to) at the same time.
func allowAll(t *testing.T, h *Manager, from, to int) {
	t.Helper()
	var all sync.WaitGroup
	for n := from; n < to; n++ {
		all.Go(func() {
			if err := h.Permissions().Allow(t.Context(), 0, customerAccount(n)); err != nil {
				t.Errorf("account %s: %v", customerAccount(n), err)
			}
		})
	}
	all.Wait()
}

// allowed fails the test unless the policies name exactly n accounts.
func (w *world) allowed(n int) {
	w.t.Helper()
	for _, region := range spec().Regions {
		attributes, err := w.topicAttributes(w.t.Context(), w.topic(region, 0))
		w.must(err)
		who, _, _ := iampolicy.PublishersOf(attributes["Policy"])
		if len(who.Accounts) != n {
			w.t.Errorf("%d accounts may publish in %s, want %d", len(who.Accounts), region, n)
		}
	}
	w.complete(spec().Regions...)
}

func TestConcurrentProcessesLoseNoAccount(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	const processes, each = 3, 12
	var all sync.WaitGroup
	for p := range processes {
		h := w.process()
		h.sleep = smithytime.SleepWithContext // waits in real time, so that no lease expires early
		all.Go(func() { allowAll(t, h, p*each, (p+1)*each) })
	}
	all.Wait()
	w.allowed(processes * each)
}

func TestForeignStatementsAreKept(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	_, err := w.clients(initech.String()).STS(frankfurt).GetCallerIdentity(t.Context(), nil) // creates the account in the sandbox
	w.must(err)
	_, err = w.Manager.clients.SNS(frankfurt).AddPermission(t.Context(), &sns.AddPermissionInput{
		TopicArn: aws.String(w.topic(frankfurt, 0).String()), Label: aws.String("partner"),
		AWSAccountId: []string{initech.String()}, ActionName: []string{"Publish"},
	})
	w.must(err)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	w.mayPublish(globex, frankfurt)
	w.mayPublish(initech, frankfurt)
	w.mayNotPublish(initech, virginia)
}

// A slow write of one process arrives after another process has taken the lease and
// finished.
func TestAWriterThatLostTheLeaseWritesAgain(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	quick := w.process()
	w.slowFirstWrite(func() error {
		w.clock.Advance(leaseTime + time.Second)
		return quick.Permissions().Allow(t.Context(), 0, initech)
	})
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	w.mayPublish(globex, frankfurt, virginia)
	w.mayPublish(initech, frankfurt, virginia)
	w.complete(frankfurt, virginia)
}

// slowFirstWrite runs a function while the first write of a policy is in flight.
func (w *world) slowFirstWrite(meanwhile func() error) {
	var first atomic.Bool
	w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "SetTopicAttributes" && first.CompareAndSwap(false, true) {
			if err := meanwhile(); err != nil {
				w.t.Errorf("meanwhile: %v", err)
			}
		}
		return nil
	})
}

// As in TestAWriterThatLostTheLeaseWritesAgain, but the writer dies before it notices.
func TestAPolicyThatIsBehindIsDetectedAndRepaired(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	quick := w.process()
	var dead atomic.Bool
	w.slowFirstWrite(func() error {
		w.clock.Advance(leaseTime + time.Second)
		err := quick.Permissions().Allow(t.Context(), 0, initech)
		dead.Store(true)
		return err
	})
	revive := w.box.Faults().Before(func(c *kernel.Call) error {
		if dead.Load() && c.Service == "dynamodb" {
			return kernel.Errorf(400, "ValidationError", "the process has stopped")
		}
		return nil
	})
	if err := w.Permissions().Allow(t.Context(), 0, globex); err == nil {
		t.Fatal("the process did not die")
	}
	revive()
	state, err := w.Read(t.Context())
	w.must(err)
	if !state.PoliciesOutdated {
		t.Fatal("the state does not say that a policy is behind")
	}
	w.must(w.process().Permissions().Repair(t.Context()))
	w.mayPublish(initech, frankfurt, virginia)
	w.mayPublish(globex, frankfurt, virginia)
	w.complete(frankfurt, virginia)
}

func TestRepairingACorrectPolicyWritesNothing(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	mark := w.box.Journal().Mark()
	w.must(w.Permissions().Repair(t.Context()))
	if n := w.calls(mark, "sns:SetTopicAttributes") + w.calls(mark, "dynamodb:UpdateItem"); n != 0 {
		t.Errorf("%d writes", n)
	}
}

func TestAPolicyThatSNSDidNotConfirmIsWrittenAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range []kernel.FaultKind{kernel.FaultThrottle, kernel.FaultServerError, kernel.FaultLostAnswer} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newHub(t)
			w.box.Faults().Add(kernel.FaultRule{Service: "sns", Action: "SetTopicAttributes", Kind: kind, Next: 3})
			w.must(w.Permissions().Allow(t.Context(), 0, globex))
			w.mayPublish(globex, frankfurt, virginia)
			w.complete(frankfurt, virginia)
		})
	}
}

func TestAFullTopicIsAnErrorBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	arn := w.topic(virginia, 0).String()
	crowded := `{"Version":"2012-10-17","Statement":[{"Sid":"others","Effect":"Allow","Principal":{"AWS":"*"},"Action":"SNS:Publish","Resource":"` +
		arn + `","Condition":{"StringEquals":{"aws:PrincipalAccount":["` + strings.Repeat(`444444444444","`, 2020) + `444444444444"]}}}]}`
	_, err := w.Manager.clients.SNS(virginia).SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: &arn, AttributeName: aws.String("Policy"), AttributeValue: &crowded,
	})
	w.must(err)
	before, err := w.registry.Shard(t.Context(), registry.ShardList(0))
	w.must(err)
	mark := w.box.Journal().Mark()
	err = w.Permissions().Allow(t.Context(), 0, globex)
	var full *iampolicy.TopicFullError
	if !errors.As(err, &full) || !strings.Contains(err.Error(), "nothing was changed") {
		t.Fatalf("got %v, want TopicFullError", err)
	}
	after, err := w.registry.Shard(t.Context(), registry.ShardList(0))
	w.must(err)
	if n := w.calls(mark, "sns:SetTopicAttributes"); n != 0 || after.Sequence != before.Sequence || len(after.Accounts) != 0 {
		t.Errorf("%d policies were written, and the registry has %+v", n, after)
	}
	other := registry.Lease{Holder: "other", Until: w.clock.Now().Add(time.Minute)}
	if _, err := w.registry.AcquireLease(t.Context(), registry.ShardList(0), other); err != nil {
		t.Errorf("the lease was kept: %v", err)
	}
}

func TestAccountsWithoutALinkAreRemovedAfterTheGracePeriod(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	link := w.linked("globex", globex)
	w.linked("initech", initech)
	stray := customerAccount(1)
	for _, id := range []account.ID{globex, initech, stray} {
		w.must(w.Permissions().Allow(t.Context(), 0, id))
	}
	link.Closed, link.ClosedAt = true, w.clock.Now()
	_, err := w.registry.UpdateLink(t.Context(), link)
	w.must(err)

	w.reconcile()
	w.clock.Advance(2 * time.Hour)
	w.reconcile() // marks the stray: earlier, its link could have been about to be written
	w.clock.Advance(onboarding.Grace - time.Hour)
	w.reconcile()
	w.mayNotPublish(globex, frankfurt, virginia)
	w.mayPublish(stray, frankfurt, virginia)
	w.clock.Advance(time.Hour)
	w.reconcile()
	w.mayNotPublish(stray, frankfurt, virginia)
	w.mayPublish(initech, frankfurt, virginia)
	w.complete(frankfurt, virginia)
}

func TestAllowingAnOldAccountAgainPreventsItsRemoval(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	w.clock.Advance(24 * time.Hour)
	w.must(w.process().Permissions().Allow(t.Context(), 0, globex))
	w.clock.Advance(removableAfter - time.Minute)
	w.reconcile()
	list, err := w.registry.Shard(t.Context(), registry.ShardList(0))
	w.must(err)
	if len(list.Leaving) > 0 {
		t.Errorf("%v are marked, although their links may be about to be written", list.Leaving)
	}
}

func TestACanceledCallerDoesNotCancelOthers(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.slowFirstWrite(func() error { cancel(); return nil })
	if err := w.Permissions().Allow(ctx, 0, globex); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancellation or nothing", err)
	}
	w.must(w.Permissions().Allow(t.Context(), 0, initech))
	w.mayPublish(globex, frankfurt, virginia)
	w.mayPublish(initech, frankfurt, virginia)
}

func TestAMissingTopicSaysWhatToDo(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.must(w.deleteTopics(t.Context(), []account.TopicARN{w.topic(virginia, 0)}))
	err := w.Permissions().Allow(t.Context(), 0, globex)
	if err == nil || !strings.Contains(err.Error(), "apply the hub again") {
		t.Errorf("got %v, want an error that says to apply the hub again", err)
	}
}
