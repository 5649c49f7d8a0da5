// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

func TestARoleIsDegradedWhileItIsRefusedAndActiveAgainAfterwards(t *testing.T) {
	w := newWorld("globex", "initech")
	w.roles["initech"] = refused

	w.round(t)
	w.expect(t, "globex active", "initech degraded: the role can no longer be assumed with its external ID")
	since := w.of("initech").ChangedAt

	w.advance(24 * time.Hour)
	w.round(t)
	if got := w.of("initech").ChangedAt; !got.Equal(since) {
		t.Errorf("degraded since %s became %s without a change", since, got)
	}

	w.roles["initech"] = proven
	w.round(t)
	w.expect(t, "globex active", "initech active")
	if diff := cmp.Diff([]string{"initech degraded", "initech restored"}, w.history); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestAHealthyRoundMakesOneCallForEachRoleAndWritesNothing(t *testing.T) {
	w := newWorld("globex", "initech", "umbrella")
	w.round(t)
	if w.once != 3 || w.full != 0 || w.writes != 0 {
		t.Errorf("%d single calls, %d full proofs, %d writes; want 3, 0, 0", w.once, w.full, w.writes)
	}
}

func TestADegradedRoleRequiresTheFullProofToBeActiveAgain(t *testing.T) {
	w := newWorld("globex")
	w.degrade("globex")
	w.roles["globex"] = open // the role can be assumed with the right external ID and without one
	w.round(t)
	w.expect(t, "globex degraded: the role can be assumed without an external ID, so others can get in")
	w.roles["globex"] = proven
	w.round(t)
	w.expect(t, "globex active")
	if w.once != 0 || w.full != 2 {
		t.Errorf("%d single calls and %d full proofs, want 0 and 2", w.once, w.full)
	}
}

func TestAFullRoundFindsARoleThatWasOpenedLater(t *testing.T) {
	w := newWorld("globex", "initech")
	w.roles["initech"] = open
	w.round(t)
	w.expect(t, "globex active", "initech active") // a single call doesn't find it
	config := w.config()
	config.Full = true
	if _, err := Round(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "globex active", "initech degraded: the role can be assumed without an external ID, so others can get in")
	if reg := w.of("initech"); !reg.Open || w.history[0] != "initech found_open" {
		t.Errorf("open: %t, history %v", reg.Open, w.history)
	}
	w.roles["initech"] = proven
	w.round(t)
	if reg := w.of("initech"); reg.Open || reg.Status != onboarding.Active {
		t.Errorf("closed again it is %s, open: %t", reg.Status, reg.Open)
	}
}

func TestAnOutageDegradesNoRole(t *testing.T) {
	w := newWorld("globex", "initech")
	w.degrade("initech")
	w.roles["globex"], w.roles["initech"] = throttled, throttled
	findings := w.round(t)
	w.expect(t, "globex active", "initech degraded: as before")
	for _, f := range findings {
		if f.Verdict != Unknown || f.Err == nil {
			t.Errorf("the finding on %s is %s with error %v, want unknown with the cause", f.Registration.CustomerID, f.Verdict, f.Err)
		}
	}
	if w.writes != 0 {
		t.Errorf("%d writes", w.writes)
	}
}

func TestRefusalsAreWithheldIfEveryRoleIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		working, refused int
		degraded         int
	}{
		"all of three are refused": {0, 3, 0},
		"all of two: too few":      {0, 2, 2},
		"one of four works":        {1, 3, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			for i := range test.working + test.refused {
				id := fmt.Sprintf("customer-%d", i)
				w.add(id)
				if i < test.refused { // the working roles come last
					w.roles[id] = refused
				}
			}
			w.round(t)
			if got := w.degraded(); got != test.degraded {
				t.Errorf("%d roles were degraded, want %d", got, test.degraded)
			}
		})
	}
}

func TestAWitnessCountsOnlyForRolesWithTheSamePrincipals(t *testing.T) {
	w := newWorld("globex", "a", "b", "c")
	for _, id := range []string{"a", "b", "c"} {
		// These roles are assumed through another role of the vendor's, which lost its permission.
		w.customers[id].Link.TrustedPrincipals = []account.RoleARN{parse(account.ParseRoleARN, "arn:aws:iam::111111111111:role/reader")}
		w.roles[id] = refused
	}
	findings := w.round(t)
	if w.degraded() != 0 {
		t.Errorf("%d roles were degraded", w.degraded())
	}
	withheld := slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Verdict != Withheld })
	if len(withheld) != 3 || len(findings) != 4 {
		t.Errorf("%d of %d findings are withheld, want 3 of 4", len(withheld), len(findings))
	}
}

