// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// Region is the vendor's Region in every test.
const Region = "us-east-1"

// Accounts of customers, for tests that need several.
const (
	Globex   = "222222222222"
	Initech  = "333333333333"
	Umbrella = "444444444444"
)

// World is the AWS of one test, with the vendor's clients.
type World struct {
	*sandbox.Sandbox
	Clients *awsclient.Clients
	Signer  *awsclient.Clients // signs the links that need it

	t       testing.TB
	region  string // of the vendor
	mu      sync.Mutex
	written chan struct{} // closed and replaced after each of the vendor's writes to DynamoDB
}

// Start starts a sandbox for one test.
func Start(t testing.TB, options ...sandbox.Option) *World {
	t.Helper()
	return StartIn(t, Region, options...)
}

// StartIn starts a sandbox in which vendor and customers are in a Region's partition.
func StartIn(t testing.TB, region string, options ...sandbox.Option) *World {
	t.Helper()
	box := trial.Sandbox(t, append(options, sandbox.WithRegion(region))...)
	Trust(t, box)
	w := &World{Sandbox: box, t: t, region: region, written: make(chan struct{})}
	box.Faults().After(w.wrote)
	for _, id := range []string{Globex, Initech, Umbrella} {
		if err := box.OpenAccount(id, kernel.Partition(region)); err != nil {
			t.Fatal(err)
		}
	}
	w.Clients = w.ClientsIn(region)
	w.Signer = w.Clients
	return w
}

// ClientsIn returns the vendor's clients in a Region.
func (w *World) ClientsIn(region string) *awsclient.Clients {
	w.t.Helper()
	return w.ClientsOf(sandbox.VendorAccount, region)
}

// ClientsOf returns the clients of an account's administrator.
func (w *World) ClientsOf(accountID, region string) *awsclient.Clients {
	w.t.Helper()
	clients, err := trial.Clients(context.Background(), w.Sandbox, accountID, region)
	if err != nil {
		w.t.Fatal(err)
	}
	return clients
}

// Provider returns the provider block for this world, with the vendor's administrator
// and Region.
func (w *World) Provider() string {
	return w.ProviderWith(w.region, sandbox.VendorAccount, "")
}

// ProviderWith returns a provider block for another Region or account, with
// more arguments.
func (w *World) ProviderWith(region, accountID, more string) string {
	w.t.Helper()
	keys, err := w.Credentials(accountID)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.ProviderAs(keys, region, more)
}

// ProviderAs returns a provider block with the given keys.
func (w *World) ProviderAs(keys sandbox.Credentials, region, more string) string {
	var endpoints strings.Builder
	for service, url := range trial.Endpoints(w.URL()) {
		fmt.Fprintf(&endpoints, "    %s = %q\n", service, url)
	}
	return fmt.Sprintf(`
provider "xacct" {
  region     = %q
  access_key = %q
  secret_key = %q
  max_retries = 4
  endpoints = {
%s    console = "%s/console"
  }
  %s
}
`, region, keys.AccessKeyID, keys.SecretAccessKey, endpoints.String(), w.URL(), more)
}

// Registry returns a hub's registry, with the vendor's clients.
func (w *World) Registry(hub string) *registry.Registry {
	return registry.New(w.Clients.DynamoDB(), hub, time.Now)
}

// wrote is called after every call in the sandbox.
func (w *World) wrote(c *kernel.Call) error {
	switch c.Action {
	case "PutItem", "UpdateItem", "TransactWriteItems":
		w.mu.Lock()
		defer w.mu.Unlock()
		close(w.written)
		w.written = make(chan struct{})
	}
	return nil
}

// Until waits until a condition on the registry is true: it checks after every
// write, and never sleeps.
func (w *World) Until(ctx context.Context, so func() bool) error {
	for {
		w.mu.Lock()
		written := w.written
		w.mu.Unlock()
		if so() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-written:
		}
	}
}

// Link waits until a customer's link can be launched: it is open, and the
// customer's account may publish. It returns the launch link.
func (w *World) Link(ctx context.Context, hub, customer string) (string, error) {
	records := w.Registry(hub)
	var link onboarding.Link
	err := w.Until(ctx, func() bool {
		found, err := records.Customer(ctx, customer)
		if err != nil || found.Link.Closed {
			return false
		}
		link = found.Link
		shard, err := records.Shard(ctx, registry.ShardList(link.Shard))
		_, allowed := shard.Accounts[link.Account]
		if link.Scope != onboarding.ScopeAccount {
			_, allowed = shard.Organizations[link.Organization]
			allowed = allowed || shard.Anyone
		}
		return err == nil && allowed && shard.Written == shard.Sequence
	})
	if err != nil {
		return "", fmt.Errorf("customer %s of hub %s got no link: %w", customer, hub, err)
	}
	if link.TemplateURL, err = w.readable(ctx, link); err != nil {
		return "", err
	}
	return LaunchURL(link)
}

// readable returns the address under which the customer can read the template:
// signed, if the hub's templates are private.
func (w *World) readable(ctx context.Context, link onboarding.Link) (string, error) {
	vendor, err := hub.New(w.Signer, link.Hub, time.Now, rand.Reader)
	if err != nil {
		return "", err
	}
	record, err := vendor.Registry().Hub(ctx)
	if err != nil || !record.TemplateAccess.Presigned() {
		return link.TemplateURL, err
	}
	signed, err := vendor.PresignTemplate(ctx, record, link, time.Hour)
	return signed.URL, err
}

