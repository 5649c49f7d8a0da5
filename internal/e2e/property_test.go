// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"pgregory.net/rapid"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// Random specifications are rendered, launched by a customer, registered, proven and
// deleted. CloudFormation accepts every template; the role allows exactly what was
// declared and the customer has switched on; and every text of the vendor or the
// customer stays unchanged.
func TestARoleIsAndAllowsExactlyWhatWasDeclared(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	others := map[string]caller{}
	for _, id := range otherAccounts {
		others[id] = w.caller(id)
	}
	var did figures
	rapid.Check(t, func(r *rapid.T) {
		w.T = r // so that rapid finds the smallest specification that fails
		did.specifications++
		d := drawSpecification(r, w, did.specifications)
		c := w.inviteDrawn(d)
		c.refusesHostileParameters(r, d, &did)

		choices := map[string]string{}
		for _, s := range d.switches {
			if s.touched && s.when == "" {
				choices[permissionset.SwitchParameter(s.key)] = s.position()
			}
		}
		for key, value := range d.typed {
			choices[permissionset.InputParameter(key)] = value
		}
		for _, what := range d.spec.CustomerChooses {
			choices[stacktemplate.ChosenParameter(what)] = d.chosen[what]
		}
		region := rapid.SampledFrom([]string{Frankfurt, Virginia}).Draw(r, "region")
		id := c.Launch(region, sandbox.LaunchOptions{Parameters: choices})
		defer func() { // even after a failure: the next specification begins with an empty account
			c.Delete(id)
			c.Settled(id, "DELETE_COMPLETE")
			w.Quiet()
			if left := c.roles(); len(left) != 0 {
				r.Errorf("the customer's account still has the roles %v", left)
			}
		}()
		stack := c.Settled(id, "CREATE_COMPLETE")
		w.Quiet()
		c.madeExactly(d, stack, c.Owned(id, onboarding.Active))
		c.madeBeside(d, region)
		c.trustsExactly(d, stack.Outputs["RoleArn"], others, &did)
		c.allowsExactly(d, stack.Outputs["RoleArn"], &did)
		for key, one := range d.beside {
			c.trustsExactly(one, stack.Outputs[permissionset.AdditionalResource(key)+"Arn"], others, &did)
			c.allowsExactly(one, stack.Outputs[permissionset.AdditionalResource(key)+"Arn"], &did)
		}
	})
	w.T = t
	if n := w.DeadLetters(); n != 0 {
		t.Errorf("%d messages were moved to the dead-letter queue", n)
	}
	t.Log(did)
}

// figures counts what was checked.
type figures struct {
	specifications, statements, switches, questions, allowed, refused, roles, tries int
}

func (f figures) String() string {
	return fmt.Sprintf("%d specifications, %d statements, %d switches; %d questions to roles, of which %d were allowed and %d denied as declared; %d hostile parameters refused; %d roles, tried %d times",
		f.specifications, f.statements, f.switches, f.questions, f.allowed, f.questions-f.allowed, f.refused, f.roles, f.tries)
}

// inviteDrawn gives a customer a link to the drawn template.
func (w *World) inviteDrawn(d drawn) *Customer {
	w.T.Helper()
	template, err := stacktemplate.Render(d.spec)
	w.Must(err)
	return w.Invite(d.customer, theAccount, func(l *onboarding.Link) {
		l.RoleName, l.TemplateVersion, l.TemplateURL = d.roleName, stacktemplate.Version(d.spec), w.Publish(template.JSON())
		l.TemplateParameters = template.LinkParameters()
		l.TrustedPrincipals, l.AdditionalRoles = d.spec.Provers(d.spec.Vendor), declaration.AdditionalRoles(d.spec)
		if d.spec.Role.Path != "" {
			l.RolePath = d.spec.Role.Path
		}
	})
}

// refusesHostileParameters fails the test unless every parameter that the customer
// can enter in the console has a pattern that no hostile text matches.
func (c *Customer) refusesHostileParameters(r *rapid.T, d drawn, did *figures) {
	c.T.Helper()
	required := []string{stacktemplate.ParameterCustomerName, stacktemplate.ParameterRoleName, stacktemplate.ParameterExternalID, stacktemplate.ParameterShard}
	all := append([]string{stacktemplate.ParameterPreviousExternalID, stacktemplate.ParameterExpectedAccountID}, required...)
	for key := range d.spec.CustomerParameters {
		all = append(all, permissionset.InputParameter(key))
	}
	for _, s := range d.switches {
		if s.when == "" {
			all = append(all, permissionset.SwitchParameter(s.key))
		}
	}
	for _, what := range d.spec.CustomerChooses {
		all = append(all, stacktemplate.ChosenParameter(what))
	}
	slices.Sort(all)
	name := rapid.SampledFrom(all).Draw(r, "parameter")
	texts := []string{"${AWS::AccountId}", `{"Ref":"AWS::AccountId"}`, "!Ref Role", "a\nb", "<b>", "{{resolve:ssm:x}}", permissionset.AccountReference, "a*", `a"b`}
	if slices.Contains(required, name) {
		texts = append(texts, "")
	}
	text := rapid.SampledFrom(texts).Draw(r, "parameter's text")
	_, err := c.LaunchURL(c.T.Context(), c.URL(Virginia), c.Account, sandbox.LaunchOptions{StackName: "hostile", Parameters: map[string]string{name: text}})
	if err == nil || !strings.Contains(err.Error(), "ValidationError") {
		c.T.Fatalf("the parameter %s accepts %q: %v", name, text, err)
	}
	did.refused++
}

// allowsExactly tests the role with all actions and resources, as a session of the
// vendor.
func (c *Customer) allowsExactly(d drawn, role string, did *figures) {
	c.T.Helper()
	did.roles++
	p := c.session(role)
	evaluator := policy.NewEvaluator(c.Now)
	for _, resource := range d.asked() {
		for _, action := range askedActions {
			err := evaluator.Authorize(kernel.Authorization{Principal: p, Action: action, Resource: resource, ResourceAccount: theAccount})
			var denied *kernel.Error
			if err != nil && (!asError(err, &denied) || denied.Status != http.StatusForbidden) {
				c.T.Fatalf("%s on %q: %v", action, resource, err)
			}
			if want := d.allows(action, resource); want != (err == nil) {
				c.T.Fatalf("%s on %q is declared as allowed: %t; the role says %v\n%v", action, resource, want, err, d.spec.Role)
			}
			did.questions++
			if err == nil {
				did.allowed++
			}
		}
	}
	did.statements += len(d.grants)
	did.switches += len(d.switches)
}

// session returns the principal of a vendor's session in the customer's role.
func (c *Customer) session(role string) *kernel.Principal {
	c.T.Helper()
	out, err := c.Clients.STS(c.Clients.Region).AssumeRole(c.T.Context(), &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: aws.String("vendor"), ExternalId: aws.String(c.Link.ExternalID.String()),
	})
	c.Must(err)
	p, err := c.Principal(sandbox.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken,
	})
	c.Must(err)
	return p
}
