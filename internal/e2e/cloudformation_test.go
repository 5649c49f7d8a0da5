// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// The tests in this file are about CloudFormation's behaviour beyond a successful
// create.

func TestALateRegistrarRegistersNothingAndAnswersTheRollback(t *testing.T) {
	t.Parallel()
	w := New(t)
	c := w.Invite("globex", AccountID(1))
	id := c.Launch(Frankfurt, sandbox.LaunchOptions{})
	w.phonedHome(1)
	w.Advance(15 * time.Minute)
	w.Reaches(id, "ROLLBACK_IN_PROGRESS", In("ROLLBACK_IN_PROGRESS"))
	w.phonedHome(2) // the Delete of the rollback

	w.Registrar()
	c.Settled(id, "ROLLBACK_COMPLETE")
	w.Quiet()
	w.Reads(id, "CloudFormation did not receive a response from your Custom Resource.")
	c.Unknown()
	c.Connect(Virginia) // and the customer can connect afterwards
}

// phonedHome waits until stacks have published the given number of messages.
func (w *World) phonedHome(n int) {
	w.T.Helper()
	w.queueHas(func(messages int) bool { return messages >= n })
}

func TestADeleteWaitsForARegistrarThatIsAway(t *testing.T) {
	t.Parallel()
	w := New(t)
	first := w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id := c.Connect(Virginia)
	first.Stop()

	c.Delete(id)
	w.phonedHome(1)
	w.Advance(14 * time.Minute)
	if stack, _ := w.Stack(id); stack.Status != "DELETE_IN_PROGRESS" {
		t.Fatalf("the stack is %s", stack.Status)
	}
	w.Registrar()
	c.Settled(id, "DELETE_COMPLETE")
	w.Quiet()
	c.Owned(id, onboarding.Disconnected)
}

func TestAResourceThatFailsDuringTheProofLeavesNothingConnected(t *testing.T) {
	t.Parallel()
	w := New(t)
	c := w.Invite("globex", AccountID(1))
	other := w.Neighbour(c.Account, Frankfurt)
	template := w.Edited(w.Template(roleV1), func(resources map[string]any) { resources["Other"] = other.Resource(nil) })

	proving, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	remove := w.Faults().Before(func(call *kernel.Call) error {
		if call.Action == "AssumeRole" {
			once.Do(func() { close(proving); <-goOn })
		}
		return nil
	})
	defer remove()
	w.Registrar()
	id := c.LaunchOf(Frankfurt, template, sandbox.LaunchOptions{})
	<-proving
	other.Answer(other.Next(), "the neighbour is out of order")
	w.Reaches(id, "ROLLBACK_IN_PROGRESS", In("ROLLBACK_IN_PROGRESS"))
	close(goOn)
	other.Answer(other.Next(), "")
	c.Settled(id, "ROLLBACK_COMPLETE")
	w.Quiet()
	for _, r := range c.Registrations() {
		if r.Live() {
			t.Errorf("a stack that was rolled back is registered: %+v\n%s", r, w.log)
		}
	}
	c.Connect(Virginia)
}

func TestAFailedUpdateIsRolledBackAndTheStackStaysConnected(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id := c.Connect(Virginia)
	before := c.Owned(id, onboarding.Active)
	c.Update(id, sandbox.UpdateOptions{Parameters: map[string]string{stacktemplate.ParameterExternalID: "my-own"}})
	c.Settled(id, "UPDATE_ROLLBACK_COMPLETE")
	w.Quiet()
	w.Reads(id, "The external ID of a connected stack cannot change to this one.")
	if after := c.Owned(id, onboarding.Active); after.ExternalID != before.ExternalID || after.Role != before.Role {
		t.Errorf("the registration is %+v", after)
	}
}

