// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// settings are the options of the code that runs the provider, as opposed to its
// configuration.
type settings struct {
	version      string
	now          func() time.Time
	pollInterval time.Duration // how often a waiting apply reads the registry
	hub          []hub.Option
}

// session is what the resources and data sources of one configured provider share:
// their AWS clients, and one [hubview.View] for each hub.
type session struct {
	settings settings

	// unconfigured names a provider argument that has no value yet, so that there are
	// no clients; empty if there are.
	unconfigured string
	clients      *awsclient.Clients

	console        string // launch links begin with it; empty: the AWS console
	proveOnRefresh bool   // prove registered roles again when they are read
	defaultTags    map[string]string
	tagsUnknown    bool // default_tags has values that this plan doesn't know

	// shared is set if several operations use the session, and none of them announces
	// itself. `terraform test` (1.13 and later) configures a provider block of a test
	// file once, for the plans and applies of all its runs (1.16.4:
	// nodeExternalProvider). Then reads begin an operation, and what is planned twice may
	// be the plan and the apply of one resource.
	shared bool

	mu      sync.Mutex
	running int // number of reads and plans that are running
	operation
}

// operation is what a session knows of the current operation.
type operation struct {
	parallel bool // two reads or plans have been running at the same time
	views    map[string]*hubview.View
	read     map[string]bool // resources of a shared session that were read
	newLinks map[string]int  // by customer: new links in hubs whose name isn't known
	fleets   *hubview.Fleets // in hubs whose name isn't known
}

func newSession(s settings) *session {
	return &session{settings: s, operation: newOperation()}
}

func newOperation() operation {
	return operation{views: map[string]*hubview.View{}, read: map[string]bool{}, newLinks: map[string]int{}, fleets: hubview.NewFleets()}
}

// begin discards what the session has read, planned and counted, for the next
// operation.
func (s *session) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.operation = newOperation()
}

// fleetsOfUnnamedHubs returns the fleets in hubs whose name isn't known.
func (s *session) fleetsOfUnnamedHubs() *hubview.Fleets {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fleets
}

// connect creates the clients of a configuration whose values are all known.
func (s *session) connect(ctx context.Context, model providerModel) diag.Diagnostics {
	diags := model.validateAccounts()
	config, console, d := model.expand(ctx, s.settings.version)
	diags.Append(d...)
	if s.tagsUnknown = !fullyKnown(model.DefaultTags); !s.tagsUnknown && !model.DefaultTags.IsNull() {
		var tags defaultTagsModel
		diags.Append(model.DefaultTags.As(ctx, &tags, basetypes.ObjectAsOptions{})...)
		diags.Append(tags.Tags.ElementsAs(ctx, &s.defaultTags, false)...)
		if tags.Tags.IsNull() {
			diags.AddAttributeWarning(path.Root("default_tags"), "default_tags has no tags",
				"Tags belong in its attribute tags, as in default_tags = { tags = { team = \"intake\" } }; Terraform silently leaves out every other name. No tag is set by default.")
		}
	}
	if diags.HasError() {
		return diags
	}
	clients, found := awsclient.Load(ctx, config)
	for _, d := range found {
		diags.Append(fromAWS(d))
	}
	s.clients, s.console, s.proveOnRefresh = clients, console, model.ProveOnRefresh.ValueBool()
	return diags
}

// ready reports whether the provider can call AWS. If it can't, because the provider's
// own configuration isn't known yet, a plan continues without AWS.
func (s *session) ready() bool { return s != nil && s.clients != nil }

// view returns this operation's view of a hub. All callers with the same name get the
// same view.
func (s *session) view(hubName string) (*hubview.View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if view, ok := s.views[hubName]; ok {
		return view, nil
	}
	view, err := hubview.New(hubName, hubview.Config{
		Clients: s.clients, Clock: s.settings.now, Console: s.console,
		ProveRoles: s.proveOnRefresh, PollInterval: s.settings.pollInterval, Hub: s.settings.hub,
	})
	if err != nil {
		return nil, err
	}
	s.views[hubName] = view
	return view, nil
}

