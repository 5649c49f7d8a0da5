// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// story sends requests of one customer against the snapshot of each stack, one minute apart.
// Unless a test sends and commits separately, each is answered and accepted at once.
type story struct {
	t      *testing.T
	now    time.Time
	stacks map[account.StackARN]Stack
	reg    *Registration
	link   *Link
	role   ProofOutcome
}

func newStory(t *testing.T) *story {
	return &story{t: t, now: noon, stacks: map[account.StackARN]Stack{}, link: testLink(), role: Proven}
}

func (s *story) snapshot(stack account.StackARN) Snapshot {
	stored, ok := s.stacks[stack]
	if !ok {
		stored = Stack{ID: stack}
	}
	return Snapshot{Hub: testHub(), Stack: stored, Link: s.link, Registration: s.reg}
}

// send returns a request and its answer, which is not committed yet.
func (s *story) send(kind phonehome.RequestType, stack account.StackARN, change func(*phonehome.Request)) (phonehome.Request, Answer) {
	s.t.Helper()
	s.now = s.now.Add(time.Minute)
	r := testRequest(kind, stack)
	r.SentAt, r.RequestID = s.now, s.now.Format("150405")
	if change != nil {
		change(&r)
	}
	d := proving(Case{Snapshot: s.snapshot(stack), Request: r}, s.now.Add(time.Second), always(s.role))
	if d.Kind == DecideLater { // decide again after IAM has had time to settle
		d = proving(Case{Snapshot: s.snapshot(stack), Request: r}, s.now.Add(3*time.Minute), always(s.role))
	}
	return r, d.Answer
}

func (s *story) commit(a Answer) Transition {
	t := Apply(s.snapshot(a.Stack), a, s.now.Add(2*time.Second))
	next := with(s.snapshot(a.Stack), t)
	if t.Stack != nil {
		s.stacks[a.Stack] = next.Stack
	}
	s.reg = next.Registration
	return t
}

func (s *story) does(kind phonehome.RequestType, stack account.StackARN, change func(*phonehome.Request)) Answer {
	s.t.Helper()
	_, a := s.send(kind, stack, change)
	s.commit(a)
	return a
}

func (s *story) is(status RegistrationStatus, stack account.StackARN, logicalID string) {
	s.t.Helper()
	got := []string{string(s.reg.Status), s.reg.Stack.String(), s.reg.LogicalID}
	if diff := cmp.Diff([]string{string(status), stack.String(), logicalID}, got); diff != "" {
		s.t.Errorf("the registration differs (-want +got):\n%s", diff)
	}
}

func (s *story) answered(a Answer, status phonehome.Status, outcome Outcome) {
	s.t.Helper()
	if a.Response.Status != status || a.Outcome != outcome {
		s.t.Errorf("answered %s %s (%s), want %s %s", a.Response.Status, a.Outcome, a.Response.Reason, status, outcome)
	}
}

var (
	first  = stackIn(customers, "first")
	second = stackIn(customers, "second")
)

func resource(name string) func(*phonehome.Request) {
	return func(r *phonehome.Request) { r.LogicalID = name }
}

func TestACreateAfterItsDeleteRegistersNothing(t *testing.T) {
	s := newStory(t)
	_, create := s.send(phonehome.Create, first, nil) // decided and stored, but not committed
	late, _ := s.send(phonehome.Create, first, nil)   // another one, which arrives later
	s.does(phonehome.Delete, first, nil)
	if got := s.commit(create); !got.Empty() {
		t.Errorf("committing the Create after the Delete changes %+v", got)
	}
	d := proving(Case{Snapshot: s.snapshot(first), Request: late}, s.now, always(Proven))
	s.answered(d.Answer, phonehome.Failed, OutcomeDeleted)
	if s.reg != nil {
		t.Errorf("something is registered: %+v", s.reg)
	}
}

func TestAResourceCreatedLongAfterItsDeleteIsRegistered(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	s.does(phonehome.Delete, first, nil)
	s.is(Disconnected, first, "PhoneHome")
	s.now = s.now.Add(time.Hour)
	s.answered(s.does(phonehome.Create, first, nil), phonehome.Success, OutcomeRegistered)
	s.is(Active, first, "PhoneHome")
}