// LaunchURL returns the link of a record, built without the provider.
func LaunchURL(link onboarding.Link) (string, error) {
	var declared struct {
		Region    string `json:"region"`
		StackName string `json:"stack_name"`
	}
	if err := json.Unmarshal(link.Declared, &declared); err != nil {
		return "", err
	}
	region, err := account.ParseRegion(declared.Region)
	if err != nil {
		return "", err
	}
	parameters := map[string]string{
		stacktemplate.ParameterExternalID:   link.ExternalID.String(),
		stacktemplate.ParameterCustomerName: link.CustomerID,
		stacktemplate.ParameterRoleName:     link.RoleName,
		stacktemplate.ParameterShard:        fmt.Sprint(link.Shard),
	}
	if link.Scope == onboarding.ScopeAccount {
		parameters[stacktemplate.ParameterExpectedAccountID] = link.Account.String()
	}
	return quickcreate.Link{Region: region, TemplateURL: link.TemplateURL, StackName: declared.StackName, Parameters: parameters}.URL("")
}

// patience is how long a test waits before it fails.
const patience = 2 * time.Minute

// Launch acts as a customer in the background: when the link is ready, it opens the
// link in the customer's account and creates the stack. The returned function waits
// for the stack, and fails the test if its status differs from the given one.
func (w *World) Launch(hub, customer, accountID, status string) (wait func() sandbox.Stack) {
	w.t.Helper()
	return w.LaunchWith(hub, customer, accountID, status, sandbox.LaunchOptions{})
}

// LaunchWith is Launch with changed values in the console's form.
func (w *World) LaunchWith(hub, customer, accountID, status string, o sandbox.LaunchOptions) (wait func() sandbox.Stack) {
	done := make(chan sandbox.Stack, 1)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	ended := make(chan struct{})
	w.t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		stack, err := w.launch(ctx, hub, customer, accountID, o)
		switch {
		case err != nil:
			w.t.Error(err)
		case stack.Status != status:
			w.t.Errorf("the stack of customer %s is %s, not %s:\n%s", customer, stack.Status, status, w.Story(stack.ID))
		}
		done <- stack
	}()
	return sync.OnceValue(func() sandbox.Stack { return <-done })
}

func (w *World) launch(ctx context.Context, hub, customer, accountID string, o sandbox.LaunchOptions) (sandbox.Stack, error) {
	url, err := w.Link(ctx, hub, customer)
	if err != nil {
		return sandbox.Stack{}, err
	}
	id, err := w.LaunchURL(ctx, url, accountID, o)
	if err != nil {
		return sandbox.Stack{}, fmt.Errorf("customer %s could not launch %s: %w", customer, url, err)
	}
	return w.WaitStack(ctx, id)
}

// Story returns a stack's events as its owner sees them.
func (w *World) Story(stackID string) string { return trial.Story(w.Sandbox, stackID) }

// Update updates a customer's stack and waits until the update is complete.
func (w *World) Update(stackID string, o sandbox.UpdateOptions) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.UpdateStack(ctx, stackID, o); err != nil {
		w.t.Fatal(err)
	}
	stack, err := w.WaitStack(ctx, stackID)
	if err != nil || stack.Status != "UPDATE_COMPLETE" {
		w.t.Fatalf("the stack is %s (%v):\n%s", stack.Status, err, w.Story(stackID))
	}
}

// Leave deletes a customer's stack and waits until the deletion is complete.
func (w *World) Leave(stackID string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.DeleteStack(ctx, stackID); err != nil {
		w.t.Fatal(err)
	}
	stack, err := w.WaitStack(ctx, stackID)
	if err != nil || stack.Status != "DELETE_COMPLETE" {
		w.t.Fatalf("the stack is %s (%v):\n%s", stack.Status, err, w.Story(stackID))
	}
}

// Registrar runs a registrar for a hub until the returned function is called, as a
// daemon beside Terraform does.
func (w *World) Registrar(hub string) (stop func()) {
	w.t.Helper()
	records := w.Registry(hub)
	record, err := records.Hub(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := registrar.Open(w.Clients, records, record, registrar.Config{})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

// Calls returns the number of the vendor's calls over HTTP after a mark of the
// journal, by "service:Action", and the total.
func (w *World) Calls(mark int) (map[string]int, int) {
	counts, total := map[string]int{}, 0
	for _, e := range w.Journal().Since(mark) {
		if !e.Inside && e.Account == sandbox.VendorAccount {
			counts[e.Service+":"+e.Action]++
			total++
		}
	}
	return counts, total
}

// Called returns a channel that is closed at the next call of an action.
func (w *World) Called(service, action string) <-chan struct{} {
	called := make(chan struct{})
	once := sync.OnceFunc(func() { close(called) })
	remove := w.Faults().Before(func(c *kernel.Call) error {
		if c.Service == service && c.Action == action {
			once()
		}
		return nil
	})
	w.t.Cleanup(remove)
	return called
}

// Seek searches once for roles that customers created without a stack, as a registrar
// of the hub does every minute. The search runs with a clock that is later ahead, so
// that links are due.
func (w *World) Seek(hub string, later time.Duration) {
	w.t.Helper()
	records := w.Registry(hub)
	record, err := records.Hub(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	health.Discovery{
		Passes: records, Log: slog.New(slog.DiscardHandler),
		Round: health.Config{Registry: records, Prover: registrar.NewProver(w.Clients, record), Clock: func() time.Time { return time.Now().Add(later) }},
	}.DiscoverOnce(context.Background())
}
