// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// If all customers change at once, the vendor must be able to read the plan. No
// attribute of an existing link or role is unknown, each shows only what changes, and a
// warning that applies to all customers is not repeated for each.
func TestAPlanForFiveCustomersIsKnownAndShort(t *testing.T) {
	t.Parallel()
	const own, set = `role = { managed_policy_arns = ["arn:aws:iam::aws:policy/%s"] }`, refersToReadonly
	for name, c := range map[string]struct {
		declared string
		live     bool
		lines    int // the most that the whole plan may have
	}{
		"live, on a set":     {set, true, 175},
		"pending, on a set":  {set, false, 85},
		"live, own roles":    {own, true, 180},
		"pending, own roles": {own, false, 90},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := acctest.Start(t)
			s := newState(t, w)
			config := func(policy string) string {
				text := c.declared
				if strings.Contains(text, "%s") {
					text = fmt.Sprintf(text, policy)
				}
				return hubHCL() + setHCL("readonly", fmt.Sprintf(`managed_policy_arns = ["arn:aws:iam::aws:policy/%s"]`, policy)) + fmt.Sprintf(`
resource "xacct_onboarding_link" "all" {
  for_each    = { for n in range(5) : "c${n}" => "50000000000${n}" }
  hub         = xacct_hub.this.id
  customer_id = each.key
  account_id  = each.value
  %s
}
resource "xacct_customer_role" "all" {
  for_each = xacct_onboarding_link.all
  link     = each.value.id
}
`, text)
			}
			s.apply(config("SecurityAudit"))
			if c.live {
				stop := w.Registrar("acme")
				var launched []func() sandbox.Stack
				for n := range 5 {
					id := fmt.Sprintf("50000000000%d", n)
					if err := w.OpenAccount(id, "aws"); err != nil {
						t.Fatal(err)
					}
					launched = append(launched, w.Launch("acme", fmt.Sprintf("c%d", n), id, "CREATE_COMPLETE"))
				}
				for _, wait := range launched {
					wait()
				}
				stop()
				s.apply(config("SecurityAudit"))
			}
			p, found := s.Plan(t.Context(), w.Provider()+config("ReadOnlyAccess"), tfcore.Options{})
			if err := found.Err(); err != nil {
				t.Fatal(err)
			}
			lines := 0
			planned := map[string]any{} // update_command by address
			for _, ch := range p.Show().ResourceChanges {
				if ch.Change.Actions.NoOp() {
					continue
				}
				shown := printed(ch)
				lines += len(shown)
				if ch.Type != "xacct_onboarding_link" && ch.Type != "xacct_customer_role" {
					continue
				}
				if unknown, _ := ch.Change.AfterUnknown.(map[string]any); slices.Contains(slices.Collect(maps.Values(unknown)), any(true)) {
					t.Errorf("%s: unknown attributes: %v", ch.Address, unknown)
				}
				after := ch.Change.After.(map[string]any)
				planned[ch.Address] = after["update_command"]
				if command, _ := after["update_command"].(string); c.live && ch.Type == "xacct_onboarding_link" && !strings.Contains(command, "aws cloudformation update-stack") {
					t.Errorf("%s: update_command is %q", ch.Address, command)
				}
			}
			once := map[string]bool{}
			for _, d := range found { // Terraform shows only the first of the warnings with one summary, and the number of the others
				if !once[d.Summary] {
					lines += strings.Count(d.String(), "\n")
				}
				once[d.Summary] = true
			}
			if lines > c.lines {
				t.Errorf("the plan takes %d lines, and %d are allowed:\n%s", lines, c.lines, found)
			}
			t.Logf("%d lines", lines)
			if err := s.Apply(t.Context(), p).Err(); err != nil {
				t.Fatal(err)
			}
			next, found := s.Plan(t.Context(), w.Provider()+config("ReadOnlyAccess"), tfcore.Options{})
			if err := found.Err(); err != nil || !next.Empty() {
				t.Errorf("the next plan is not empty: %s %v", next, err)
			}
			for address, command := range planned {
				if is := s.Attributes(address)["update_command"]; is != command {
					t.Errorf("%s: the plan shows %v, and after the apply it is %v", address, command, is)
				}
			}
		})
	}
}

// printed returns the lines that Terraform prints for a change: one for each attribute
// that changes, or as many as its text has, and six around them.
func printed(ch *tfjson.ResourceChange) []string {
	before, _ := ch.Change.Before.(map[string]any)
	after, _ := ch.Change.After.(map[string]any)
	unknown, _ := ch.Change.AfterUnknown.(map[string]any)
	lines := make([]string, 6)
	for name, value := range after {
		if reflect.DeepEqual(before[name], value) && unknown[name] == nil {
			continue
		}
		line := fmt.Sprintf("%s = %v", name, value)
		lines = append(lines, strings.Split(line, "\n")...)
	}
	return lines
}
