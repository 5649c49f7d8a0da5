// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package e2e tests the promises of ARCHITECTURE.md end to end, without Terraform: a
// vendor's hub on the sandbox, customers who launch and delete stacks, and registrars
// that run as separate processes would, over HTTP with the real SDK.
//
// Nothing sleeps. The time is the sandbox's; it advances when a test moves it, or
// when everything is waiting (see pace.go).
package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// T has the methods of a test that a world needs: those of a *testing.T or *rapid.T.
type T interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// The first hub of every world, and the two Regions of its topics.
const (
	Hub       = "acme"
	Frankfurt = "eu-central-1" // the hub's own
	Virginia  = "us-east-1"
)

// World is a sandbox with a hub in it.
type World struct {
	*sandbox.Sandbox
	T       T
	Hub     *hub.Manager
	Record  registry.HubRecord
	Clients *awsclient.Clients // the vendor's own clients, besides those of its registrars

	home    string // the hub's Region
	answers answers
	pace    *pace
	log     *buffer
}

// New returns a world.
func New(t T, options ...sandbox.Option) *World {
	t.Helper()
	box, err := sandbox.Start(options...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { _ = box.Close() })
	w := &World{Sandbox: box, T: t, home: Frankfurt, pace: newPace(box.Clock()), log: &buffer{}}
	w.makeHub(Hub, Frankfurt, Virginia)
	box.Faults().After(w.answers.took)
	box.Faults().After(w.pace.queueChanged)
	return w
}

// Second returns the world with another hub of the vendor, which has only its own
// Region.
func (w *World) Second(name, home string) *World {
	w.T.Helper()
	second := &World{Sandbox: w.Sandbox, T: w.T, home: home, pace: w.pace, log: w.log}
	second.makeHub(name, home)
	return second
}

func (w *World) makeHub(name string, regions ...string) {
	w.T.Helper()
	w.Clients = w.ClientsOf(sandbox.VendorAccount, w.URL())
	var err error
	w.Hub, err = hub.New(w.Clients, name, w.Now, rand.Reader)
	w.Must(err)
	spec := hub.Spec{
		DisplayName:     "Acme",
		SupportURL:      "https://acme.example/support",
		PublisherScope:  onboarding.KnownAccounts,
		TemplateAccess:  onboarding.TemplatesPublic,
		ResponseTimeout: 15 * time.Minute,
		Capacity:        1500,
		Shards:          1,
	}
	for _, name := range regions {
		spec.Regions = append(spec.Regions, region(name))
	}
	state, err := w.Hub.Create(w.T.Context(), spec)
	w.Must(err)
	w.Record = state.Record
}

// Now returns the sandbox's time.
func (w *World) Now() time.Time { return w.Clock().Now() }

// Registry returns the hub's registry.
func (w *World) Registry() *registry.Registry { return w.Hub.Registry() }

// Must fails the test if err is not nil. It is for steps that are not the subject of
// the test.
func (w *World) Must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatalf("%v\n%s", err, w.log)
	}
}

// ClientsOf returns clients of an account's administrator that use an endpoint. They
// do not retry calls, so that a test controls retries.
func (w *World) ClientsOf(id, endpoint string) *awsclient.Clients {
	w.T.Helper()
	clients, err := trial.Clients(w.T.Context(), w.Sandbox, id, w.home, func(c *awsclient.Config) {
		c.MaxRetries, c.Endpoints = 1, trial.Endpoints(endpoint)
	})
	w.Must(err)
	return clients
}

// Prove runs one round of proofs of all registered roles.
func (w *World) Prove() error {
	_, err := health.Round(w.T.Context(), health.Config{
		Registry: w.Registry(), Prover: registrar.NewProver(w.Clients, w.Record), Clock: w.Now,
	})
	return err
}

