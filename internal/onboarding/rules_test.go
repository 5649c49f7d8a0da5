// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

func TestARoleIsProvenAgainForALimitedTime(t *testing.T) {
	tests := []struct {
		name    string
		outcome ProofOutcome
		age     time.Duration
		timeout time.Duration
		want    string
	}{
		{"a refused role may be settling", Refused, 2 * time.Second, 0, "later settling 5s"},
		{"and is proven less often with time", Refused, 30 * time.Second, 0, "later settling 10s"},
		{"a refused role gets two minutes", Refused, 119 * time.Second, 0, "later settling 20s"},
		{"and no longer", Refused, 2 * time.Minute, 0, "FAILED role_refused"},
		{"an open role gets a minute", Open, 59 * time.Second, 0, "later settling 10s"},
		{"and no longer", Open, time.Minute, 0, "FAILED role_open"},
		{"an inconclusive proof is repeated until the last minute", Inconclusive, 13 * time.Minute, 0, "later unsettled 20s"},
		{"and not in the last minute", Inconclusive, 14 * time.Minute, 0, "FAILED too_late"},
		{"a short timeout leaves room for the verdict", Refused, 36 * time.Second, 2 * time.Minute, "FAILED role_refused"},
		{"a proven role in time is a success", Proven, 13*time.Minute + 59*time.Second, 0, "SUCCESS registered"},
		{"a proven role in the last minute is not", Proven, 14 * time.Minute, 0, "FAILED too_late"},
		{"the request's own timeout counts", Proven, 2 * time.Minute, 3 * time.Minute, "FAILED too_late"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := Case{Snapshot: Snapshot{Hub: testHub(), Link: testLink()}, Request: testRequest(phonehome.Create, first)}
			if test.timeout > 0 {
				c.Request.Timeout = test.timeout
			}
			d := proving(c, noon.Add(test.age), always(test.outcome))
			if got := describe(d); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestACreateIsProvenFirst(t *testing.T) {
	c := Case{Snapshot: Snapshot{Hub: testHub(), Link: testLink()}, Request: testRequest(phonehome.Create, first)}
	c.Link.TrustedPrincipals = []account.RoleARN{roleIn(vendor, "app")}
	d := Decide(c, noon)
	if d.Kind != DecideProve || d.Probe.Role != roleIn(customers, "acme-c1") || d.Probe.ExternalID != c.Link.ExternalID ||
		d.Probe.CustomerID != "c1" || len(d.Probe.Principals) != 1 {
		t.Errorf("got %+v", d)
	}
}

func TestAStoredAnswerIsAlwaysGivenAgain(t *testing.T) {
	c := Case{Snapshot: registered(first), Request: testRequest(phonehome.Create, first)}
	c.Link = nil
	c.Answer = &Answer{RequestID: c.Request.RequestID, Outcome: OutcomeRegistered, Response: phonehome.Response{Status: phonehome.Success}}
	for _, age := range []time.Duration{time.Second, time.Hour, 30 * 24 * time.Hour} {
		d := Decide(c, noon.Add(age))
		if d.Kind != DecideAnswer || !d.Replayed || d.Answer.Outcome != OutcomeRegistered {
			t.Errorf("after %s: %+v", age, d)
		}
	}
}

func TestBeforeTheDeadlineTheDeliveryDecidesWhatIsCommitted(t *testing.T) {
	for _, kind := range []ChangeKind{ChangeNothing, ChangeRegister, ChangeUpdate, ChangeDelete} {
		for delivery, want := range map[Delivery]Decision{
			Accepted:  {Kind: DecideCommit},
			Forged:    {Kind: DecideDrop, Outcome: OutcomeForged},
			Expired:   {Kind: DecideDrop, Outcome: OutcomeAddressExpired},
			Undecided: {Kind: DecideLater, Outcome: OutcomeUndelivered, RetryAfter: 15 * time.Second},
		} {
			d := Settle(settled(kind), delivery, noon.Add(time.Minute))
			if d.Kind != want.Kind || d.Outcome != want.Outcome || d.RetryAfter != want.RetryAfter {
				t.Errorf("%q, %s: %s %s %s", kind, delivery, d.Kind, d.Outcome, d.RetryAfter)
			}
		}
	}
}

func TestAnUndecidedDeliveryIsRetriedWithGrowingPauses(t *testing.T) {
	c, now, tries := settled(ChangeDelete), noon, 0
	for ; ; tries++ {
		d := Settle(c, Undecided, now)
		if d.Kind != DecideLater {
			break
		}
		now = now.Add(d.RetryAfter)
	}
	if tries < 10 || tries > 25 {
		t.Errorf("tried %d times", tries)
	}
	if now.Before(noon.Add(15 * time.Minute)) {
		t.Errorf("given up after %s", now.Sub(noon))
	}
}

// The sender of a forged message chooses its timeout, and can make S3 refuse its response URL
// for any reason.
func TestTheSenderCannotChooseTheDeadline(t *testing.T) {
	for _, test := range []struct{ hub, message, want time.Duration }{
		{15 * time.Minute, time.Second, 15 * time.Minute},
		{15 * time.Minute, 0, 15 * time.Minute},
		{15 * time.Minute, 40 * time.Minute, 40 * time.Minute}, // a stack of the time when the hub's timeout was longer
		{15 * time.Minute, 3 * time.Hour, time.Hour},
		{0, time.Second, time.Hour},
		{3 * time.Hour, time.Second, time.Hour},
	} {
		c := settled(ChangeDelete)
		c.Hub.ResponseTimeout, c.Request.Timeout = test.hub, test.message
		if got := c.LateFrom().Sub(noon); got != test.want {
			t.Errorf("timeout %s of the hub and %s of the message: late after %s, want %s", test.hub, test.message, got, test.want)
		}
	}
	c := settled(ChangeDelete)
	c.Request.Timeout = time.Second
	c.Proofs = map[account.RoleARN]Proof{c.Registration.Role: {Outcome: Refused}}
	if d := Settle(c, Undecided, noon.Add(2*time.Second)); d.Kind != DecideLater {
		t.Errorf("a Delete with a timeout of a second: %s %s", d.Kind, d.Outcome)
	}
}

func TestAfterTheDeadlineTheProofDecidesWhatIsCommitted(t *testing.T) {
	tests := []struct {
		kind     ChangeKind
		delivery Delivery
		role     ProofOutcome
		want     DecisionKind
		change   ChangeKind
	}{
		{ChangeRegister, Expired, Proven, DecideCommit, ChangeRegister},
		{ChangeRegister, Undecided, Proven, DecideDrop, ""}, // a URL that was accepted once would be accepted again
		{ChangeRegister, Forged, Proven, DecideDrop, ""},
		{ChangeRegister, Expired, Refused, DecideDrop, ""},
		{ChangeRegister, Expired, Open, DecideDrop, ""},
		{ChangeRegister, Expired, Inconclusive, DecideLater, ""},
		{ChangeRegister, Accepted, Refused, DecideCommit, ChangeRegister}, // if CloudFormation had given up, a Delete follows
		{ChangeDelete, Expired, Refused, DecideCommit, ChangeDoubt},
		{ChangeDelete, Undecided, Refused, DecideCommit, ChangeDoubt},
		{ChangeDelete, Forged, Refused, DecideDrop, ""},
		{ChangeDelete, Expired, Proven, DecideDrop, ""},
		{ChangeDelete, Expired, Open, DecideDrop, ""},
		{ChangeDelete, Expired, Inconclusive, DecideLater, ""},
		{ChangeDelete, Accepted, Refused, DecideCommit, ChangeDelete},
		{ChangeDelete, Accepted, Proven, DecideDrop, ""}, // the stack's deletion failed, and will be repeated
		{ChangeUpdate, Expired, Proven, DecideDrop, ""},
		{ChangeUpdate, Accepted, Proven, DecideCommit, ChangeUpdate},
		{ChangeNothing, Expired, Proven, DecideDrop, ""},
	}
	for _, test := range tests {
		c := settled(test.kind)
		if test.kind == ChangeRegister {
			c.Registration = nil
		}
		late := c.LateFrom()
		d := Settle(c, test.delivery, late)
		if d.Kind == DecideProve {
			c.Proofs = map[account.RoleARN]Proof{d.Probe.Role: {Outcome: test.role}}
			d = Settle(c, test.delivery, late)
		}
		if d.Kind != test.want || d.Answer.Change.Kind != test.change {
			t.Errorf("%s, %s, role %s: %s %q, want %s %q", test.kind, test.delivery, test.role, d.Kind, d.Answer.Change.Kind, test.want, test.change)
		}
	}
}

func TestALateCreateSupersedesNoLiveRegistration(t *testing.T) {
	for _, stack := range []account.StackARN{first, second} {
		c := settled(ChangeRegister)
		c.Answer.Stack = stack
		for status, want := range map[RegistrationStatus]DecisionKind{Active: DecideDrop, Degraded: DecideDrop, Disconnected: DecideProve} {
			c.Registration.Status = status
			if d := Settle(c, Expired, c.LateFrom()); d.Kind != want {
				t.Errorf("stack %s, while a role is %s: %s %s", stack.GUID, status, d.Kind, d.Outcome)
			}
		}
	}
}

func TestALateDeleteWithoutARegistrationIsCommittedOnlyIfItWasAccepted(t *testing.T) {
	c := settled(ChangeDelete)
	c.Registration = nil
	if d := Settle(c, Expired, c.LateFrom()); d.Kind != DecideDrop {
		t.Errorf("refused: %+v", d)
	}
	if d := Settle(c, Accepted, c.LateFrom()); d.Kind != DecideCommit {
		t.Errorf("accepted: %+v", d)
	}
}

func settled(kind ChangeKind) Case {
	c := Case{Snapshot: registered(first), Request: testRequest(phonehome.Delete, first)}
	change := Change{Kind: kind, Role: c.Registration.Role, ExternalID: c.Registration.ExternalID}
	c.Answer = &Answer{Stack: first, Change: change}
	return c
}

func TestWithoutTheRegistryOnlyUrgentRequestsAreAnswered(t *testing.T) {
	tests := []struct {
		kind phonehome.RequestType
		age  time.Duration
		want string
	}{
		{phonehome.Delete, time.Second, "SUCCESS"},
		{phonehome.Delete, 14*time.Minute + time.Second, "SUCCESS"},
		{phonehome.Delete, 15 * time.Minute, ""},
		{phonehome.Create, time.Second, ""},
		{phonehome.Create, 14 * time.Minute, "FAILED"},
		{phonehome.Update, 13 * time.Minute, ""},
		{phonehome.Update, 14 * time.Minute, "SUCCESS"},
		{phonehome.Update, time.Hour, ""},
	}
	for _, test := range tests {
		response, now := Fallback(testHub(), testRequest(test.kind, first), noon.Add(test.age))
		if now != (test.want != "") || string(response.Status) != test.want {
			t.Errorf("%s after %s: %v %q, want %q", test.kind, test.age, now, response.Status, test.want)
		}
		if now {
			if _, err := response.Encode(); err != nil {
				t.Errorf("%s after %s: %v", test.kind, test.age, err)
			}
		}
	}
}

func TestALaterProofDegradesAndRestoresButNeverDisconnects(t *testing.T) {
	reg := *registered(first).Registration
	proven := reg.ProvenAt

	same, entry := Health(reg, Proof{Outcome: Proven}, noon)
	if entry != nil || same.ProvenAt != proven {
		t.Error("a proof that confirms the status is a change")
	}
	if _, entry = Health(reg, Proof{Outcome: Inconclusive}, noon); entry != nil {
		t.Error("an inconclusive proof is a change")
	}
	bad, entry := Health(reg, Proof{Outcome: Refused}, noon)
	if entry == nil || bad.Status != Degraded || bad.Reason == "" || bad.ProvenAt != proven {
		t.Errorf("got %+v, want a degraded registration with a reason", bad)
	}
	worse, entry := Health(bad, Proof{Outcome: Open, Weakness: "without an external ID"}, noon)
	if entry == nil || worse.Status != Degraded || !strings.Contains(worse.Reason, "without an external ID") {
		t.Errorf("got %+v, want a change with the new reason", worse)
	}
	good, entry := Health(worse, Proof{Outcome: Proven}, noon)
	if entry == nil || good.Status != Active || good.Reason != "" || good.ProvenAt != noon {
		t.Errorf("got %+v, want an active registration", good)
	}
	gone := good
	gone.Status = Disconnected
	if _, entry = Health(gone, Proof{Outcome: Proven}, noon); entry != nil {
		t.Error("a proof changes a disconnected registration")
	}
}

func TestIdentitiesNeverChange(t *testing.T) {
	// These values are in customers' templates and in CloudFormation's state.
	key := []byte("0123456789abcdef0123456789abcdef")
	if got := ExternalID(key, "acme", "c1", 0).String(); got != "f39e9c39a04c2bd5386a5f7b59d2aae7cd7ba9a3" {
		t.Errorf("external ID %s", got)
	}
	if got := PhysicalID("acme", "c1", first, "PhoneHome"); got != "xacct-795d0e02a914214c19aa983e3b4b497b" {
		t.Errorf("physical ID %s", got)
	}
	if got := BucketSuffix(key); got != "f667efa00bcf3300" {
		t.Errorf("bucket suffix %s", got)
	}
}

func TestExternalIDsDifferByEveryInput(t *testing.T) {
	seen := map[account.ExternalID]bool{}
	for _, id := range []account.ExternalID{
		ExternalID([]byte("k"), "ab", "c", 0), ExternalID([]byte("k"), "a", "bc", 0),
		ExternalID([]byte("k"), "ab", "c", 1), ExternalID([]byte("l"), "ab", "c", 0),
	} {
		if seen[id] || len(id.String()) != 40 {
			t.Errorf("%s is not a unique ID of 160 bits", id)
		}
		seen[id] = true
	}
}

func TestAllowedAccountsAreThoseThatMayStillNeedToPublish(t *testing.T) {
	const day = 24 * time.Hour
	open, closed, expired := *testLink(), *testLink(), *testLink()
	closed.Closed, closed.ClosedAt = true, noon
	expired.ExpiresAt = noon
	active := *registered(first).Registration
	active.Account = id(strangers)
	gone := active
	gone.Status, gone.ChangedAt = Disconnected, noon
	superseded := gone
	superseded.Superseded = []account.StackARN{first}
	tests := []struct {
		name string
		link Link
		regs []Registration
		at   time.Duration
		want string
	}{
		{"an open link", open, nil, 1000 * day, customers},
		{"a closed link for a week", closed, nil, 7*day - 1, customers},
		{"and no longer", closed, nil, 7 * day, ""},
		{"an expired link for a week", expired, nil, 6 * day, customers},
		{"and no longer", expired, nil, 7 * day, ""},
		{"a live stack, however long its link is closed", closed, []Registration{active}, 1000 * day, strangers},
		{"a disconnected one for a week", closed, []Registration{gone}, 6 * day, customers + " " + strangers},
		{"and no longer", closed, []Registration{gone}, 7 * day, ""},
		{"a superseded stack that was not deleted", closed, []Registration{superseded}, 1000 * day, strangers},
		{"each account once", open, []Registration{active, active}, 0, customers + " " + strangers},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, id := range AllowedAccounts([]Customer{{Link: test.link, Registrations: test.regs}}, noon.Add(test.at).Add(-Grace)) {
				got = append(got, id.String())
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %v, want %s", got, test.want)
			}
		})
	}
}

func TestMessagesNameTheHubIfItHasNoDisplayName(t *testing.T) {
	m := messages{Hub{Name: "acme"}}
	if got := m.tryAgain(); !strings.HasPrefix(got, "acme could not") || strings.Contains(got, "Help") {
		t.Errorf("got %q", got)
	}
}

func BenchmarkDecide(b *testing.B) {
	c := Case{Snapshot: registered(first), Request: testRequest(phonehome.Create, second)}
	c.Proofs = map[account.RoleARN]Proof{roleIn(customers, "acme-c1"): {Outcome: Proven}}
	b.ReportAllocs()
	for b.Loop() {
		if d := Decide(c, noon.Add(time.Second)); d.Outcome != OutcomeRegistered {
			b.Fatal(d)
		}
	}
}

func TestARetiringRegionAcceptsRequestsButNoNewStacks(t *testing.T) {
	hub := testHub()
	hub.Regions, hub.Retiring = nil, []account.Region{first.Region}
	c := Case{Snapshot: Snapshot{Hub: hub, Link: testLink()}, Request: testRequest(phonehome.Create, first)}
	if got := describe(proving(c, noon, always(Proven))); got != "FAILED region_given_up" {
		t.Errorf("a Create: %s", got)
	}
	c.Snapshot = registered(first)
	c.Hub = hub
	c.Request = testRequest(phonehome.Delete, first)
	if got := describe(proving(c, noon, always(Refused))); got != "SUCCESS disconnected" {
		t.Errorf("a Delete: %s", got)
	}
	c.Hub.Regions = hub.Retiring // added again, or not ready yet
	c.Snapshot, c.Request = Snapshot{Hub: c.Hub, Link: testLink()}, testRequest(phonehome.Create, first)
	if got := describe(proving(c, noon, always(Proven))); got != "SUCCESS registered" {
		t.Errorf("a Create in a Region that was added again: %s", got)
	}
}