func TestAnUpdateThatFailsElsewhereRollsTheRegistrationBack(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	other := w.Neighbour(c.Account, Frankfurt)
	with := func(role permissionset.Role, version string) string {
		return w.Edited(w.Template(role), func(resources map[string]any) {
			resources["Other"] = other.Resource(map[string]any{"Version": version}, stacktemplate.PhoneHomeLogicalID)
		})
	}
	id := c.LaunchOf(Frankfurt, with(roleV1, "1"), sandbox.LaunchOptions{})
	other.Answer(other.Next(), "")
	c.Settled(id, "CREATE_COMPLETE")
	w.Quiet()
	before := c.Owned(id, onboarding.Active)

	c.Update(id, sandbox.UpdateOptions{TemplateURL: with(roleV2, "2")})
	failing := other.Next() // our own update was answered before
	other.Answer(failing, "the neighbour is out of order")
	other.Answer(other.Next(), "")
	c.Settled(id, "UPDATE_ROLLBACK_COMPLETE")
	w.Quiet()
	after := c.Owned(id, onboarding.Active)
	if after.TemplateVersion != before.TemplateVersion || after.PhysicalID != before.PhysicalID {
		t.Errorf("the registration is %+v", after)
	}
	c.Delete(id)
	other.Answer(other.Next(), "")
	c.Settled(id, "DELETE_COMPLETE")
	w.Quiet()
	c.Owned(id, onboarding.Disconnected)
}

// renamed publishes the template with another logical ID of the phone-home, and
// returns its URL.
func renamed(w *World, to string) string {
	return w.Edited(w.Template(roleV1), func(resources map[string]any) {
		resources[to] = resources[stacktemplate.PhoneHomeLogicalID]
		delete(resources, stacktemplate.PhoneHomeLogicalID)
	})
}

func TestARenamedResourceStaysConnected(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id := c.Connect(Frankfurt)
	c.Update(id, sandbox.UpdateOptions{TemplateURL: renamed(w, "CallHome")})
	c.Settled(id, "UPDATE_COMPLETE")
	w.Quiet()
	if r := c.Owned(id, onboarding.Active); r.LogicalID != "CallHome" {
		t.Errorf("the registration is %+v", r)
	}
	c.Delete(id)
	c.Settled(id, "DELETE_COMPLETE")
	w.Quiet()
	c.Owned(id, onboarding.Disconnected)
}

func TestARenameThatIsRolledBackStaysConnectedUnderTheOldName(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	other := w.Neighbour(c.Account, Frankfurt)
	id := c.Connect(Frankfurt)
	template := w.Edited(w.Template(roleV1), func(resources map[string]any) {
		resources["CallHome"] = resources[stacktemplate.PhoneHomeLogicalID]
		delete(resources, stacktemplate.PhoneHomeLogicalID)
		resources["Other"] = other.Resource(nil, "CallHome")
	})
	c.Update(id, sandbox.UpdateOptions{TemplateURL: template})
	other.Answer(other.Next(), "the neighbour is out of order")
	other.Answer(other.Next(), "")
	c.Settled(id, "UPDATE_ROLLBACK_COMPLETE")
	w.Quiet()
	if r := c.Owned(id, onboarding.Active); r.LogicalID != stacktemplate.PhoneHomeLogicalID {
		t.Errorf("the registration is %+v", r)
	}
}

func TestAStackDeletedByForceAndCreatedElsewhereIsConnectedThere(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	first := c.Connect(Frankfurt)
	w.Must(w.ForgetStack(t.Context(), first))
	c.Settled(first, "DELETE_COMPLETE")
	second := c.Connect(Virginia)
	c.Delete(second)
	c.Settled(second, "DELETE_COMPLETE")
	w.Quiet()
	c.Owned(second, onboarding.Disconnected)
}

func TestTwoCustomersWithOneAccountAreIndependent(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	account := AccountID(1)
	production, staging := w.Invite("globex", account), w.Invite("globex-staging", account)
	first := production.Connect(Frankfurt)
	second := staging.Launch(Frankfurt, sandbox.LaunchOptions{StackName: "acme-staging"})
	staging.Settled(second, "CREATE_COMPLETE")
	w.Quiet()
	staging.Owned(second, onboarding.Active)
	production.Delete(first)
	production.Settled(first, "DELETE_COMPLETE")
	w.Quiet()
	production.Owned(first, onboarding.Disconnected)
	staging.Owned(second, onboarding.Active)
}

func TestASecondStackOfTheSameLinkFailsAndTheFirstStaysConnected(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	first := c.Connect(Frankfurt)
	second := c.Launch(Virginia, sandbox.LaunchOptions{})
	c.Settled(second, "ROLLBACK_COMPLETE")
	w.Reads(second, "already exists") // the role exists, says IAM
	w.Quiet()
	c.Owned(first, onboarding.Active)
}

