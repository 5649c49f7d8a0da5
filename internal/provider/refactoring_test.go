// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial/steps"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// Users rename, re-key, move, replace and share resources. No such change may close a
// link that is declared before and after, change its external ID or URL, or affect what
// its customer registered. 'make test-refactoring' runs the same table with Terraform
// and OpenTofu, and repeats each case whose result depends on Terraform's order.

// circumstance is the condition of a customer and their link during a refactoring.
type circumstance string

const (
	pending circumstance = "pending"
	live    circumstance = "live"
	expired circumstance = "expired"
	blocked circumstance = "blocked"
)

// layout describes how the customers are declared.
type layout struct {
	hub, links, roles string // resource names
	noHub             bool   // another workspace has the hub
	hubArguments      string
	count             bool   // count instead of for_each
	prefix            string // prefix of the for_each keys
	ids               string // prefix of the customer IDs; default "c"
	lifecycle         string // lifecycle arguments of the links
	linkProvider      string
	extra             string
}

var plain = layout{hub: "this", links: "customer", roles: "customer"}

func (l layout) with(change func(*layout)) layout {
	change(&l)
	return l
}

// id returns the ID of the n-th customer.
func (l layout) id(n int) string {
	if l.ids == "" {
		return fmt.Sprintf("c%02d", n)
	}
	return fmt.Sprintf("%s%02d", l.ids, n)
}

// link returns the address of the n-th customer's link.
func (l layout) link(n int) string {
	if l.count {
		return fmt.Sprintf("xacct_onboarding_link.%s[%d]", l.links, n)
	}
	return fmt.Sprintf("xacct_onboarding_link.%s[%q]", l.links, l.prefix+fmt.Sprintf("c%02d", n))
}

func (l layout) role(n int) string {
	return strings.Replace(l.link(n), "xacct_onboarding_link."+l.links, "xacct_customer_role."+l.roles, 1)
}

func accountOf(n int) string { return fmt.Sprintf("5000000000%02d", n) }

// vendorHCL returns the hub and the permission set that some customers share.
func (l layout) vendorHCL() string {
	if l.noHub {
		return ""
	}
	return fmt.Sprintf(`
resource "xacct_hub" %q {
  name = "acme"
  %s
}

resource "xacct_permission_set" "shared" {
  hub                 = xacct_hub.%s.id
  name                = "shared"
  managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
}
`, l.hub, l.hubArguments, l.hub)
}

// hcl returns the configuration for customers in their circumstances. Live and blocked
// ones have the shared permission set, the others roles of their own.
func (l layout) hcl(all []circumstance) string {
	var b strings.Builder
	hubID, setID := `"acme"`, `"acme/shared"`
	b.WriteString(l.vendorHCL())
	if !l.noHub {
		hubID, setID = "xacct_hub."+l.hub+".id", "xacct_permission_set.shared.id"
	}
	b.WriteString("locals {\n  all = [\n")
	for n, is := range all {
		expires := "null"
		if is == expired {
			expires = `"2020-01-01T00:00:00Z"`
		}
		shares := is == live || is == blocked
		fmt.Fprintf(&b, "    { key = %q, id = %q, account = %q, expires = %s, shares = %t },\n", l.prefix+fmt.Sprintf("c%02d", n), l.id(n), accountOf(n), expires, shares)
	}
	b.WriteString("  ]\n}\n")
	many, each := `for_each = { for c in local.all : c.key => c }`, "each.value"
	roles, link := many, "xacct_onboarding_link."+l.links+"[each.key]" // not over the links, which are unknown while one is imported
	if l.count {
		many, each = "count = length(local.all)", "local.all[count.index]"
		roles, link = many, "xacct_onboarding_link."+l.links+"[count.index]"
	}
	provider := ""
	if l.linkProvider != "" {
		provider = "provider = " + l.linkProvider
	}
	fmt.Fprintf(&b, `
resource "xacct_onboarding_link" %q {
  %s
  %s
  hub         = %s
  customer_id = %s.id
  account_id  = %s.account
  expires_at  = %s.expires

  permission_set = %s.shares ? %s : null
  role           = %s.shares ? null : { managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"] }
  lifecycle {
    %s
  }
}

resource "xacct_customer_role" %q {
  %s
  link = %s.id
}
%s
`, l.links, many, provider, hubID, each, each, each, each, setID, each, l.lifecycle, l.roles, roles, link, l.extra)
	return b.String()
}

