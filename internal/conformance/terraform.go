// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

const planner = "terraform"

// configuration has the hub, the permission set and the link that Terraform applies.
const configuration = `
terraform {
  required_providers {
    xacct = { source = "registry.terraform.io/xacct/xacct" }
  }
}

provider "xacct" {
  region = %[1]q
}

resource "xacct_hub" "this" {
  name            = %[2]q
  regions         = [%[1]q]
  template_access = "accounts"
  tags            = { %[3]q = %[4]q }
}

resource "xacct_permission_set" "reader" {
  hub       = xacct_hub.this.id
  name      = "reader"
  role_name = %[5]q
  inline_policies = {
    logs = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = %[6]q, Resource = "*" }] })
  }
}

resource "xacct_onboarding_link" "globex" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.reader.id
  customer_id    = "globex"
  account_id     = %[7]q
  region         = %[1]q
}

output "link" {
  value = xacct_onboarding_link.globex.url
}
`

// waiting is added to the configuration to wait for the customer and to read the
// registration.
const waiting = `
resource "xacct_customer_role" "globex" {
  link = xacct_onboarding_link.globex.id
  wait = true
}

data "xacct_customer_role" "globex" {
  hub         = xacct_hub.this.id
  customer_id = "globex"
  depends_on  = [xacct_customer_role.globex]
}

output "found" {
  value = "${data.xacct_customer_role.globex.status} ${data.xacct_customer_role.globex.role_arn}"
}
`

// engine is Terraform or OpenTofu, with a folder for its configuration and state.
type engine struct {
	s   *story
	dir string
	env []string
}

// newEngine prepares a folder in which the engine uses the provider's binary, with the
// credentials of the role that has the provider's least-privilege policy.
func (s *story) newEngine(ctx context.Context, dir string) (*engine, error) {
	binary, err := filepath.Abs(s.t.Provider)
	if err != nil {
		return nil, err
	}
	rc := fmt.Sprintf("provider_installation {\n  dev_overrides { \"registry.terraform.io/xacct/xacct\" = %q }\n  direct {}\n}\n", filepath.Dir(binary))
	if err := os.WriteFile(filepath.Join(dir, "terraformrc"), []byte(rc), 0o600); err != nil {
		return nil, err
	}
	keys, err := s.principals[planner].SDK().Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	e := &engine{s: s, dir: dir}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_PROFILE=") && !strings.HasPrefix(variable, "TF_") {
			e.env = append(e.env, variable)
		}
	}
	e.env = append(e.env, "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "terraformrc"), "CHECKPOINT_DISABLE=1",
		"AWS_ACCESS_KEY_ID="+keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey, "AWS_SESSION_TOKEN="+keys.SessionToken)
	if s.t.Endpoint != "" {
		e.env = append(e.env, "AWS_ENDPOINT_URL="+s.t.Endpoint)
	}
	if s.t.Bundle != nil {
		file := filepath.Join(dir, "roots.pem")
		if err := os.WriteFile(file, s.t.Bundle, 0o600); err != nil {
			return nil, err
		}
		e.env = append(e.env, "AWS_CA_BUNDLE="+file)
	}
	return e, nil
}

