// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

func TestAStackIsConnectedUpdatedAndDisconnectedInEveryRegion(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	for i, in := range []string{Frankfurt, Virginia} {
		c := w.Invite("globex-"+in, AccountID(i+1))
		id := c.Connect(in)
		before := c.Owned(id, onboarding.Active)
		if before.Role != c.Link.Role(w.Record.Region.Partition()) || before.TemplateVersion != c.Link.TemplateVersion || before.ProvenAt.IsZero() {
			t.Errorf("the registration is %+v", before)
		}

		c.Update(id, sandbox.UpdateOptions{TemplateURL: w.Publish(w.Template(roleV2))})
		c.Settled(id, "UPDATE_COMPLETE")
		w.Quiet()
		after := c.Owned(id, onboarding.Active)
		if after.TemplateVersion != stacktemplate.Version(w.Specification(roleV2)) || after.PhysicalID != before.PhysicalID {
			t.Errorf("the registration is %+v", after)
		}

		c.Delete(id)
		c.Settled(id, "DELETE_COMPLETE")
		w.Quiet()
		c.Owned(id, onboarding.Disconnected)
		want := []onboarding.Outcome{onboarding.OutcomeRegistered, onboarding.OutcomeUpdated, onboarding.OutcomeDisconnected}
		if got := c.Happened(); !slices.Equal(got, want) {
			t.Errorf("the history is %v, not %v", got, want)
		}
	}
	if n := w.DeadLetters(); n != 0 {
		t.Errorf("%d messages were moved to the dead-letter queue", n)
	}
}

func TestACustomerCanReconnectByTheSameLink(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	first := c.Connect(Frankfurt)
	c.Delete(first)
	c.Settled(first, "DELETE_COMPLETE")
	w.Quiet()
	second := c.Connect(Virginia)
	if c.Owned(second, onboarding.Active).Stack.Region.String() != Virginia {
		t.Error("the registration is not of the second stack")
	}
}

func TestAFailedCreateIsRolledBackAndItsDeleteAnswered(t *testing.T) {
	t.Parallel()
	expired := func(l *onboarding.Link) { l.ExpiresAt = time.Date(2020, 2, 1, 8, 30, 0, 0, time.UTC) }
	closed := func(l *onboarding.Link) { l.Closed = true }
	unchanged := func(*onboarding.Link) {}
	for name, test := range map[string]struct {
		change  func(*onboarding.Link)
		options sandbox.LaunchOptions
		reads   string
	}{
		"an expired link": {expired, sandbox.LaunchOptions{}, "The link that this stack was created from expired on 1 February 2020 at 08:30 UTC. Delete the stack and ask Acme for a new link. Help: https://acme.example/support"},
		"a closed link":   {closed, sandbox.LaunchOptions{}, "Acme has closed the link that this stack was created from."},
		"another external ID": {
			unchanged, sandbox.LaunchOptions{Parameters: map[string]string{stacktemplate.ParameterExternalID: "my-own"}},
			"Acme does not know the external ID of this stack.",
		},
		"another role name": {
			unchanged, sandbox.LaunchOptions{Parameters: map[string]string{stacktemplate.ParameterRoleName: "my-own"}},
			"The role of this stack is /my-own, but Acme expects /acme-globex. Delete the stack and create it again with the parameter RoleName as the link fills it in.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := New(t)
			w.Registrar()
			c := w.Invite("globex", AccountID(1), test.change)
			id := c.Launch(Virginia, test.options)
			c.Settled(id, "ROLLBACK_COMPLETE")
			w.Quiet()
			w.Reads(id, test.reads)
			c.Unknown()
			answered(t, w, id, "FAILED", "SUCCESS")
		})
	}
}

// answered fails the test unless a stack's requests had these answers.
func answered(t *testing.T, w *World, stackID string, want ...string) {
	t.Helper()
	var got []string
	for _, a := range w.Answers(stackID) {
		got = append(got, a.Status)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the answers are %v, not %v", got, want)
	}
}