func move(from, to string) string {
	return fmt.Sprintf("moved {\n  from = %s\n  to   = %s\n}\n", from, to)
}

// refactoring is a change of a configuration.
type refactoring struct {
	before, after layout
	races         bool // the result may depend on Terraform's order
	options       tfcore.Options
	replace       bool // -replace for all links
	// between runs between the two configurations.
	between func(s *refactored)
	// instead runs instead of applying the second configuration.
	instead func(s *refactored)
	// moved is set if the second configuration has other customer IDs.
	moved bool
}

const cbd = "create_before_destroy = true"

func triggered(by int) string {
	return fmt.Sprintf("resource \"terraform_data\" \"trigger\" {\n  input = %d\n}\n", by)
}

var refactorings = map[string]refactoring{
	"rename without moved":        {before: plain, after: plain.with(func(l *layout) { l.links = "client" }), races: true},
	"rename without refresh":      {before: plain, after: plain.with(func(l *layout) { l.links = "client" }), races: true, options: tfcore.Options{NoRefresh: true}},
	"rename, one thing at a time": {before: plain, after: plain.with(func(l *layout) { l.links = "client" }), options: tfcore.Options{Parallelism: 1}},
	"rename with moved": {before: plain, after: plain.with(func(l *layout) {
		l.links, l.extra = "client", move("xacct_onboarding_link.customer", "xacct_onboarding_link.client")
	})},
	"keys of for_each":                              {before: plain, after: plain.with(func(l *layout) { l.prefix = "of-" }), races: true},
	"count to for_each":                             {before: plain.with(func(l *layout) { l.count = true }), after: plain, races: true},
	"-replace":                                      {before: plain, after: plain, replace: true, races: true},
	"-replace, one thing at a time":                 {before: plain, after: plain, replace: true, options: tfcore.Options{Parallelism: 1}},
	"-replace, created first":                       {before: plain.with(func(l *layout) { l.lifecycle = cbd }), after: plain.with(func(l *layout) { l.lifecycle = cbd }), replace: true, races: true},
	"-replace, created first for what refers to it": {before: plain.with(downstream), after: plain.with(downstream), replace: true, races: true},
	"taint":                          {before: plain, after: plain, between: (*refactored).taintAll, races: true},
	"taint with another customer_id": {before: plain, after: plain.with(func(l *layout) { l.ids = "d" }), between: (*refactored).taintAll, moved: true},
	"replace_triggered_by":           {before: plain.with(trigger(1)), after: plain.with(trigger(2)), races: true},
	"state rm":                       {before: plain, after: plain, between: (*refactored).forgetAll},
	"state rm and import":            {before: plain, after: plain, between: func(s *refactored) { s.forgetAll(); s.importAll() }},
	"the role alone, with moved": {before: plain, after: plain.with(func(l *layout) {
		l.roles, l.extra = "client", move("xacct_customer_role.customer", "xacct_customer_role.client")
	})},
	"the role alone, without moved":   {before: plain, after: plain.with(func(l *layout) { l.roles = "client" })},
	"the hub":                         {before: plain, after: plain.with(func(l *layout) { l.hub = "intake" }), races: true},
	"the hub, one thing at a time":    {before: plain, after: plain.with(func(l *layout) { l.hub = "intake" }), options: tfcore.Options{Parallelism: 1}},
	"the hub, with force_destroy":     {before: plain.with(forced), after: plain.with(func(l *layout) { forced(l); l.hub = "intake" }), races: true},
	"the hub, with moved":             {before: plain, after: plain.with(func(l *layout) { l.hub, l.extra = "intake", move("xacct_hub.this", "xacct_hub.intake") })},
	"another alias of the provider":   {before: plain, after: plain.with(func(l *layout) { l.linkProvider = "xacct.other" })},
	"a second workspace":              {before: plain, after: plain, instead: func(s *refactored) { s.share() }},
	"a second workspace that has it":  {before: plain, after: plain, instead: func(s *refactored) { s.share().destroy(); s.apply() }},
	"a second workspace, first gone":  {before: plain, after: plain, instead: (*refactored).leaveToSecond},
	"closed elsewhere and planned":    {before: plain, after: plain, between: (*refactored).closeAll},
	"the whole module, in two halves": {before: plain, after: plain.with(func(l *layout) { l.links, l.roles, l.prefix = "client", "client", "of-" }), races: true},
}

