// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// actionHCL returns an action block named it on the hub acme.
func actionHCL(typ string, config ...string) string {
	return fmt.Sprintf("\naction %q \"it\" {\n  config {\n    hub = \"acme\"\n    %s\n  }\n}\n", typ, strings.Join(config, "\n    "))
}

// invoke runs an action and returns its progress and the summaries of its errors.
func (s state) invoke(typ string, config ...string) (progress []string, failed string) {
	s.t.Helper()
	progress, found := s.Invoke(s.t.Context(), s.w.Provider()+actionHCL(typ, config...), "action."+typ+".it")
	return progress, summaries(found)
}

// expect runs an action and fails the test unless it succeeds with the progress want.
func (s state) expect(want []string, typ string, config ...string) {
	s.t.Helper()
	progress, failed := s.invoke(typ, config...)
	if got := strings.Join(progress, "\n"); failed != "" || got != strings.Join(want, "\n") {
		s.t.Errorf("%s %v: %s\ngot\n%s\nwant\n%s", typ, config, failed, got, strings.Join(want, "\n"))
	}
}

func TestActionsBlockAndUnblockACustomer(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	s.apply(hubHCL(), linkHCL(globex))
	link := func() onboarding.Link {
		t.Helper()
		found, err := w.Registry("acme").Customer(t.Context(), "globex")
		if err != nil {
			t.Fatal(err)
		}
		return found.Link
	}
	customer := `customer_id = "globex"`
	s.expect([]string{"Customer globex was not blocked."}, "xacct_unblock_customer", customer)
	s.expect([]string{"Customer globex is blocked, from the next message on."}, "xacct_block_customer", customer, `reason = "ticket 4711"`)
	if l := link(); !l.Blocked || l.BlockedReason != "ticket 4711" || l.BlockedAt.IsZero() {
		t.Errorf("the link is %+v", l)
	}
	s.expect([]string{"Customer globex was blocked already."}, "xacct_block_customer", customer, `reason = "ticket 4711"`)
	s.apply(hubHCL(), linkHCL(globex.with(`stack_name = "other"`)))
	if !link().Blocked {
		t.Error("a change of the link ended the block")
	}
	s.expect([]string{"Customer globex is no longer blocked."}, "xacct_unblock_customer", customer)
	if link().Blocked {
		t.Error("the customer is still blocked")
	}

	if _, failed := s.invoke("xacct_block_customer", `customer_id = "unheard-of"`); failed != "No customer unheard-of of hub acme" {
		t.Errorf("an unknown customer: %q", failed)
	}
	if _, failed := s.invoke("xacct_block_customer", customer, fmt.Sprintf("reason = %q", strings.Repeat("x", 501))); !strings.Contains(failed, "Invalid Attribute Value Length") {
		t.Errorf("a long reason: %q", failed)
	}
}

func TestAnActionVerifiesRoles(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	there := hubHCL() + linkHCL(globex) + linkHCL(initech)
	s.apply(there)
	s.expect([]string{"No customer has a live stack: there is nothing to verify."}, "xacct_verify_roles")
	stop := w.Registrar("acme")
	for _, c := range []customer{globex, initech} {
		w.Launch("acme", c.id, c.account, "CREATE_COMPLETE")()
	}
	stop()
	const role = "arn:aws:iam::222222222222:role/acme-globex"
	total := func(works, broken int) string {
		return map[[2]int]string{{2, 0}: "2 roles: 2 work, 0 do not", {1, 1}: "2 roles: 1 works, 1 does not", {1, 0}: "1 role: 1 works, 0 do not"}[[2]int{works, broken}] +
			" work, 0 could not be verified, 0 were changed by their customers meanwhile."
	}
	s.expect([]string{total(2, 0)}, "xacct_verify_roles", "concurrency = 2")

	trustOnly(t, w, acctest.Initech)
	s.expect([]string{
		"Customer globex: role " + role + " does not work, degraded (was active): the role can no longer be assumed with its external ID", total(1, 1),
	}, "xacct_verify_roles")
	s.apply(there, roleHCL(globex))
	if got := s.Attributes(roleGlobex)["status"]; got != "degraded" {
		t.Errorf("the role is %v in the state", got)
	}
	s.expect([]string{total(1, 0)}, "xacct_verify_roles", `customer_id = "initech"`)

	if _, failed := s.invoke("xacct_verify_roles", `customer_id = "unheard-of"`); failed != "No customer unheard-of of hub acme" {
		t.Errorf("an unknown customer: %q", failed)
	}
	if _, failed := s.invoke("xacct_verify_roles", "concurrency = 0"); !strings.Contains(failed, "Invalid Attribute Value") {
		t.Errorf("no concurrency: %q", failed)
	}
}

