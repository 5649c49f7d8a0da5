// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// credentialsHCL opens a session and passes it to the echo provider, which is the only
// way to see a value that is in no plan and no state.
func credentialsHCL(name string, more ...string) string {
	return fmt.Sprintf(`
ephemeral "xacct_customer_credentials" "globex" {
  hub         = "acme"
  customer_id = "globex"
  %s
}

provider "echo" {
  data = ephemeral.xacct_customer_credentials.globex
}

resource "echo" %q {}
`, strings.Join(more, "\n  "), name)
}

// echoing returns the provider's factories and the echo provider's.
func echoing() map[string]tfcore.Factory {
	servers := factories()
	servers["echo"] = echoprovider.NewProviderServer()
	return servers
}

func opened(name, attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue("echo."+name, tfjsonpath.New("data").AtMapKey(attribute), want)
}

func TestCredentialsAreForTheCustomersRole(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	all := hubHCL() + linkHCL(globex) + roleHCL(globex, waits)
	rest, proving := w.Provider()+all, w.ProviderWith(acctest.Region, sandbox.VendorAccount, `prove_on_refresh = true`)+all
	var stack sandbox.Stack
	keys := map[string]*string{"access_key_id": new(string), "secret_access_key": new(string), "session_token": new(string)}
	checks := []statecheck.StateCheck{
		opened("first", "role_arn", is("arn:aws:iam::222222222222:role/acme-globex")),
		opened("first", "expiration", like(`^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)),
	}
	for attribute, at := range keys {
		checks = append(checks, opened("first", attribute, knownvalue.StringFunc(func(v string) error { *at = v; return nil })))
	}
	checks = append(checks, after(func() {
		if got := caller(t, w, keys); got != "arn:aws:sts::222222222222:assumed-role/acme-globex/ticket-4711" {
			t.Errorf("the session is %s", got)
		}
	}))
	narrow := `policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:GetCallerIdentity", Resource = "*" }] })`
	runWith(t, echoing(), []resource.TestStep{
		connected(w, &stack, rest),
		{
			Config:            rest + credentialsHCL("first", `session_name = "ticket-4711"`, `duration = "15m"`, narrow),
			ConfigStateChecks: checks,
		},
		{Config: rest + credentialsHCL("first", `duration = "2h"`), ExpectError: regexp.MustCompile(`(?s)assume the role of customer globex of hub acme.*choose\s+a\s+shorter\s+one`)},
		{Config: rest + credentialsHCL("first", `duration = "5m"`), ExpectError: regexp.MustCompile(`must be a duration between 15m and 12h`)},
		{Config: rest + credentialsHCL("first", `account_id = "333333333333"`), ExpectError: regexp.MustCompile(`has not been launched`)},
		{
			Config:      rest + credentialsHCL("first", `stack_id = "arn:aws:cloudformation:us-east-1:222222222222:stack/acme-access/0"`),
			ExpectError: regexp.MustCompile(`The\s+stack\s+of\s+customer\s+globex\s+of\s+hub\s+acme\s+was\s+replaced`),
		},
		{
			PreConfig:   func() { trustOnly(t, w, acctest.Initech) },
			Config:      rest + credentialsHCL("first"),
			ExpectError: regexp.MustCompile(`(?s)was proven, but\s+refuses\s+now`),
		},
		{Config: proving},
		{Config: rest + credentialsHCL("first"), ExpectError: regexp.MustCompile(`(?s)No active role of customer globex of hub acme.*has\s+been\s+degraded`)},
		{
			PreConfig:   func() { stop := w.Registrar("acme"); w.Leave(stack.ID); stop() },
			Config:      rest + credentialsHCL("first"),
			ExpectError: regexp.MustCompile(`(?s)No active role of customer globex of hub acme.*customer has\s+been\s+disconnected`),
		},
		{Config: rest}, // the test library refreshes and plans the last configuration again before it destroys
	}...)
}

func TestASessionHasTagsAndASourceIdentityIfTheLinkAllowsThem(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(allows string) string {
		return w.Provider() + hubHCL() + linkHCL(globex.with(allows)) + roleHCL(globex, waits)
	}
	const (
		allowed = "allow_session_tags = true\n  allow_source_identity = true"
		tagged  = `tags = { team = "blue", ticket = "4711" }`
		named   = `source_identity = "ann@acme.example"`
	)
	var asked url.Values // the parameters of the last AssumeRole with tags
	t.Cleanup(w.Faults().Before(func(c *kernel.Call) error {
		if form, err := url.ParseQuery(string(c.Body)); err == nil && c.Action == "AssumeRole" && form.Has("Tags.member.1.Key") {
			asked = form
		}
		return nil
	}))
	var stack sandbox.Stack
	runWith(t, echoing(), []resource.TestStep{
		connected(w, &stack, config("")),
		{Config: config("") + credentialsHCL("first", tagged), ExpectError: regexp.MustCompile(`(?s)refuses\s+this\s+session.*allow_session_tags`)},
		{Config: config("") + credentialsHCL("first", named), ExpectError: regexp.MustCompile(`(?s)refuses\s+this\s+session.*allow_source_identity`)},
		{Config: config(allowed)},
		{ // the customer has not updated the stack yet
			Config: config(allowed) + credentialsHCL("first", tagged), ExpectError: regexp.MustCompile(`(?s)has to update\s+the\s+stack`),
		},
		{
			PreConfig: func() { update(t, w, stack.ID, "globex") },
			Config:    config(allowed) + credentialsHCL("first", tagged, named, `transitive_tag_keys = ["team"]`),
			ConfigStateChecks: []statecheck.StateCheck{
				opened("first", "role_arn", is("arn:aws:iam::222222222222:role/acme-globex")),
				after(func() {
					for name, want := range map[string]string{
						"Tags.member.1.Key": "team", "Tags.member.1.Value": "blue", "Tags.member.2.Key": "ticket", "TransitiveTagKeys.member.1": "team", "SourceIdentity": "ann@acme.example",
					} {
						if got := asked.Get(name); got != want {
							t.Errorf("%s is %q, want %q", name, got, want)
						}
					}
				}),
			},
		},
		{Config: config(allowed) + credentialsHCL("first", tagged, `transitive_tag_keys = ["other"]`), ExpectError: regexp.MustCompile(`Invalid transitive tag key`)},
		{Config: config(allowed) + credentialsHCL("first", `source_identity = "a b"`), ExpectError: regexp.MustCompile(`Invalid source identity`)},
		{Config: config(allowed)},
	}...)
}

// caller returns the ARN that GetCallerIdentity reports for a session.
func caller(t *testing.T, w *acctest.World, keys map[string]*string) string {
	t.Helper()
	client := sts.New(sts.Options{
		Region: acctest.Region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(w.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(*keys["access_key_id"], *keys["secret_access_key"], *keys["session_token"]),
	})
	got, err := client.GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Error(err)
		return ""
	}
	return aws.ToString(got.Arn)
}

func TestCredentialsWaitForTheCustomerOfTheSameApply(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	rest := w.Provider() + hubHCL() + linkHCL(globex)
	journeyWith(t, echoing(), []resource.TestStep{
		{Config: rest},
		{Config: rest + credentialsHCL("early"), ExpectError: regexp.MustCompile(`(?s)No active role of customer globex of hub acme.*has not been launched`)},
		{
			PreConfig: func() { w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE") },
			Config:    rest + roleHCL(globex, waits) + credentialsHCL("late", `stack_id = xacct_customer_role.globex.stack_id`),
			ConfigStateChecks: []statecheck.StateCheck{
				opened("late", "secret_access_key", knownvalue.StringFunc(func(v string) error {
					if v == "" {
						return errors.New("the secret access key is empty")
					}
					return nil
				})),
			},
		},
	}...)
}