func forced(l *layout) { l.hubArguments = "force_destroy = true" }

func downstream(l *layout) {
	l.extra = `
resource "terraform_data" "downstream" {
  for_each = xacct_onboarding_link.customer
  input    = each.value.url
  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [xacct_onboarding_link.customer]
  }
}
`
}

func trigger(by int) func(*layout) {
	return func(l *layout) {
		l.extra, l.lifecycle = triggered(by), "replace_triggered_by = [terraform_data.trigger]"
	}
}

// refactored is a run of a refactoring.
type refactored struct {
	*acctest.World
	t      *testing.T
	change refactoring
	with   steps.Runner
	ws     *steps.Workspace
	all    []circumstance
	were   map[int]onboarding.Customer
	urls   map[int]any
}

func (s *refactored) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// config returns a configuration in which the provider has an alias as well.
func (s *refactored) config(l layout) string {
	return s.Provider() + s.ProviderWith(acctest.Region, sandbox.VendorAccount, `alias = "other"`) + l.hcl(s.all)
}

func (s *refactored) customer(id string) onboarding.Customer {
	s.t.Helper()
	found, err := s.Registry("acme").Customer(s.t.Context(), id)
	s.must(err)
	return found
}

// begin applies the first configuration and puts the customers into their circumstances.
func (s *refactored) begin() {
	s.t.Helper()
	l := s.change.before
	config := s.config(l)
	s.must(s.ws.Apply(s.t.Context(), config, tfcore.Options{}))
	stop := s.Registrar("acme")
	var stacks []func() sandbox.Stack
	for n, is := range s.all {
		switch is {
		case live:
			s.must(s.OpenAccount(accountOf(n), "aws"))
			stacks = append(stacks, s.Launch("acme", l.id(n), accountOf(n), "CREATE_COMPLETE"))
		case blocked:
			link := s.customer(l.id(n)).Link
			link.Blocked, link.BlockedReason = true, "floods us"
			_, err := s.Registry("acme").UpdateLink(s.t.Context(), link)
			s.must(err)
		}
	}
	for _, wait := range stacks {
		wait()
	}
	stop()
	s.must(s.ws.Apply(s.t.Context(), config, tfcore.Options{})) // the state has the registrations now
	for n := range s.all {
		s.were[n] = s.customer(l.id(n))
		attributes, err := s.ws.Attributes(s.t.Context(), l.link(n))
		s.must(err)
		s.urls[n] = attributes["url"]
	}
}

// apply applies the second configuration.
func (s *refactored) apply() {
	s.t.Helper()
	o := s.change.options
	for n := range s.all {
		if s.change.replace {
			o.Replace = append(o.Replace, s.change.after.link(n))
		}
	}
	s.must(s.ws.Apply(s.t.Context(), s.config(s.change.after), o))
}