// The customers' three roles refuse the vendor, so the fault is the vendor's: no
// registration may be degraded.
func TestAnActionReportsAVendorThatMayNotAssumeRoles(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	all := []customer{globex, initech, umbrella}
	s.apply(hubHCL(), linkHCL(globex), linkHCL(initech), linkHCL(umbrella))
	stop := w.Registrar("acme")
	for _, c := range all {
		w.Launch("acme", c.id, c.account, "CREATE_COMPLETE")()
	}
	stop()
	w.Faults().Before(func(c *kernel.Call) error {
		if c.Service == "sts" && c.Action == "AssumeRole" {
			return kernel.Errorf(403, "AccessDenied", "User: x is not authorized to perform: sts:AssumeRole on resource: y")
		}
		return nil
	})
	progress, failed := s.invoke("xacct_verify_roles")
	if failed != "3 of 3 roles of hub acme were refused, and none could be assumed" {
		t.Errorf("got %q and %q", failed, progress)
	}
	for _, c := range all {
		found, err := w.Registry("acme").Customer(t.Context(), c.id)
		if err != nil || found.Registrations[0].Status != onboarding.Active {
			t.Errorf("customer %s is %v (%v)", c.id, found.Registrations, err)
		}
	}
}

func TestAnActionRedrivesDeadLetters(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	s.apply(hubHCL())
	s.expect([]string{"Hub acme has no dead letters."}, "xacct_redrive_dead_letters")
	record, err := w.Registry("acme").Hub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := w.Clients.SQS(record.Region)
	for n := range 3 {
		if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &record.DeadLetterQueueURL, MessageBody: aws.String(fmt.Sprint("letter ", n))}); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		config string
		sent   int
		want   string
	}{{"limit = 1", 1, "1 dead letter of hub acme was sent back."}, {"", 2, "2 dead letters of hub acme were sent back."}} {
		progress, failed := s.invoke("xacct_redrive_dead_letters", step.config)
		if failed != "" || len(progress) != step.sent+1 || progress[step.sent] != step.want || !strings.HasPrefix(progress[0], "sent ") {
			t.Errorf("%q: got %q and %q", step.config, progress, failed)
		}
	}
	s.expect([]string{"Hub acme has no dead letters."}, "xacct_redrive_dead_letters")
}

func TestAnActionAdoptsARoleAndReleasesIt(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	const role = "arn:aws:iam::222222222222:role/made-by-hand"
	there := hubHCL() + linkHCL(globex.with(`external_id = "as-agreed-by-mail-in-2019"`))
	s.apply(there)
	customer, arn := `customer_id = "globex"`, `role_arn = "`+role+`"`
	_, found := s.Invoke(t.Context(), w.Provider()+actionHCL("xacct_adopt_role", customer, arn), "action.xacct_adopt_role.it")
	if summaries(found) != "Could not adopt the role of customer globex of hub acme" || !strings.HasPrefix(found[0].Detail, "Role "+role+" of customer globex was not registered: the role can no longer be assumed") {
		t.Errorf("a role that does not exist: %s", found)
	}
	handMade(t, w, globex.account, "made-by-hand", "as-agreed-by-mail-in-2019")
	s.expect([]string{"Role " + role + " of customer globex is proven and registered."}, "xacct_adopt_role", customer, arn)
	s.apply(there, roleHCL(globex))
	if got := s.Attributes(roleGlobex); got["status"] != "active" || got["role_arn"] != role {
		t.Errorf("the role is %v", got)
	}
	s.expect([]string{"Role " + role + " of customer globex is released."}, "xacct_adopt_role", customer, "release = true")
	if _, failed := s.invoke("xacct_adopt_role", customer, "release = true"); failed != "No adopted role of customer globex of hub acme" {
		t.Errorf("released twice: %q", failed)
	}
}

// handMade creates a role in a customer's account, as its administrator would.
func handMade(t *testing.T, w *acctest.World, accountID, name, externalID string) {
	t.Helper()
	keys, err := w.Credentials(accountID)
	if err != nil {
		t.Fatal(err)
	}
	client := iam.New(iam.Options{
		Region: acctest.Region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(w.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken),
	})
	_, err = client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Condition":{"StringEquals":{"sts:ExternalId":"` + externalID + `"}}}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	w.Clock().Advance(time.Minute) // until the role is known everywhere in IAM
}
