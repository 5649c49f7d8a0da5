// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// asOfTheFirstRelease returns a template without the parts that were added after the
// first release.
func (w *World) asOfTheFirstRelease(body []byte) []byte {
	w.T.Helper()
	var template map[string]any
	w.Must(json.Unmarshal(body, &template))
	delete(template["Parameters"].(map[string]any), stacktemplate.ParameterExpectedAccountID)
	delete(template["Parameters"].(map[string]any), stacktemplate.ParameterPreviousExternalID)
	delete(template["Conditions"].(map[string]any), "PreviousExternalIdGiven")
	template = withoutCondition(template, "PreviousExternalIdGiven").(map[string]any)
	delete(template["Rules"].(map[string]any), "ExpectedAccount")
	delete(template, "Metadata")
	body, err := json.Marshal(template)
	w.Must(err)
	return body
}

// withoutCondition returns a part of a template in which a condition is always false.
func withoutCondition(part any, condition string) any {
	switch part := part.(type) {
	case []any:
		for i := range part {
			part[i] = withoutCondition(part[i], condition)
		}
	case map[string]any:
		if choice, is := part["Fn::If"].([]any); is && choice[0] == condition {
			return choice[2]
		}
		for key := range part {
			part[key] = withoutCondition(part[key], condition)
			if nothing, is := part[key].(map[string]any); is && nothing["Ref"] == "AWS::NoValue" {
				delete(part, key)
			}
		}
	}
	return part
}

// Customers have stacks of older templates, and update them by the same way as they
// launched them. Each way works with today's template.
func TestAStackOfTheFirstReleaseIsUpdatedByEveryWayOfLaunching(t *testing.T) {
	t.Parallel()
	ways := map[string]func(t *testing.T, c *Customer, stackID string){
		"by the update link": func(_ *testing.T, c *Customer, id string) {
			c.Update(id, sandbox.UpdateOptions{TemplateURL: c.Link.TemplateURL})
		},
		"by the update command": func(t *testing.T, c *Customer, id string) {
			command, err := launch.UpdateCommand(c.Link, declaration.Declaration{}, c.Owned(id, onboarding.Active))
			c.Must(err)
			c.updates(t, id, parametersOf(t, command))
		},
		"by the customer's Terraform": func(t *testing.T, c *Customer, id string) {
			var parameters []types.Parameter // aws_cloudformation_stack sends those of the snippet
			for name, value := range launch.Parameters(c.Link) {
				parameters = append(parameters, types.Parameter{ParameterKey: &name, ParameterValue: &value})
			}
			c.updates(t, id, parameters)
		},
	}
	for name, update := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := New(t)
			w.Registrar()
			c := w.Invite("globex", AccountID(1), func(l *onboarding.Link) {
				l.TemplateURL, l.TemplateParameters = w.Publish(w.asOfTheFirstRelease(w.Template(roleV1))), nil
			})
			id := c.Connect(Frankfurt)
			c.Change(func(l *onboarding.Link) {
				spec := w.Specification(roleV2)
				template, err := stacktemplate.Render(spec)
				w.Must(err)
				l.TemplateURL, l.TemplateVersion = w.Publish(template.JSON()), stacktemplate.Version(spec)
				l.TemplateParameters = template.LinkParameters()
			})
			update(t, c, id)
			c.Settled(id, "UPDATE_COMPLETE")
			w.Quiet()
			if got := c.Owned(id, onboarding.Active); got.Outdated(c.Link) {
				t.Errorf("the customer is still outdated: %+v", got)
			}
		})
	}
}

// The customer chooses the path and the boundary, and nothing else of the role.
func TestACustomerChoosesThePathAndTheBoundaryIfTheVendorAllowsIt(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	spec := w.Specification(roleV1)
	spec.Role.ManagedPolicies = spec.Role.InlinePolicies
	spec.CustomerChooses = []string{permissionset.ChoosesPath, permissionset.ChoosesBoundary}
	template, err := stacktemplate.Render(spec)
	w.Must(err)
	choosing := func(l *onboarding.Link) {
		l.TemplateURL, l.TemplateVersion, l.TemplateParameters = w.Publish(template.JSON()), stacktemplate.Version(spec), template.LinkParameters()
	}
	c := w.Invite("globex", AccountID(1), choosing)
	const boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
	id := c.Launch(Frankfurt, sandbox.LaunchOptions{Parameters: map[string]string{"RolePath": "/third-parties/acme/", "PermissionsBoundary": boundary}})
	c.Settled(id, "CREATE_COMPLETE")
	w.Quiet()
	r := c.Owned(id, onboarding.Active)
	if want := "arn:aws:iam::" + c.Account + ":role/third-parties/acme/" + c.Link.RoleName; r.Role.String() != want || r.Parameters["permissions_boundary"] != boundary || r.Parameters["role_path"] != "/third-parties/acme/" {
		t.Errorf("registered is %s, with %v", r.Role, r.Parameters)
	}
	role, err := c.iam().GetRole(t.Context(), &iam.GetRoleInput{RoleName: &c.Link.RoleName})
	w.Must(err)
	if got := role.Role.PermissionsBoundary; got == nil || *got.PermissionsBoundaryArn != boundary {
		t.Errorf("the boundary is %v", got)
	}

	other := w.Invite("initech", AccountID(2), choosing)
	id = other.Launch(Frankfurt, sandbox.LaunchOptions{Parameters: map[string]string{"RolePath": "/x/", "RoleName": "another"}})
	other.Settled(id, "ROLLBACK_COMPLETE")
	other.Unknown()

	fixed := w.Invite("umbrella", AccountID(3), choosing, func(l *onboarding.Link) { l.TemplateParameters = []string{"ExpectedAccountId"} })
	id = fixed.Launch(Frankfurt, sandbox.LaunchOptions{Parameters: map[string]string{"RolePath": "/x/"}})
	fixed.Settled(id, "ROLLBACK_COMPLETE")
	fixed.Unknown()
}

// updates calls UpdateStack as the customer.
func (c *Customer) updates(t *testing.T, stackID string, parameters []types.Parameter) {
	t.Helper()
	keys, err := c.Credentials(c.Account)
	c.Must(err)
	stack, err := account.ParseStackARN(stackID)
	c.Must(err)
	client := cloudformation.New(cloudformation.Options{
		Region: stack.Region.String(), BaseEndpoint: aws.String(c.World.Sandbox.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken),
	})
	_, err = client.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: &stackID, TemplateURL: &c.Link.TemplateURL, Parameters: parameters,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	})
	c.Must(err)
}

// parametersOf returns the parameters in a command. Its values need no quoting for a
// shell.
func parametersOf(t *testing.T, command string) (parameters []types.Parameter) {
	t.Helper()
	for _, word := range strings.Fields(command) {
		rest, found := strings.CutPrefix(word, "ParameterKey=")
		if !found {
			continue
		}
		name, rest, _ := strings.Cut(rest, ",")
		p := types.Parameter{ParameterKey: &name}
		if value, given := strings.CutPrefix(rest, "ParameterValue="); given {
			p.ParameterValue = &value
		} else if rest == "UsePreviousValue=true" {
			p.UsePreviousValue = aws.Bool(true)
		} else {
			t.Fatalf("the command has %q", word)
		}
		parameters = append(parameters, p)
	}
	return parameters
}