// end fails the test unless the next plan is empty and every customer has what they had
// before.
func (s *refactored) end() {
	s.t.Helper()
	l := s.change.after
	s.must(s.ws.Rest(s.t.Context(), s.config(l), tfcore.Options{}))
	for n := range s.all {
		before, now := s.were[n], s.customer(l.id(n))
		attributes, err := s.ws.Attributes(s.t.Context(), l.link(n))
		s.must(err)
		role, err := s.ws.Attributes(s.t.Context(), l.role(n))
		s.must(err)
		if now.Link.Closed {
			s.t.Errorf("the link of %s is closed", l.id(n))
		}
		if s.change.moved {
			if old := s.customer(s.change.before.id(n)); !old.Link.Closed || len(old.Registrations) != len(before.Registrations) {
				s.t.Errorf("the link of %s is open, or its registration is gone: %+v", old.Link.CustomerID, old)
			}
			continue
		}
		if now.Link.ExternalID != before.Link.ExternalID || attributes["external_id"] != before.Link.ExternalID.String() || role["external_id"] != before.Link.ExternalID.String() {
			s.t.Errorf("the external ID of %s was %s, and is %s; the states say %v and %v", l.id(n), before.Link.ExternalID, now.Link.ExternalID, attributes["external_id"], role["external_id"])
		}
		if attributes["url"] != s.urls[n] {
			s.t.Errorf("the URL of %s was %v, and is %v", l.id(n), s.urls[n], attributes["url"])
		}
		if now.Link.Blocked != before.Link.Blocked || now.Link.ExpiresAt != before.Link.ExpiresAt {
			s.t.Errorf("the link of %s was blocked or expired, and is not: %+v", l.id(n), now.Link)
		}
		if was, is := registrations(before), registrations(now); was != is {
			s.t.Errorf("the registration of %s was %s, and is %s", l.id(n), was, is)
		}
		if want := map[bool]string{true: "active", false: "pending"}[s.all[n] == live]; role["status"] != want {
			s.t.Errorf("the role of %s is %v, and should be %s", l.id(n), role["status"], want)
		}
	}
}

func registrations(c onboarding.Customer) string {
	var all []string
	for _, r := range c.Registrations {
		all = append(all, fmt.Sprint(r.Stack, " ", r.Role, " ", r.Status, " ", r.ExternalID))
	}
	return strings.Join(all, "; ")
}

func (s *refactored) taintAll() {
	for n := range s.all {
		s.must(s.ws.Taint(s.t.Context(), s.change.before.link(n)))
	}
}

func (s *refactored) forgetAll() {
	for n := range s.all {
		s.must(s.ws.Remove(s.t.Context(), s.change.before.link(n)))
	}
}

func (s *refactored) importAll() {
	l := s.change.before
	for n := range s.all {
		s.must(s.ws.Import(s.t.Context(), s.config(l), l.link(n), "acme/"+l.id(n)))
	}
}

func (s *refactored) closeAll() {
	for n := range s.all {
		link := s.customer(s.change.before.id(n)).Link
		link.Closed = true
		_, err := s.Registry("acme").UpdateLink(s.t.Context(), link)
		s.must(err)
	}
}

// second is another workspace on the same hub.
type second struct {
	*refactored
	ws *steps.Workspace
	l  layout
}

// share declares the same links in another workspace, which then owns them.
func (s *refactored) share() second {
	s.t.Helper()
	other := second{s, steps.Open(s.t, s.with), s.change.after.with(func(l *layout) { l.noHub = true })}
	s.must(other.ws.Apply(s.t.Context(), s.config(other.l), tfcore.Options{}))
	s.must(other.ws.Rest(s.t.Context(), s.config(other.l), tfcore.Options{}))
	s.must(s.ws.Rest(s.t.Context(), s.config(s.change.after), tfcore.Options{})) // a warning only
	return other
}

func (s second) destroy() {
	s.t.Helper()
	s.must(s.ws.Apply(s.t.Context(), s.config(s.l), tfcore.Options{Destroy: true}))
}

// leaveToSecond shares the links and removes them from the first workspace, which must
// close none.
func (s *refactored) leaveToSecond() {
	s.t.Helper()
	other := s.share()
	hubOnly := s.Provider() + s.change.after.vendorHCL()
	s.must(s.ws.Apply(s.t.Context(), hubOnly, tfcore.Options{}))
	s.must(s.ws.Rest(s.t.Context(), hubOnly, tfcore.Options{}))
	s.ws, s.change.after = other.ws, other.l
}

// allCustomers returns twelve customers, three in each circumstance.
func allCustomers() []circumstance {
	var all []circumstance
	for range 3 {
		all = append(all, pending, live, expired, blocked)
	}
	return all
}

