// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func commands() Spec {
	s := spec()
	s.Owner, s.Incarnation = onboarding.OwnerCommand, onboarding.Incarnation{ID: "of the command"}
	return s
}

func TestAHubIsChangedAndDeletedOnlyByItsOwner(t *testing.T) {
	t.Parallel()
	w := newHub(t) // owned by Terraform
	refused := func(what string, err error, owner onboarding.Owner) {
		t.Helper()
		var owned *OwnedError
		if !errors.As(err, &owned) || owned.Owner != owner {
			t.Errorf("%s: got %v, want an OwnedError of %s", what, err, owner)
		}
	}
	before, err := w.registry.Hub(t.Context())
	w.must(err)
	_, _, err = w.Put(t.Context(), commands())
	refused("the command puts it", err, onboarding.OwnerTerraform)
	_, err = w.Update(t.Context(), commands())
	refused("the command updates it", err, onboarding.OwnerTerraform)
	_, _, err = w.CreateOrTakeOver(t.Context(), commands())
	refused("the command creates it", err, onboarding.OwnerTerraform)
	_, err = w.DeleteOwned(t.Context(), onboarding.OwnerCommand, false, true)
	refused("the command deletes it", err, onboarding.OwnerTerraform)
	refused("the command asks whether it may", w.MayDelete(t.Context(), onboarding.OwnerCommand, false, true), onboarding.OwnerTerraform)
	if after, err := w.registry.Hub(t.Context()); err != nil || after.Revision != before.Revision {
		t.Errorf("a refused change has written the record (%v)", err)
	}

	adopting := commands()
	adopting.Adopt = true
	_, preview, err := w.Put(t.Context(), adopting)
	w.must(err)
	record, err := w.registry.Hub(t.Context())
	w.must(err)
	if !preview.Adopts || record.Owner != onboarding.OwnerCommand || record.Incarnation.ID != "of the command" {
		t.Errorf("adopted, it belongs to %s with incarnation %q (%+v)", record.Owner, record.Incarnation.ID, preview)
	}
	_, err = w.Update(t.Context(), spec())
	refused("Terraform updates it", err, onboarding.OwnerCommand)
	_, _, err = w.CreateOrTakeOver(t.Context(), spec())
	refused("Terraform creates it", err, onboarding.OwnerCommand)
	imported := spec()
	imported.Adopt = true // as after an import, which takes the incarnation into the state
	_, err = w.Update(t.Context(), imported)
	w.must(err)
	_, err = w.DeleteOwned(t.Context(), onboarding.OwnerTerraform, false, false)
	w.must(err)
}

func TestPuttingAHubTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, preview, err := w.Put(t.Context(), commands())
	w.must(err)
	if preview.Exists {
		t.Error("the preview says that the hub exists")
	}
	mark := w.box.Journal().Mark()
	_, preview, err = w.Put(t.Context(), commands())
	w.must(err)
	if preview.HasChanges() {
		t.Errorf("the second time there is something to do: %+v", preview)
	}
	for call, n := range w.box.Journal().Counts(mark) {
		if !slices.ContainsFunc([]string{"Get", "Head", "List", "Describe", "BatchGet", "Query"}, func(reads string) bool {
			_, action, _ := strings.Cut(call, ":")
			return strings.HasPrefix(action, reads)
		}) {
			t.Errorf("the second time it made %d calls of %s", n, call)
		}
	}
	grown := commands()
	grown.Regions, grown.DisplayName = append(grown.Regions, ireland), "Acme Incorporated"
	preview, err = w.Preview(t.Context(), grown)
	w.must(err)
	if !slices.Equal(preview.Changes, []string{"display_name", "regions"}) {
		t.Errorf("it changes %v", preview.Changes)
	}
	w.linked("globex", globex)
	tight := commands()
	tight.Capacity = 0
	var small *CapacityError
	if _, err := w.Preview(t.Context(), tight); !errors.As(err, &small) || small.Used != 1 {
		t.Errorf("a capacity below the number of customers: %v", err)
	}
	if _, _, err := w.Put(t.Context(), grown); err != nil {
		t.Error(err)
	}
	if record, err := w.registry.Hub(t.Context()); err != nil || len(record.Regions) != 3 || record.State != registry.HubReady {
		t.Errorf("it has Regions %v (%v)", record.Regions, err)
	}
}