func TestASecondStackWithANewRoleIsRefusedWhileTheFirstWorks(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	first := c.Connect(Frankfurt)
	c.Change(func(l *onboarding.Link) { l.RoleName = "acme-globex-2" })
	second := c.Launch(Virginia, sandbox.LaunchOptions{})
	c.Settled(second, "ROLLBACK_COMPLETE")
	w.Quiet()
	w.Reads(second, "This AWS account is already connected to Acme, by the stack acme-access in eu-central-1, and that connection works.")
	c.Owned(first, onboarding.Active)

	// When the first stack or its role no longer exists, the second may
	// connect.
	w.Must(w.ForgetStack(t.Context(), first))
	c.Settled(first, "DELETE_COMPLETE")
	again := c.Launch(Virginia, sandbox.LaunchOptions{StackName: "acme-again"})
	c.Settled(again, "CREATE_COMPLETE")
	w.Quiet()
	c.Owned(again, onboarding.Active)
}

func TestALiveStackStaysConnectedAfterItsLinkIsClosed(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id := c.Connect(Frankfurt)
	c.Change(func(l *onboarding.Link) { l.Closed, l.ClosedAt = true, w.Now() })
	c.Update(id, sandbox.UpdateOptions{TemplateURL: w.Publish(w.Template(roleV2))})
	c.Settled(id, "UPDATE_COMPLETE")
	w.Quiet()
	c.Owned(id, onboarding.Active)
	c.Delete(id)
	c.Settled(id, "DELETE_COMPLETE")
	w.Quiet()
	c.Owned(id, onboarding.Disconnected)
}

// trusting publishes a template whose role has an edited trust policy, and returns
// its URL.
func trusting(w *World, edit func(statement map[string]any)) string {
	return w.Edited(w.Template(roleV1), func(resources map[string]any) {
		role := resources[stacktemplate.RoleLogicalID].(map[string]any)["Properties"].(map[string]any)
		for _, s := range role["AssumeRolePolicyDocument"].(map[string]any)["Statement"].([]any) {
			edit(s.(map[string]any))
		}
	})
}

func TestAnUnsafeRoleIsNotConnected(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit  func(statement map[string]any)
		reads string
	}{
		"no external ID required": {
			func(s map[string]any) { delete(s, "Condition") },
			"can be assumed without an external ID, so others could get in through Acme too.",
		},
		"any external ID accepted": {
			func(s map[string]any) {
				s["Condition"] = map[string]any{"StringLike": map[string]any{"sts:ExternalId": "*"}}
			},
			"can be assumed with a wrong external ID, so others could get in through Acme too.",
		},
		"an external ID required only if one is given": {
			func(s map[string]any) {
				s["Condition"] = map[string]any{"StringEqualsIfExists": map[string]any{"sts:ExternalId": map[string]any{"Ref": "ExternalId"}}}
			},
			"can be assumed without an external ID",
		},
		"another account is trusted": {
			func(s map[string]any) { s["Principal"] = map[string]any{"AWS": AccountID(1)} },
			"Acme cannot assume the role arn:aws:iam::" + AccountID(1) + ":role/acme-globex",
		},
		"another external ID required": {
			func(s map[string]any) {
				s["Condition"] = map[string]any{"StringEquals": map[string]any{"sts:ExternalId": "something-else"}}
			},
			"Acme cannot assume the role",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := New(t)
			w.Registrar()
			c := w.Invite("globex", AccountID(1))
			id := c.LaunchOf(Frankfurt, trusting(w, test.edit), sandbox.LaunchOptions{})
			c.Settled(id, "ROLLBACK_COMPLETE")
			w.Quiet()
			w.Reads(id, test.reads)
			c.Unknown()
		})
	}
}

func TestAnUpdateThatOpensTheRoleIsRefusedAndRolledBack(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id := c.Connect(Frankfurt)
	open := w.Edited(w.Template(roleV2), func(resources map[string]any) {
		role := resources[stacktemplate.RoleLogicalID].(map[string]any)["Properties"].(map[string]any)
		for _, s := range role["AssumeRolePolicyDocument"].(map[string]any)["Statement"].([]any) {
			delete(s.(map[string]any), "Condition")
		}
	})
	c.Update(id, sandbox.UpdateOptions{TemplateURL: open})
	c.Settled(id, "UPDATE_ROLLBACK_COMPLETE")
	w.Quiet()
	w.Reads(id, "can be assumed without an external ID")
	c.Owned(id, onboarding.Active)
}