func TestNoRefactoringClosesALink(t *testing.T) {
	t.Parallel()
	sizes := map[string][]circumstance{"a dozen": allCustomers()}
	for _, is := range []circumstance{pending, live, expired, blocked} {
		sizes["one, "+string(is)] = []circumstance{is}
	}
	with := steps.InProcess(inProcess)
	if withEngine() {
		with = steps.Engine(acctest.Engine(t), factories())
	}
	for name, c := range refactorings {
		for size, all := range sizes {
			unused := size == "one, pending" && strings.HasPrefix(name, "the hub") // without a live stack its deletion would not be refused
			if size != "a dozen" && !unused && os.Getenv(runsVariable) == "" {
				continue // the dozen has every circumstance
			}
			for run := range runsOf(c, size) {
				t.Run(fmt.Sprintf("%s/%s/%d", name, size, run+1), func(t *testing.T) {
					t.Parallel()
					s := &refactored{World: acctest.Start(t), t: t, change: c, with: with, ws: steps.Open(t, with), all: all, were: map[int]onboarding.Customer{}, urls: map[int]any{}}
					s.begin()
					if c.between != nil {
						c.between(s)
					}
					if c.instead != nil {
						c.instead(s)
					} else {
						s.apply()
					}
					s.end()
				})
			}
		}
	}
}

// With one operation at a time, the plan can't distinguish destroying a hub from giving
// it another address.
func TestAHubInUseIsNotDestroyedOneThingAtATime(t *testing.T) {
	t.Parallel()
	with := steps.InProcess(inProcess)
	s := &refactored{World: acctest.Start(t), t: t, change: refactoring{before: plain}, with: with, ws: steps.Open(t, with), all: []circumstance{live}, were: map[int]onboarding.Customer{}, urls: map[int]any{}}
	s.begin()
	for what, options := range map[string]tfcore.Options{"removed": {Parallelism: 1}, "destroyed": {Parallelism: 1, Destroy: true}} {
		err := s.ws.Apply(t.Context(), s.Provider(), options)
		if err == nil || !strings.Contains(err.Error(), "Hub acme is in use") {
			t.Errorf("%s: got %v, want that the hub is in use", what, err)
		}
		if record, err := s.Registry("acme").Hub(t.Context()); err != nil || record.State != registry.HubReady {
			t.Errorf("%s: the hub is %s (%v)", what, record.State, err)
		}
	}
}

// runsVariable is the environment variable with the number of runs of a case that
// races. If it is set, cases run with single customers too.
const runsVariable = "XACCT_REFACTORING_RUNS"

// runsOf returns how often a case runs: as often as runsVariable says if it races and
// has a dozen customers, or else once.
func runsOf(c refactoring, size string) int {
	runs, err := strconv.Atoi(os.Getenv(runsVariable))
	if err != nil || !c.races || size != "a dozen" {
		return 1
	}
	return runs
}

// The resources of a lost state are imported from the last to the first and from the
// first to the last. Afterwards the plan must be empty.
func TestALostStateIsImportedInAnyOrder(t *testing.T) {
	t.Parallel()
	with := steps.InProcess(inProcess)
	if withEngine() {
		with = steps.Engine(acctest.Engine(t), factories())
	}
	s := &refactored{World: acctest.Start(t), t: t, change: refactoring{before: plain, after: plain}, with: with, ws: steps.Open(t, with), all: []circumstance{pending, live}, were: map[int]onboarding.Customer{}, urls: map[int]any{}}
	s.begin()
	config := s.config(plain)
	type imported struct{ address, id string }
	all := []imported{{"xacct_hub.this", "acme"}, {"xacct_permission_set.shared", "acme/shared"}}
	for n := range s.all {
		all = append(all, imported{plain.link(n), "acme/" + plain.id(n)}, imported{plain.role(n), "acme/" + plain.id(n)})
	}
	for _, backwards := range []bool{false, true} {
		s.ws = steps.Open(t, with)
		if backwards {
			slices.Reverse(all)
		}
		for _, one := range all {
			s.must(s.ws.Import(t.Context(), config, one.address, one.id))
		}
		s.must(s.ws.Rest(t.Context(), config, tfcore.Options{}))
	}
}
