// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/hub/sets"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// A hub and a permission set of the command line equal the configuration, but Terraform
// does not manage them until they are imported. After Terraform's next change the command
// line no longer owns them.
func TestResourcesOfTheCommandLineMustBeImported(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	manager, err := hub.New(w.Clients, "acme", time.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	spec := hub.Spec{
		DisplayName: "Acme Monitoring", SupportURL: "https://acme.example/support", Regions: []account.Region{w.Clients.Region},
		PublisherScope: onboarding.KnownAccounts, TemplateAccess: onboarding.TemplatesPublic, ResponseTimeout: 15 * time.Minute,
		Capacity: hub.CustomersPerTopic, Shards: 1, Owner: onboarding.OwnerCommand,
		Incarnation: onboarding.Incarnation{ID: "of the command line"},
	}
	if _, _, err := manager.Put(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	set := permissionset.Set{Role: permissionset.Role{
		Path: "/", MaxSessionDuration: 3600, ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit"},
	}}
	service := sets.NewService(manager, onboarding.OwnerCommand, time.Now)
	if _, err := service.Put(t.Context(), sets.Order{Name: "readonly", Declared: set}); err != nil {
		t.Fatal(err)
	}

	s := newState(t, w)
	config := func(more ...string) string { return w.Provider() + hubHCL(more...) + setHCL("readonly") }
	refused := func(summary string) {
		t.Helper()
		if err := s.Run(t.Context(), config(), tfcore.Options{}).Err(); err == nil || !strings.Contains(err.Error(), summary) {
			t.Errorf("got %v, want %q", err, summary)
		}
	}
	refused("Hub acme is not Terraform's")
	if err := s.Import(t.Context(), config(), "xacct_hub.this", "acme").Err(); err != nil {
		t.Fatal(err)
	}
	refused("Permission set readonly of hub acme is not Terraform's")
	if err := s.Import(t.Context(), config(), setReadonly, "acme/readonly").Err(); err != nil {
		t.Fatal(err)
	}
	s.apply(hubHCL(`capacity = 1600`), setHCL("readonly", grants("s3:ListAllMyBuckets")))

	if _, _, err := manager.Put(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "belongs to Terraform") {
		t.Errorf("the command line changes the hub: %v", err)
	}
	if _, err := service.Put(t.Context(), sets.Order{Name: "readonly", Declared: set}); err == nil || !strings.Contains(err.Error(), "belongs to Terraform") {
		t.Errorf("the command line changes the set: %v", err)
	}

	// Adopted by the command line, they are kept when Terraform destroys its resources.
	if _, err := service.Put(t.Context(), sets.Order{Name: "readonly", Declared: set, Adopt: true}); err != nil {
		t.Fatal(err)
	}
	adopting := spec
	adopting.Adopt, adopting.Capacity, adopting.Shards = true, 1600, 2
	adopting.Incarnation.ID = "of the command line, once more"
	if _, _, err := manager.Put(t.Context(), adopting); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), config(`capacity = 1500`), tfcore.Options{}).Err(); err == nil || !strings.Contains(err.Error(), "Hub acme is not Terraform's") {
		t.Errorf("Terraform changes the hub: %v", err)
	}
	if err := s.Run(t.Context(), config(`capacity = 1600`), tfcore.Options{Destroy: true}).Err(); err != nil {
		t.Fatal(err)
	}
	record, err := manager.Registry().Hub(t.Context())
	if err != nil || record.Owner != onboarding.OwnerCommand {
		t.Errorf("after Terraform's destroy the hub belongs to %q (%v)", record.Owner, err)
	}
	if found, err := manager.Registry().PermissionSet(t.Context(), "readonly"); err != nil || found.Retired() || found.Owner != onboarding.OwnerCommand {
		t.Errorf("after Terraform's destroy the set is %+v (%v)", found, err)
	}
}