// Specification returns the specification of the hub's templates, with the given
// role.
func (w *World) Specification(role permissionset.Role) stacktemplate.Specification {
	return stacktemplate.Specification{
		Hub: w.Record.Name, DisplayName: w.Record.DisplayName, SupportURL: w.Record.SupportURL,
		Vendor: w.Record.Account, Partition: w.Record.Region.Partition(),
		Regions: w.Record.Regions, ResponseTimeout: w.Record.ResponseTimeout, Set: permissionset.Set{Role: role},
	}
}

// Publish uploads a template to the hub's bucket and returns its URL.
func (w *World) Publish(body []byte) string {
	w.T.Helper()
	address, err := w.Hub.PublishTemplate(w.T.Context(), w.Record, body)
	w.Must(err)
	return address
}

// Topic returns the ARN of the hub's topic in a Region.
func (w *World) Topic(in string) string {
	return account.TopicARN{Region: region(in), Account: w.Record.Account, Name: hub.TopicName(w.Record.Name, 0)}.String()
}

// patience is the real time without progress after which a waiting test fails.
const patience = 2 * time.Minute

// untilStuck returns a context that is cancelled when no message has been received,
// returned to the queue or deleted for the duration patience. A slow machine is not a
// failure: only go test's own timeout limits a test that makes progress.
func (w *World) untilStuck() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(w.T.Context())
	go func() {
		for {
			changed := w.pace.next()
			select {
			case <-changed:
			case <-time.After(patience):
				cancel()
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, cancel
}

// Settled waits until no operation is in progress in a stack, and returns the stack.
// It fails the test if its status differs.
func (w *World) Settled(stackID, status string) sandbox.Stack {
	w.T.Helper()
	return w.Reaches(stackID, status, sandbox.Stack.Settled)
}

// Reaches waits until wanted returns true for the stack, and returns the stack. It
// fails the test if its status differs.
func (w *World) Reaches(stackID, status string, wanted func(sandbox.Stack) bool) sandbox.Stack {
	w.T.Helper()
	ctx, cancel := w.untilStuck()
	defer cancel()
	stack, err := w.WaitStackFor(ctx, stackID, wanted)
	if err != nil || stack.Status != status {
		w.T.Fatalf("the stack is %s but should be %s (%v):\n%s\n%s", stack.Status, status, err, w.Story(stackID), w.log)
	}
	return stack
}

// In returns a function that reports whether a stack has a status.
func In(status string) func(sandbox.Stack) bool {
	return func(s sandbox.Stack) bool { return s.Status == status }
}

// Story returns a stack's events as its owner sees them.
func (w *World) Story(stackID string) string { return trial.Story(w.Sandbox, stackID) }

// Reads fails the test unless a sentence is in the stack's events.
func (w *World) Reads(stackID, sentence string) {
	w.T.Helper()
	if story := w.Story(stackID); !strings.Contains(story, sentence) {
		w.T.Errorf("the customer should read %q, but reads:\n%s", sentence, story)
	}
}

// Down makes the vendor's calls of an action (empty: of all actions) of a service
// fail for a duration of the sandbox's clock.
func (w *World) Down(service, action string, d time.Duration) {
	until := w.Now().Add(d)
	w.Faults().Before(func(c *kernel.Call) error {
		ours := c.Principal != nil && c.Principal.Account == sandbox.VendorAccount
		if !ours || c.Service != service || action != "" && c.Action != action || !w.Now().Before(until) {
			return nil
		}
		return kernel.Errorf(http.StatusServiceUnavailable, "ServiceUnavailable", "%s is down", service)
	})
}

func region(name string) account.Region {
	r, err := account.ParseRegion(name)
	if err != nil {
		panic(err) // constants of this package
	}
	return r
}

// buffer holds the registrars' logs, which are printed if a test fails.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	const most = 5_000
	text := b.text.String()
	return "the registrars' logs:\n" + text[max(0, len(text)-most):]
}

func (b *buffer) logger(process string) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})).With("process", process)
}