// run runs the engine. Its error contains the engine's output.
func (e *engine) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, e.s.t.Terraform, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Dir, cmd.Env = e.dir, e.env
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err := cmd.Run()
	e.s.t.note("terraform "+strings.Join(args, " "), out.String()+problems.String())
	if err != nil {
		return "", fmt.Errorf("terraform %s: %w: %s", args[0], err, strings.TrimSpace(problems.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// apply applies the configuration, in which the customer's role allows an action. It
// returns an error if a plan after the apply is not empty.
func (e *engine) apply(ctx context.Context, action, more string) error {
	t := e.s.t
	text := fmt.Sprintf(configuration, t.home(), e.s.hubName, Tag, t.Run, t.name("tf-customer"), action, t.Customer.Account) + more
	if err := os.WriteFile(filepath.Join(e.dir, "main.tf"), []byte(text), 0o600); err != nil {
		return err
	}
	if _, err := e.run(ctx, "apply", "-auto-approve", "-input=false", "-no-color"); err != nil {
		return err
	}
	_, err := e.run(ctx, "plan", "-detailed-exitcode", "-input=false", "-no-color")
	return err
}

// throughTerraform runs the same story, with Terraform and the provider's binary.
func throughTerraform(ctx context.Context, t *trial) error {
	s := newStory(t, "tf")
	document, err := leastpolicy.Provider(s.parts())
	if err != nil {
		return err
	}
	if s.principals[planner], err = t.principalWith(ctx, t.Vendor, "as-"+planner, document.String()); err != nil {
		return err
	}
	s.principals[answerer], s.principals[tenant] = s.principals[planner], t.Customer
	dir, err := os.MkdirTemp("", "xacct-conformance-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the resources in AWS are in the ledger
	e, err := s.newEngine(ctx, dir)
	if err != nil {
		return err
	}
	if err := t.creates(t.Vendor, "hub", t.home(), s.hubName); err != nil {
		return err
	}
	if err := s.terraform(ctx, e); err != nil && ctx.Err() == nil {
		return instead("%v", err)
	} else if err != nil {
		return err
	}
	return t.Ledger.Write(Entry{Party: t.Vendor.name, Kind: "hub", Region: t.home().String(), Name: s.hubName, Gone: true})
}

func (s *story) terraform(ctx context.Context, e *engine) error {
	if err := e.apply(ctx, "logs:GetLogEvents", ""); err != nil {
		return err
	}
	link, err := e.run(ctx, "output", "-raw", "link")
	if err != nil {
		return err
	}
	stack, err := s.launchURL(ctx, link)
	if err != nil {
		return err
	}
	if err := e.apply(ctx, "logs:GetLogEvents", waiting); err != nil { // this apply answers the phone-home, proves the role and registers it
		return err
	}
	found, err := e.run(ctx, "output", "-raw", "found")
	if err == nil && found != fmt.Sprintf("active arn:%s:iam::%s:role/%s", s.t.home().Partition(), s.t.Customer.Account, s.t.name("tf-customer")) {
		err = fmt.Errorf("the data source returns %q", found)
	}
	if err != nil {
		return err
	}
	if s.record, err = registry.New(s.t.Vendor.DynamoDB(), s.hubName, s.t.Now).Hub(ctx); err != nil {
		return err
	}
	if err := e.apply(ctx, "logs:FilterLogEvents", waiting); err != nil {
		return err
	}
	if err := s.upgrade(ctx, stack); err != nil {
		return err
	}
	if err := s.answered(ctx, stack, "UPDATE_COMPLETE", onboarding.Active); err != nil {
		return err
	}
	if _, err := s.t.Customer.cloudFormation(s.t.home()).DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &stack}); err != nil {
		return err
	}
	if err := s.answered(ctx, stack, "DELETE_COMPLETE", onboarding.Disconnected); err != nil {
		return err
	}
	_, err = e.run(ctx, "destroy", "-auto-approve", "-input=false", "-no-color")
	return err
}

// launchURL launches a link as the console does, given only its URL.
func (s *story) launchURL(ctx context.Context, url string) (string, error) {
	l, err := quickcreate.Parse(url)
	if err != nil {
		return "", err
	}
	stack, err := s.create(ctx, l, "tf-access", func(error) bool { return false })
	if err != nil {
		return "", errors.Join(errors.New("launch the link"), err)
	}
	return stack, nil
}

// parametersOf returns a link's parameters for CreateStack or UpdateStack.
func parametersOf(l quickcreate.Link, previous bool) []types.Parameter {
	var all []types.Parameter
	for key, value := range l.Parameters {
		p := types.Parameter{ParameterKey: &key}
		if previous {
			p.UsePreviousValue = &previous
		} else {
			p.ParameterValue = &value
		}
		all = append(all, p)
	}
	return all
}