func TestADeleteWithCloudFormationsOwnIDDisconnectsUntilTheAnsweredIDWasUsed(t *testing.T) {
	made := func(r *phonehome.Request) { r.PhysicalID = "acme-access-PhoneHome-1MADEBYCFN" }

	s := newStory(t)
	s.does(phonehome.Create, first, nil) // CloudFormation had given up, but S3 accepted the answer
	s.answered(s.does(phonehome.Delete, first, made), phonehome.Success, OutcomeDisconnected)
	s.is(Disconnected, first, "PhoneHome")

	s = newStory(t)
	s.does(phonehome.Create, first, nil)
	s.does(phonehome.Update, first, nil)
	s.answered(s.does(phonehome.Delete, first, made), phonehome.Success, OutcomeCleanup)
	s.is(Active, first, "PhoneHome")
}

func TestTheDeleteOfAFailedReplacementDisconnectsNothing(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	s.role = Refused
	failed := s.does(phonehome.Create, first, nil)
	s.answered(failed, phonehome.Failed, OutcomeRefused)
	rollback := func(r *phonehome.Request) { r.PhysicalID = failed.Response.PhysicalResourceID }
	s.answered(s.does(phonehome.Delete, first, rollback), phonehome.Success, OutcomeCleanup)
	s.is(Active, first, "PhoneHome")
}

func TestARenamedResourceKeepsTheConnection(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	s.answered(s.does(phonehome.Create, first, resource("Renamed")), phonehome.Success, OutcomeRegistered)
	s.answered(s.does(phonehome.Delete, first, nil), phonehome.Success, OutcomeTombstone)
	s.is(Active, first, "Renamed")
}

func TestTheRollbackOfARenameRegistersTheFormerResourceAgain(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	renamed := s.does(phonehome.Create, first, resource("Renamed"))
	s.does(phonehome.Delete, first, func(r *phonehome.Request) {
		r.LogicalID, r.PhysicalID = "Renamed", renamed.Response.PhysicalResourceID
	})
	s.is(Active, first, "PhoneHome")
	s.does(phonehome.Delete, first, nil)
	s.is(Disconnected, first, "PhoneHome")
}

func TestTheDeleteOfAReplacedResourceDisconnectsNothing(t *testing.T) {
	s := newStory(t)
	old := s.does(phonehome.Create, first, nil)
	replaced := s.does(phonehome.Create, first, nil) // for example because its topic changed
	if old.Response.PhysicalResourceID == replaced.Response.PhysicalResourceID {
		t.Fatal("the replacement has the physical ID of the replaced resource")
	}
	s.answered(s.does(phonehome.Delete, first, nil), phonehome.Success, OutcomeCleanup)
	s.is(Active, first, "PhoneHome")
}

func TestTheNewerOfTwoStacksOwnsTheRegistrationInAnyOrderOfCommits(t *testing.T) {
	for _, order := range []string{"older first", "newer first"} {
		t.Run(order, func(t *testing.T) {
			s := newStory(t)
			_, older := s.send(phonehome.Create, first, nil)
			_, newer := s.send(phonehome.Create, second, nil)
			if order == "older first" {
				s.commit(older)
				s.commit(newer)
			} else {
				s.commit(newer)
				s.commit(older)
			}
			s.is(Active, second, "PhoneHome")
			if !slices.Equal(s.reg.Superseded, []account.StackARN{first}) {
				t.Errorf("superseded are %v, want the older stack", s.reg.Superseded)
			}
			s.does(phonehome.Delete, first, nil)
			s.is(Active, second, "PhoneHome")
			if len(s.reg.Superseded) != 0 {
				t.Errorf("the older stack is gone, but still listed: %v", s.reg.Superseded)
			}
		})
	}
}

func TestAStackSupersedesOneWhoseRoleIsGone(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	s.reg.Role = roleIn(customers, "acme-c1-before") // the link's role had another name before
	_, a := s.send(phonehome.Create, second, nil)
	s.answered(a, phonehome.Failed, OutcomeRival)

	r := testRequest(phonehome.Create, second)
	r.SentAt = s.now.Add(time.Minute)
	gone := func(p Probe) Proof {
		if p.Role == s.reg.Role {
			return Proof{Outcome: Refused}
		}
		return Proof{Outcome: Proven}
	}
	d := proving(Case{Snapshot: s.snapshot(second), Request: r}, r.SentAt.Add(time.Second), gone)
	s.answered(d.Answer, phonehome.Success, OutcomeRegistered)
	s.commit(d.Answer)
	s.is(Active, second, "PhoneHome")
}