// A Delete was received, but it is not known whether its answer arrived.
func TestADoubtedDeleteIsConfirmedOnlyWithAWitness(t *testing.T) {
	doubt := func(w *world) {
		w.degrade("leaving")
		w.of("leaving").DeleteDoubtedAt = w.clock()
		w.roles["leaving"] = refused
	}
	t.Run("without a witness it stays degraded", func(t *testing.T) {
		w := newWorld("leaving")
		doubt(w)
		w.round(t)
		w.expect(t, "leaving degraded: as before")
	})
	t.Run("with a witness it is disconnected", func(t *testing.T) {
		w := newWorld("leaving", "globex")
		doubt(w)
		w.round(t)
		if got := w.of("leaving"); got.Status != onboarding.Disconnected || len(w.history) != 1 {
			t.Errorf("it is %s, history %v", got.Status, w.history)
		}
	})
	t.Run("a role of another group is no witness", func(t *testing.T) {
		w := newWorld("leaving", "globex")
		doubt(w)
		w.customers["globex"].Link.TrustedPrincipals = []account.RoleARN{parse(account.ParseRoleARN, "arn:aws:iam::111111111111:role/reader")}
		w.round(t)
		w.expect(t, "globex active", "leaving degraded: as before")
	})
	t.Run("a role that works again ends the doubt", func(t *testing.T) {
		w := newWorld("leaving", "globex")
		doubt(w)
		w.roles["leaving"] = proven
		w.round(t)
		w.roles["leaving"] = refused
		w.round(t)
		w.expect(t, "globex active", "leaving degraded: the role can no longer be assumed with its external ID")
	})
	t.Run("verifying a single customer does not disconnect", func(t *testing.T) {
		w := newWorld("leaving", "globex")
		doubt(w)
		if _, err := Customer(t.Context(), w.config(), "leaving"); err != nil {
			t.Fatal(err)
		}
		w.expect(t, "globex active", "leaving degraded: as before")
	})
}

func TestVerifyingOneCustomerNeedsNoWitness(t *testing.T) {
	w := newWorld("a", "b", "c")
	for id := range w.customers {
		w.roles[id] = refused
	}
	findings, err := Customer(t.Context(), w.config(), "b")
	if err != nil || len(findings) != 1 || findings[0].Verdict != Broken {
		t.Fatalf("got %+v, %v", findings, err)
	}
	if w.of("b").Status != onboarding.Degraded || w.degraded() != 1 {
		t.Errorf("%d are degraded, b is %s", w.degraded(), w.of("b").Status)
	}
}

func TestAProofOfARegistrationThatChangedMeanwhileIsDiscarded(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(*onboarding.Registration)
		want      Verdict
		status    onboarding.RegistrationStatus
	}{
		"the stack was deleted": {func(r *onboarding.Registration) { r.Status = onboarding.Disconnected }, Moved, onboarding.Disconnected},
		"the role was replaced": {func(r *onboarding.Registration) { r.Role.Name = "other" }, Moved, onboarding.Active},
		"the stack was updated": {func(r *onboarding.Registration) { r.TemplateVersion = "new" }, Moved, onboarding.Active},
		"nothing relevant":      {func(r *onboarding.Registration) { r.GrantedPermissions = []string{"x"} }, Broken, onboarding.Degraded},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld("globex")
			w.roles["globex"] = refused
			w.meanwhile = test.meanwhile
			findings := w.round(t)
			if findings[0].Verdict != test.want || w.of("globex").Status != test.status {
				t.Errorf("verdict %s, status %s; want %s, %s", findings[0].Verdict, w.of("globex").Status, test.want, test.status)
			}
		})
	}
}