func TestAnotherDisplayNameIsAllowed(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id := c.Launch(Frankfurt, sandbox.LaunchOptions{
		StackName: "what-we-call-it", Parameters: map[string]string{stacktemplate.ParameterCustomerName: "Globex.Corp"},
	})
	c.Settled(id, "CREATE_COMPLETE")
	w.Quiet()
	c.Owned(id, onboarding.Active)
}

func TestTheWrongAccountGetsAnErrorBeforeAnythingIsCreated(t *testing.T) {
	t.Parallel()
	w := New(t)
	c := w.Invite("globex", AccountID(1))
	other := w.Invite("initech", AccountID(2))
	_, err := w.LaunchURL(t.Context(), c.URL(Frankfurt), other.Account, sandbox.LaunchOptions{})
	want := `This link of Acme is for another AWS account than the one that you are signed in to. Sign in to the account in the field "Expected account", and open the link again; or tell Acme that it should be this account.`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the customer should read %q, and reads %v", want, err)
	}
	if stacks := w.Stacks(); len(stacks) != 0 {
		t.Errorf("there are stacks: %v", stacks)
	}
}

// unexpected has the form's parameters without the expected account, which would stop
// the customer.
var unexpected = map[string]string{stacktemplate.ParameterExpectedAccountID: ""}

func TestAStackInAnotherAccountIsNotConnected(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	other := w.Invite("initech", AccountID(2))
	id, err := w.LaunchURL(t.Context(), c.URL(Frankfurt), other.Account, sandbox.LaunchOptions{Parameters: unexpected})
	w.Must(err)
	w.Settled(id, "ROLLBACK_COMPLETE")
	w.Quiet()
	w.Reads(id, "This stack is in AWS account "+other.Account+", but the link was made for another account.")
	if strings.Contains(w.Story(id), c.Account) {
		t.Error("the message names the customer of the link to another account")
	}
	c.Unknown()
	other.Unknown()
}

func TestAnUninvitedAccountCannotPhoneHome(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id, err := w.LaunchURL(t.Context(), c.URL(Frankfurt), AccountID(9), sandbox.LaunchOptions{Parameters: unexpected})
	w.Must(err)
	w.Settled(id, "ROLLBACK_COMPLETE")
	w.Reads(id, "Service: AmazonSNS; Status Code: 403; Error Code: AuthorizationError")
	c.Unknown()
	answered(t, w, id)
}

func TestAMissingTopicFailsAtOnce(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id := c.Launch(Frankfurt, sandbox.LaunchOptions{Parameters: map[string]string{stacktemplate.ParameterShard: "7"}})
	c.Settled(id, "ROLLBACK_COMPLETE")
	w.Reads(id, "Service: AmazonSNS")
	c.Unknown()
}

func TestAnUnsupportedRegionIsRefusedBeforeAnythingIsCreated(t *testing.T) {
	t.Parallel()
	w := New(t)
	c := w.Invite("globex", AccountID(1))
	_, err := c.LaunchURL(t.Context(), c.URL(Frankfurt), c.Account, sandbox.LaunchOptions{Region: "ap-southeast-2"})
	want := "Acme cannot be connected from this AWS Region. Choose one of these at the top right of the console, and open the link again: eu-central-1, us-east-1."
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the customer should read %q, but reads %v", want, err)
	}
	if stacks := w.Stacks(); len(stacks) != 0 {
		t.Errorf("there are stacks: %+v", stacks)
	}
}

func TestAnAdministratorWithoutPermissionToPublishReadsTheReason(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	careful, err := w.NewUser(c.Account, "careful",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudformation:*","iam:*","s3:GetObject"],"Resource":"*"}]}`)
	w.Must(err)
	id := c.Launch(Frankfurt, sandbox.LaunchOptions{As: &careful})
	c.Settled(id, "ROLLBACK_COMPLETE")
	w.Reads(id, "user/careful is not authorized to perform: SNS:Publish")
	c.Unknown()
}