func TestTheRollbackOfAnUpdateSucceedsEvenIfTheRoleCannotBeProven(t *testing.T) {
	back := func(r *phonehome.Request) { r.Properties, r.OldProperties = r.OldProperties, r.Properties }

	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	s.role = Refused
	s.answered(s.does(phonehome.Update, first, nil), phonehome.Failed, OutcomeRefused)
	s.is(Active, first, "PhoneHome")
	s.answered(s.does(phonehome.Update, first, back), phonehome.Success, OutcomeRolledBack)
	s.is(Degraded, first, "PhoneHome")

	s = newStory(t)
	s.does(phonehome.Create, first, nil)
	s.answered(s.does(phonehome.Update, first, nil), phonehome.Success, OutcomeUpdated)
	if s.reg.TemplateVersion != "v2" {
		t.Errorf("template version %s, want v2", s.reg.TemplateVersion)
	}
	s.role = Refused // another resource failed, and the role was rolled back too
	s.answered(s.does(phonehome.Update, first, back), phonehome.Success, OutcomeRolledBack)
	s.is(Degraded, first, "PhoneHome")
	if s.reg.TemplateVersion != "v1" {
		t.Errorf("template version %s, want v1", s.reg.TemplateVersion)
	}
	// Repeating the update that was rolled back looks like a rollback as well.
	s.answered(s.does(phonehome.Update, first, nil), phonehome.Success, OutcomeRolledBack)
	s.is(Degraded, first, "PhoneHome")
	s.role = Proven
	s.answered(s.does(phonehome.Update, first, func(r *phonehome.Request) {
		r.OldProperties, r.Properties.TemplateVersion = r.Properties, "v3"
	}), phonehome.Success, OutcomeUpdated)
	s.is(Active, first, "PhoneHome")
}

func TestAnUpdateToAnotherRoleIsRegisteredOnlyIfItIsProven(t *testing.T) {
	other := func(r *phonehome.Request) { r.Properties.RoleARN = roleIn(customers, "other").String() }
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	s.role = Open
	s.answered(s.does(phonehome.Update, first, other), phonehome.Failed, OutcomeOpen)
	if s.reg.Role.Name != "acme-c1" {
		t.Errorf("role %s is registered, but was never proven", s.reg.Role)
	}
	s.role = Proven
	s.does(phonehome.Update, first, other)
	if s.reg.Role.Name != "other" {
		t.Errorf("role %s is registered, want the new one", s.reg.Role)
	}
}

func TestNeitherExternalIDNorAccountOfALiveStackCanChange(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	before := *s.reg
	s.answered(s.does(phonehome.Update, first, func(r *phonehome.Request) { r.Properties.ExternalID = "another" }),
		phonehome.Failed, OutcomeChangedExternalID)
	s.answered(s.does(phonehome.Update, first, func(r *phonehome.Request) { r.Properties.RoleARN = roleIn(strangers, "acme-c1").String() }),
		phonehome.Failed, OutcomeWrongAccount)
	if !reflect.DeepEqual(before, *s.reg) {
		t.Errorf("the registration changed from %+v to %+v", before, *s.reg)
	}
}

func TestClosingAndExpiryNeverTouchALiveStack(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	s.link.Closed, s.link.ClosedAt = true, s.now
	s.answered(s.does(phonehome.Update, first, nil), phonehome.Success, OutcomeUpdated)
	s.is(Active, first, "PhoneHome")
	s.answered(s.does(phonehome.Delete, first, nil), phonehome.Success, OutcomeDisconnected)
}

func TestARequestOlderThanTheLastAcceptedOneChangesNothing(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	_, older := s.send(phonehome.Update, first, func(r *phonehome.Request) { r.Properties.TemplateVersion = "v2" })
	s.does(phonehome.Update, first, func(r *phonehome.Request) { r.Properties.TemplateVersion = "v3" })
	if got := s.commit(older); !got.Empty() {
		t.Errorf("the older Update changes %+v", got)
	}
	if s.reg.TemplateVersion != "v3" {
		t.Errorf("template version %s, want v3", s.reg.TemplateVersion)
	}
}

func TestApplyDoesNotChangeItsSnapshot(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	_, takeover := s.send(phonehome.Create, second, nil)
	_, gone := s.send(phonehome.Delete, first, nil)
	for _, a := range []Answer{takeover, gone} {
		snapshot := s.snapshot(a.Stack)
		resources, status, superseded := len(snapshot.Stack.Resources), snapshot.Registration.Status, len(snapshot.Registration.Superseded)
		deleted := snapshot.Stack.Resources["PhoneHome"].DeletedAt
		Apply(snapshot, a, s.now)
		if len(snapshot.Stack.Resources) != resources || snapshot.Registration.Status != status ||
			len(snapshot.Registration.Superseded) != superseded || snapshot.Stack.Resources["PhoneHome"].DeletedAt != deleted {
			t.Errorf("applying %s changed the snapshot", a.Outcome)
		}
	}
}