func TestAFindingThatCannotBeWrittenIsUnknown(t *testing.T) {
	w := newWorld("globex")
	w.roles["globex"] = refused
	w.failWrites = errors.New("the table is unavailable")
	findings := w.round(t)
	if findings[0].Verdict != Unknown || !errors.Is(findings[0].Err, w.failWrites) {
		t.Errorf("got %+v", findings[0])
	}
}

func TestDisconnectedAndPendingCustomersAreNotProven(t *testing.T) {
	w := newWorld("globex")
	w.customers["globex"].Registrations[0].Status = onboarding.Disconnected
	w.customers["pending"] = &onboarding.Customer{Link: onboarding.Link{CustomerID: "pending"}}
	if findings := w.round(t); len(findings) != 0 || w.once+w.full != 0 {
		t.Errorf("findings %+v, %d calls", findings, w.once+w.full)
	}
}

func TestASlowRoundSpreadsItsProofs(t *testing.T) {
	w := newWorld("a", "b", "c", "d")
	begun := w.clock()
	config := w.config()
	config.Concurrency = 1
	config.Spread = 24 * time.Hour
	config.Random = fixed(0x40)
	var starts []time.Duration
	config.Sleep = func(_ context.Context, d time.Duration) error {
		w.advance(d)
		starts = append(starts, w.clock().Sub(begun))
		return nil
	}
	if _, err := Round(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	for i, at := range starts {
		if low := time.Duration(i) * 6 * time.Hour; at <= low || at >= low+6*time.Hour {
			t.Errorf("role %d was proven after %s, outside its share of the time", i, at)
		}
	}
	if len(starts) != 4 {
		t.Errorf("%d waits, want 4", len(starts))
	}
}

func TestAStoppedRoundReturnsItsFindingsAndAnError(t *testing.T) {
	w := newWorld("a", "b", "c")
	ctx, stop := context.WithCancel(t.Context())
	config := w.config()
	config.Concurrency = 1
	config.OnFinding = func(Finding) { stop() }
	findings, err := Round(ctx, config)
	if !errors.Is(err, context.Canceled) || len(findings) == 0 || len(findings) == 3 {
		t.Errorf("%d findings, error %v", len(findings), err)
	}
}

// world is a registry, and the roles of its customers.
type world struct {
	mu        sync.Mutex
	now       time.Time
	customers map[string]*onboarding.Customer
	roles     map[string]onboarding.Proof

	meanwhile  func(*onboarding.Registration) // runs before the first write
	failWrites error

	once, full, writes int
	fully              map[string]bool // customers whose role got the full proof
	history            []string
}

var (
	proven    = onboarding.Proof{Outcome: onboarding.Proven}
	refused   = onboarding.Proof{Outcome: onboarding.Refused, Err: errors.New("AccessDenied")}
	open      = onboarding.Proof{Outcome: onboarding.Open, Weakness: "without an external ID"}
	throttled = onboarding.Proof{Outcome: onboarding.Inconclusive, Err: errors.New("throttled")}
)

func newWorld(customers ...string) *world {
	w := &world{
		now:       time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC),
		customers: map[string]*onboarding.Customer{},
		roles:     map[string]onboarding.Proof{},
		fully:     map[string]bool{},
	}
	for _, id := range customers {
		w.add(id)
	}
	return w
}

func (w *world) add(id string) {
	w.roles[id] = proven
	w.customers[id] = &onboarding.Customer{
		Link: onboarding.Link{CustomerID: id},
		Registrations: []onboarding.Registration{{
			CustomerID: id,
			Account:    parse(account.ParseID, "222222222222"),
			Role:       parse(account.ParseRoleARN, "arn:aws:iam::222222222222:role/acme-"+id),
			ExternalID: parse(account.ParseExternalID, "external-"+id),
			Status:     onboarding.Active,
			Revision:   1,
		}},
	}
}

func (w *world) of(id string) *onboarding.Registration { return &w.customers[id].Registrations[0] }

// forget removes registrations from the registry, but not their links.
func (w *world) forget(ids ...string) {
	for _, id := range ids {
		c, reg := w.customers[id], w.of(id)
		c.Link.Account, c.Link.ExternalID, c.Link.RoleName, c.Link.RolePath = reg.Account, reg.ExternalID, reg.Role.Name, "/"
		c.Registrations = nil
	}
}

func (w *world) degrade(id string) {
	r := w.of(id)
	r.Status, r.Reason = onboarding.Degraded, "as before"
}