// reads is plans for a resource that is being read. In a shared session the read begins
// the next operation if this one has written something, because an apply reads no
// resource, or if it has read the resource already.
func (s *session) reads(ctx context.Context, kind string, state tfsdk.State) (leave func()) {
	if s != nil && s.shared {
		var id types.String
		state.GetAttribute(ctx, path.Root("id"), &id)
		if resource := kind + " " + id.ValueString(); s.hasWritten() || s.hasRead(resource) {
			s.begin()
			s.hasRead(resource)
		}
	}
	return s.plans()
}

// hasRead records that a resource is being read, and reports whether this operation has
// read it before.
func (s *session) hasRead(resource string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.read[resource]
	s.read[resource] = true
	return before
}

// plans records that a resource is being read or planned, until the caller calls leave.
func (s *session) plans() (leave func()) {
	if s == nil {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running++
	s.parallel = s.parallel || s.running > 1
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
	}
}

// hasWritten reports whether this operation has written to a hub.
func (s *session) hasWritten() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, view := range s.views {
		if view.HasWritten() {
			return true
		}
	}
	return false
}

// inParallel reports whether two resources were read or planned at the same time. If
// not, Terraform may run with -parallelism=1.
func (s *session) inParallel() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parallel
}

// countNewLinks records a new link in a hub whose name isn't known, and returns how
// many have been recorded for the customer.
func (s *session) countNewLinks(customer string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newLinks[customer]++
	return s.newLinks[customer]
}

// isDuplicate reports whether a creation that was counted is the second one of an
// operation. In a shared session it may be the first one's apply.
func (s *session) isDuplicate(count int) bool { return count == 2 && !s.shared }

func (s *session) now() time.Time { return s.settings.now() }

// configured is embedded by every resource and data source. It takes the session from
// the provider.
type configured struct{ session *session }

func (c *configured) take(data any, diags *diag.Diagnostics) {
	if data == nil {
		return // validation only: the provider isn't configured
	}
	s, ok := data.(*session)
	if !ok {
		diags.AddError("Unexpected provider data type", fmt.Sprintf("Expected a session, got %T. Please report this.", data))
		return
	}
	c.session = s
}

// view returns this operation's view of a hub, for callers that need AWS; nil with a
// diagnostic if the provider can't call AWS.
func (c *configured) view(hubName string, diags *diag.Diagnostics) *hubview.View {
	if !c.requireReady(diags) {
		return nil
	}
	view, err := c.session.view(hubName)
	if err != nil {
		diags.Append(cannot("open", hubNamed(hubName), "", err))
		return nil
	}
	return view
}

// requireReady reports whether the provider can call AWS, and adds an error if it
// can't.
func (c *configured) requireReady(diags *diag.Diagnostics) bool {
	if c.session.ready() {
		return true
	}
	argument := "its configuration"
	if c.session != nil && c.session.unconfigured != "" {
		argument = c.session.unconfigured
	}
	diags.AddError("The provider is not configured yet", fmt.Sprintf(
		"The provider's %s is not known before apply, so nothing can be read from AWS now. "+
			"Give it a value that is known at plan, or apply what it depends on first (-target).", argument))
	return false
}

// fromAWS returns a finding about the configuration as a diagnostic, on its argument.
func fromAWS(d awsclient.Diagnostic) diag.Diagnostic {
	switch {
	case d.Attribute == "" && d.Warning:
		return diag.NewWarningDiagnostic(d.Summary, d.Detail)
	case d.Attribute == "":
		return diag.NewErrorDiagnostic(d.Summary, d.Detail)
	case d.Warning:
		return diag.NewAttributeWarningDiagnostic(path.Root(d.Attribute), d.Summary, d.Detail)
	}
	return diag.NewAttributeErrorDiagnostic(path.Root(d.Attribute), d.Summary, d.Detail)
}
