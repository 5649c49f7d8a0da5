// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// listHCL returns a list block for a resource, with arguments of the block and of its
// configuration.
func listHCL(resource, block string, config ...string) string {
	return fmt.Sprintf("\nlist %q \"all\" {\n  provider = xacct\n  %s\n  config {\n    hub = \"acme\"\n    %s\n  }\n}\n", resource, block, strings.Join(config, "\n    "))
}

// list returns the results of a list block, and its warnings.
func (s state) list(resource, block string, config ...string) ([]tfcore.Listed, tfcore.Diagnostics) {
	s.t.Helper()
	found, diagnostics := s.Query(s.t.Context(), s.w.Provider()+listHCL(resource, block, config...), "list."+resource+".all")
	if err := diagnostics.Err(); err != nil {
		s.t.Fatal(err)
	}
	return found, diagnostics
}

// displayNames returns the display names of results.
func displayNames(all []tfcore.Listed) string {
	var some []string
	for _, one := range all {
		some = append(some, one.DisplayName)
	}
	return strings.Join(some, ", ")
}

func TestAListedResourceEqualsItsImport(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	trusted := w.Role("acme-worker", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`)
	set := setHCL("readonly", strings.Replace(everything, "arn:aws:iam::111111111111:user/admin-role", trusted, 1))
	everything := hubHCL() + set + fleetHCL("main", []string{"umbrella=" + acctest.Umbrella}, `expires_at = "2099-01-01T00:00:00Z"`) +
		linkHCL(globex.with(`stack_name = "other"`, `role = { path = "/vendors/", inline_policies = { a = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }] }) } }`)) +
		referring(initech) + roleHCL(globex) + roleHCL(initech)
	s.apply(everything)

	for resource, ids := range map[string]map[string]string{
		"xacct_permission_set":  {"readonly": "acme/readonly"},
		"xacct_fleet":           {"main": "acme/main"},
		"xacct_onboarding_link": {"globex": "acme/globex", "initech": "acme/initech"},
		"xacct_customer_role":   {"globex": "acme/globex", "initech": "acme/initech", "umbrella": ""},
	} {
		listed, warnings := s.list(resource, "include_resource = true")
		if len(warnings) > 0 {
			t.Errorf("%s: %s", resource, warnings)
		}
		seen := map[string]map[string]any{}
		for _, one := range listed {
			name, _, _ := strings.Cut(one.DisplayName, " ")
			seen[name] = one.Attributes
			if id := one.Identity["hub"]; id != "acme" || one.Identity["name"] != name && one.Identity["customer_id"] != name {
				t.Errorf("%s %s is identified by %v", resource, name, one.Identity)
			}
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(ids)), slices.Sorted(maps.Keys(seen))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", resource, diff)
		}
		for name, id := range ids {
			if id == "" {
				continue // the configuration has no resource for it
			}
			fresh := newState(t, w)
			if err := fresh.Import(t.Context(), w.Provider()+everything, resource+"."+name, id).Err(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fresh.Attributes(resource+"."+name), seen[name]); diff != "" {
				t.Errorf("%s %s (-imported +listed):\n%s", resource, name, diff)
			}
		}
	}
}

func TestATruncatedListWarns(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	s.apply(hubHCL(), setHCL("readonly"), setHCL("other"), linkHCL(globex), linkHCL(initech), linkHCL(umbrella))
	for _, test := range []struct {
		resource, block string
		config          []string
		want, warning   string
	}{
		{"xacct_onboarding_link", "", nil, "globex, initech, umbrella", ""},
		{"xacct_onboarding_link", "limit = 3", nil, "globex, initech, umbrella", ""},
		{"xacct_onboarding_link", "limit = 2", nil, "globex, initech", "More links of hub acme exist"},
		{"xacct_onboarding_link", "limit = 1", []string{`customer_ids = ["umbrella", "initech"]`}, "initech", "More links of hub acme exist"},
		{"xacct_onboarding_link", "limit = 1", []string{`customer_ids = ["umbrella", "unheard-of"]`}, "umbrella", ""},
		{"xacct_onboarding_link", "", []string{`customer_ids = []`}, "", ""},
		{"xacct_onboarding_link", "", []string{`status = "expired"`}, "", ""},
		{"xacct_customer_role", "limit = 2\n  include_resource = true", nil, "globex (pending), initech (pending)", "More roles of hub acme exist"},
		{"xacct_customer_role", "limit = 1", []string{`status = "active"`}, "", ""},
		{"xacct_customer_role", "limit = 3", []string{`outdated = false`}, "globex (pending), initech (pending), umbrella (pending)", ""},
		{"xacct_permission_set", "limit = 1", nil, "other", "More permission sets of hub acme exist"},
	} {
		found, warnings := s.list(test.resource, test.block, test.config...)
		if got := displayNames(found); got != test.want || summaries(warnings) != test.warning {
			t.Errorf("%s %s %v: got %q and the warning %q, want %q and %q", test.resource, test.block, test.config, got, summaries(warnings), test.want, test.warning)
		}
	}
}

// A list has only what belongs to Terraform and is open. It costs two queries for all
// customers, and no call for each of them.
func TestAListExcludesOtherOwnersAndClosedLinks(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	there := hubHCL() + setHCL("readonly")
	s.apply(there, linkHCL(globex), linkHCL(initech), fleetHCL("main", []string{"umbrella=" + acctest.Umbrella}))
	s.apply(there, linkHCL(globex), fleetHCL("main", []string{"umbrella=" + acctest.Umbrella})) // initech's link is closed
	manager, err := hub.New(w.Clients, "acme", time.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := account.ParseID("555555555555")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := customers.NewService(manager, onboarding.OwnerAPI, time.Now).Put(t.Context(), customers.Order{CustomerID: "hooli", PermissionSet: "readonly", Account: id}); err != nil {
		t.Fatal(err)
	}
	mark := w.Journal().Mark()
	found, _ := s.list("xacct_onboarding_link", "")
	if got := displayNames(found); got != "globex" {
		t.Errorf("links: %s", got)
	}
	if counts, _ := w.Calls(mark); counts["dynamodb:Query"] > 3 || counts["dynamodb:GetItem"] > 3 {
		t.Errorf("a list of links makes the calls %v", counts)
	}
	found, _ = s.list("xacct_customer_role", "")
	if got := displayNames(found); got != "globex (pending), hooli (pending), umbrella (pending)" {
		t.Errorf("roles: %s", got)
	}
	s.apply(there, linkHCL(globex)) // the fleet is closed
	if found, _ = s.list("xacct_fleet", ""); len(found) > 0 {
		t.Errorf("fleets: %s", displayNames(found))
	}
}

func TestListingAMissingHubIsAnError(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	for _, resource := range []string{"xacct_permission_set", "xacct_fleet", "xacct_onboarding_link", "xacct_customer_role"} {
		found, diagnostics := s.Query(t.Context(), w.Provider()+listHCL(resource, ""), "list."+resource+".all")
		if got := summaries(diagnostics); got != "No hub acme" || len(found) > 0 {
			t.Errorf("%s: %q, %v", resource, got, found)
		}
	}
}