func TestAnAssumedRoleMayLaunch(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	role := c.newRole("Administrators", `{"AWS":"arn:aws:iam::`+c.Account+`:root"}`, administrators)
	clients := w.ClientsOf(c.Account, w.URL())
	session, err := clients.STS(clients.Region).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(role), RoleSessionName: aws.String("jane"),
	})
	w.Must(err)
	jane := sandbox.Credentials{
		AccessKeyID: *session.Credentials.AccessKeyId, SecretAccessKey: *session.Credentials.SecretAccessKey,
		SessionToken: *session.Credentials.SessionToken,
	}
	id := c.Launch(Virginia, sandbox.LaunchOptions{As: &jane})
	c.Settled(id, "CREATE_COMPLETE")
	w.Quiet()
	c.Owned(id, onboarding.Active)
}

const (
	administrators = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	// operators pass a role to CloudFormation, and have few permissions of their own.
	operators = `{"Effect":"Allow","Action":["cloudformation:*","s3:GetObject","iam:PassRole"],"Resource":"*"}`
	// builders can create roles, but can't publish.
	builders = `{"Effect":"Allow","Action":"iam:*","Resource":"*"}`
)

// newRole creates a role in the customer's account.
func (c *Customer) newRole(name, trusts, statement string) (arn string) {
	c.T.Helper()
	admin, err := c.Admin(c.Account)
	c.Must(err)
	call := func(action string, params map[string][]string) {
		c.T.Helper()
		c.Must(kernel.CallQuery(c.T.Context(), c, admin, Frankfurt, "iam", action, params, nil))
	}
	call("CreateRole", map[string][]string{"RoleName": {name}, "Path": {"/own/"}, "AssumeRolePolicyDocument": {
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + trusts + `,"Action":"sts:AssumeRole"}]}`,
	}})
	call("PutRolePolicy", map[string][]string{"RoleName": {name}, "PolicyName": {"may"}, "PolicyDocument": {
		`{"Version":"2012-10-17","Statement":[` + statement + `]}`,
	}})
	return "arn:aws:iam::" + c.Account + ":role/own/" + name
}

func TestAStackWithAServiceRoleIsConnectedAndDeletedByIt(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	role := c.newRole("Deployer", `{"Service":"cloudformation.amazonaws.com"}`, administrators)
	operator, err := w.NewUser(c.Account, "operator", `{"Version":"2012-10-17","Statement":[`+operators+`]}`)
	w.Must(err)
	id := c.Launch(Frankfurt, sandbox.LaunchOptions{As: &operator, ServiceRole: role})
	c.Settled(id, "CREATE_COMPLETE")
	w.Quiet()
	c.Owned(id, onboarding.Active)
	c.Update(id, sandbox.UpdateOptions{As: &operator, TemplateURL: w.Publish(w.Template(roleV2))})
	c.Settled(id, "UPDATE_COMPLETE")
	c.Delete(id)
	c.Settled(id, "DELETE_COMPLETE")
	w.Quiet()
	c.Owned(id, onboarding.Disconnected)
}

func TestAServiceRoleWithoutPermissionToPublishIsReported(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	role := c.newRole("Builder", `{"Service":"cloudformation.amazonaws.com"}`, builders)
	id := c.Launch(Frankfurt, sandbox.LaunchOptions{ServiceRole: role})
	c.Settled(id, "ROLLBACK_COMPLETE")
	w.Reads(id, "assumed-role/Builder/AWSCloudFormation is not authorized to perform: SNS:Publish")
	c.Unknown()

	_, err := c.LaunchURL(t.Context(), c.URL(Virginia), c.Account, sandbox.LaunchOptions{ServiceRole: role + "-2"})
	if err == nil || !strings.Contains(err.Error(), "is invalid or cannot be assumed") {
		t.Errorf("the error is %v", err)
	}
}

func TestTheProofWaitsForAnEventuallyConsistentIAM(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	refused := 0
	var mu sync.Mutex
	remove := w.Faults().Before(func(call *kernel.Call) error {
		mu.Lock()
		defer mu.Unlock()
		if call.Action == "AssumeRole" && refused < 6 {
			refused++
			return kernel.Errorf(403, "AccessDenied", "User: arn:aws:iam::111111111111:user/admin is not authorized to perform: sts:AssumeRole")
		}
		return nil
	})
	defer remove()
	began := w.Now()
	id := c.Connect(Frankfurt)
	if strings.Contains(w.Story(id), "FAILED") || w.Now().Sub(began) > 2*time.Minute {
		t.Errorf("it took %s:\n%s", w.Now().Sub(began), w.Story(id))
	}
}