func TestAnUpdateOfADeletedResourceChangesNothing(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	_, update := s.send(phonehome.Update, first, nil)
	s.does(phonehome.Delete, first, nil)
	late := update
	late.Change.SentAt = s.now.Add(time.Minute) // even if it was sent later
	if got := s.commit(late); !got.Empty() {
		t.Errorf("it changes %+v", got)
	}
}

func TestAnUpdateOfASupersededStackChangesNothing(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	_, update := s.send(phonehome.Update, first, nil)
	s.does(phonehome.Create, second, nil)
	before := *s.reg
	update.Change.SentAt = s.now.Add(time.Minute)
	if got := s.commit(update); !got.Empty() {
		t.Errorf("it changes %+v", got)
	}
	if s.reg.Stack != before.Stack {
		t.Errorf("the registration is %+v", *s.reg)
	}
}

func TestSupersededStacksAreListedUntilTheyAreDeleted(t *testing.T) {
	s := newStory(t)
	superseded := func(want ...account.StackARN) {
		t.Helper()
		if !slices.Equal(s.reg.Superseded, want) {
			t.Errorf("superseded are %v, want %v", s.reg.Superseded, want)
		}
	}
	s.does(phonehome.Create, first, nil)
	s.does(phonehome.Create, first, resource("Renamed")) // in the same stack
	superseded()
	s.does(phonehome.Create, second, nil)
	superseded(first)
	s.does(phonehome.Delete, first, nil) // deletes one of its two resources
	superseded(first)
	s.does(phonehome.Delete, first, resource("Renamed"))
	superseded()
	s.does(phonehome.Create, first, func(r *phonehome.Request) { r.SentAt = r.SentAt.Add(time.Hour) })
	superseded(second)
	s.does(phonehome.Create, second, func(r *phonehome.Request) { r.SentAt = r.SentAt.Add(2 * time.Hour) })
	superseded(first)
}

func TestARollbackToAnInvalidRoleKeepsTheRegisteredRole(t *testing.T) {
	for name, says := range map[string]string{
		"no role":                     "",
		"a role of another account":   roleIn(strangers, "acme-c1").String(),
		"the ARN of a user":           "arn:aws:iam::222222222222:user/u",
		"a role of another partition": "arn:aws-cn:iam::222222222222:role/acme-c1",
	} {
		c := Case{Snapshot: registered(first), Request: rollbackTo(first, says)}
		d := proving(c, noon, always(Proven))
		if change := d.Answer.Change; d.Outcome != OutcomeRolledBack || change.Role != c.Registration.Role || change.ExternalID != c.Registration.ExternalID {
			t.Errorf("%s: %s, and the role is %s with %s", name, describe(d), change.Role, change.ExternalID)
		}
	}
}

func TestNewestLiveReturnsTheNewestResourceThatIsNotDeleted(t *testing.T) {
	at := func(minutes int, deleted bool) Resource {
		r := Resource{LastRequestAt: noon.Add(time.Duration(minutes) * time.Minute)}
		if deleted {
			r.DeletedAt = noon
		}
		return r
	}
	for name, c := range map[string]struct {
		resources map[string]Resource
		want      string
	}{
		"none":                  {nil, ""},
		"all deleted":           {map[string]Resource{"A": at(1, true)}, ""},
		"the newest comes last": {map[string]Resource{"A": at(1, false), "B": at(2, false)}, "B"},
		"and first":             {map[string]Resource{"A": at(2, false), "B": at(1, false)}, "A"},
		"the newest is deleted": {map[string]Resource{"A": at(1, false), "B": at(2, true)}, "A"},
	} {
		got, heir := newestLive(Stack{Resources: c.resources})
		if got != c.want || (heir != nil) != (c.want != "") || heir != nil && heir.LastRequestAt != c.resources[c.want].LastRequestAt {
			t.Errorf("%s: %q, %+v", name, got, heir)
		}
	}
}

func TestPhysicalIDsOfOneResourceHaveACommonPrefix(t *testing.T) {
	id := PhysicalID("acme", "c1", first, "PhoneHome")
	for other, want := range map[string]bool{
		id: true, id + "-0a1b2c3d": true, PhysicalID("acme", "c1", first, "Renamed"): false,
		id[:10]: false, "": false, "acme-access-PhoneHome-1MADEBYCFN": false,
	} {
		if sameResource(id, other) != want || sameResource(other, id) != want {
			t.Errorf("%q and %q are of one resource: %t", id, other, !want)
		}
	}
}