func (w *world) degraded() int {
	n := 0
	for id := range w.customers {
		if w.of(id).Status == onboarding.Degraded {
			n++
		}
	}
	return n
}

func (w *world) config() Config {
	return Config{Registry: w, Prover: w, Concurrency: 2, Clock: w.clock}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) round(t *testing.T) []Finding {
	t.Helper()
	findings, err := Round(t.Context(), w.config())
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

// expect compares the customers' statuses and reasons, sorted.
func (w *world) expect(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for id := range w.customers {
		line := id + " " + string(w.of(id).Status)
		if reason := w.of(id).Reason; reason != "" {
			line += ": " + reason
		}
		got = append(got, line)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("registrations (-want +got):\n%s", diff)
	}
}

func (w *world) Customers(context.Context) ([]onboarding.Customer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []onboarding.Customer
	for _, c := range w.customers {
		all = append(all, copied(c))
	}
	slices.SortFunc(all, func(a, b onboarding.Customer) int { return strings.Compare(a.Link.CustomerID, b.Link.CustomerID) })
	return all, nil
}

func (w *world) Customer(_ context.Context, id string) (onboarding.Customer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return copied(w.customers[id]), nil
}

func copied(c *onboarding.Customer) onboarding.Customer {
	return onboarding.Customer{Link: c.Link, Registrations: slices.Clone(c.Registrations)}
}

func (w *world) PutHealth(_ context.Context, r onboarding.Registration, entry onboarding.HistoryEntry) (onboarding.Registration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failWrites != nil {
		return onboarding.Registration{}, w.failWrites
	}
	if c := w.customers[r.CustomerID]; len(c.Registrations) == 0 {
		c.Registrations = []onboarding.Registration{{}}
	}
	stored := w.of(r.CustomerID)
	if w.meanwhile != nil {
		w.meanwhile(stored)
		stored.Revision++
		w.meanwhile = nil
	}
	if stored.Revision != r.Revision {
		return onboarding.Registration{}, fmt.Errorf("write: %w", onboarding.ErrConflict)
	}
	r.Revision++
	*stored = r
	w.writes++
	w.history = append(w.history, r.CustomerID+" "+string(entry.Outcome))
	return r, nil
}

func (w *world) Prove(_ context.Context, probe onboarding.Probe) onboarding.Proof {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.full++
	w.fully[probe.CustomerID] = true
	return w.roles[probe.CustomerID]
}

func (w *world) ProveAgain(_ context.Context, probe onboarding.Probe) onboarding.Proof {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.once++
	if w.roles[probe.CustomerID].Outcome == onboarding.Open {
		return proven // a single call uses the right external ID only
	}
	return w.roles[probe.CustomerID]
}

func parse[T any](parse func(string) (T, error), s string) T {
	v, err := parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

// fixed is a source of randomness that always returns the same byte.
type fixed byte

func (f fixed) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(f)
	}
	return len(b), nil
}

func TestARoundAfterARestoreRecoversLostRegistrations(t *testing.T) {
	w := newWorld("globex", "initech", "umbrella", "hooli")
	w.forget("initech", "umbrella", "hooli")
	w.roles["umbrella"], w.roles["hooli"] = refused, open
	w.round(t)
	if w.writes != 0 || w.once != 1 {
		t.Fatalf("an ordinary round made %d calls and %d writes", w.once, w.writes)
	}
	hub := onboarding.Hub{Name: "acme", Region: parse(account.ParseRegion, "us-east-1")}
	config := w.config()
	config.Restored = &hub
	findings, err := Round(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]Verdict{}
	for _, f := range findings {
		verdicts[f.Registration.CustomerID] = f.Verdict
	}
	// A customer whose role is refused has most likely never connected.
	if diff := cmp.Diff(map[string]Verdict{"globex": Works, "initech": Works, "hooli": Unknown}, verdicts); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	if found := w.of("initech"); found.Status != onboarding.Active || !found.Recovered || found.ProvenAt.IsZero() {
		t.Errorf("found: %+v", found)
	}
	if diff := cmp.Diff([]string{"initech recovered"}, w.history); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if w.full != 2 {
		t.Errorf("%d full proofs, want 2: of those that the right external ID opens", w.full)
	}
}
