// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// set returns a permission set that is not written yet.
func (w *world) set(name, version string) onboarding.PermissionSet {
	return onboarding.PermissionSet{
		Hub: hubName, Name: name, RolePath: "/vendors/",
		TemplateVersion: version, TemplateURL: "https://bucket.s3.eu-central-1.amazonaws.com/templates/" + version + ".json",
		Declared:    []byte(`{"role":{"inline_policies":{"read":"` + strings.Repeat("x", 6000) + `"}}}`),
		Incarnation: onboarding.Incarnation{ID: "first", Since: w.clock.Now()},
		CreatedAt:   w.clock.Now(),
	}
}

// declared writes the permission set that set returns.
func (w *world) declared(name, version string) onboarding.PermissionSet {
	w.t.Helper()
	set, err := w.CreatePermissionSet(w.t.Context(), w.set(name, version))
	w.must(err)
	return set
}

// referring writes a link that refers to a permission set.
func (w *world) referring(customer, accountID string, set onboarding.PermissionSet) onboarding.Link {
	w.t.Helper()
	link, err := w.CreateLink(w.t.Context(), w.link(customer, accountID).WithSet(set))
	w.must(err)
	return link
}

// sizeOf returns the size of an item as DynamoDB counts it: names and values.
func sizeOf(item map[string]types.AttributeValue) int {
	size := 0
	for name, value := range item {
		size += len(name)
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			size += len(v.Value)
		case *types.AttributeValueMemberN:
			size += len(v.Value)
		}
	}
	return size
}

func TestAPermissionSetIsReadAsItWasWritten(t *testing.T) {
	w := newHub(t)
	written := w.declared("readonly", "v1")
	w.declared("billing", "v9")
	found, err := w.PermissionSet(t.Context(), "readonly")
	w.must(err)
	if diff := cmp.Diff(written, found, comparable); diff != "" {
		t.Errorf("written and read differ (-written +read):\n%s", diff)
	}
	all, err := w.PermissionSets(t.Context())
	w.must(err)
	if len(all) != 2 || all[0].Name != "billing" || all[1].Name != "readonly" {
		t.Errorf("the hub has the sets %v", all)
	}
	if _, err := w.PermissionSet(t.Context(), "other"); !errors.Is(err, registry.ErrNoPermissionSet) {
		t.Errorf("got %v, want ErrNoPermissionSet", err)
	}
}

func TestASecondPermissionSetOfANameIsRefusedWithTheExistingOne(t *testing.T) {
	w := newHub(t)
	first := w.declared("readonly", "v1")
	_, err := w.CreatePermissionSet(t.Context(), w.set("readonly", "v2"))
	var exists *registry.PermissionSetExistsError
	if !errors.As(err, &exists) {
		t.Fatalf("got %v, want PermissionSetExistsError", err)
	}
	if diff := cmp.Diff(first, exists.Existing, comparable); diff != "" {
		t.Errorf("the error holds another set (-want +got):\n%s", diff)
	}
}

func TestAPermissionSetIsWrittenOnlyOverTheCurrentRevision(t *testing.T) {
	w := newHub(t)
	stale := w.declared("readonly", "v1")
	newer := stale
	newer.TemplateVersion = "v2"
	_, err := w.UpdatePermissionSet(t.Context(), newer)
	w.must(err)
	if _, err := w.UpdatePermissionSet(t.Context(), stale); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

func TestALinkThatRefersToASetIsReadWithTheSetsValues(t *testing.T) {
	w := newHub(t)
	set := w.declared("readonly", "v1")
	written := w.referring("globex", "222222222222", set)
	if written.RoleName != "acme-globex" || written.RolePath != "/vendors/" || written.TemplateVersion != "v1" {
		t.Errorf("the link has role %s%s and version %s", written.RolePath, written.RoleName, written.TemplateVersion)
	}
	w.eachRead("globex", func(name string, found onboarding.Link) {
		if diff := cmp.Diff(written, found, comparable); diff != "" {
			t.Errorf("%s: written and read differ (-written +read):\n%s", name, diff)
		}
	})
}

// eachRead calls check with a customer's link, as each way of reading returns it.
func (w *world) eachRead(customer string, check func(string, onboarding.Link)) {
	w.t.Helper()
	one, err := w.Customer(w.t.Context(), customer)
	w.must(err)
	check("one", one.Link)
	all, err := w.Customers(w.t.Context())
	w.must(err)
	for _, c := range all {
		if c.Link.CustomerID == customer {
			check("all", c.Link)
		}
	}
	stack := stackARN(w.t, one.Link.Account.String(), "0001")
	snapshot, err := w.Load(w.t.Context(), phonehome.Request{Stack: stack, LogicalID: "PhoneHome", RequestID: "1", Properties: phonehome.Properties{ExternalID: one.Link.ExternalID.String()}}, onboarding.Snapshot{})
	w.must(err)
	check("a request", *snapshot.Link)
}

func TestAChangeOfASetIsOneWriteAndEveryLinkHasIt(t *testing.T) {
	w := newHub(t)
	set := w.declared("readonly", "v1")
	const customers = 30
	for n := range customers {
		w.referring(fmt.Sprintf("customer-%d", n), fmt.Sprintf("2222222222%02d", n), set)
	}
	mark := w.sandbox.Journal().Mark()
	set.TemplateVersion, set.RoleName = "v2", "acme"
	_, err := w.UpdatePermissionSet(t.Context(), set)
	w.must(err)
	writes := 0
	for _, call := range w.sandbox.Journal().Since(mark) {
		if strings.HasPrefix(call.Action, "Put") || strings.HasPrefix(call.Action, "Update") || strings.Contains(call.Action, "Write") {
			writes++
		}
	}
	if writes != 1 {
		t.Errorf("the change took %d writes, want 1", writes)
	}
	mark = w.sandbox.Journal().Mark()
	all, err := w.Customers(t.Context())
	w.must(err)
	for _, c := range all {
		if c.Link.TemplateVersion != "v2" || c.Link.RoleName != "acme" {
			t.Errorf("customer %s has version %s and role %s", c.Link.CustomerID, c.Link.TemplateVersion, c.Link.RoleName)
		}
	}
	if reads := len(w.sandbox.Journal().Since(mark)); len(all) != customers || reads > 2*registry.Spread+1 {
		t.Errorf("%d customers took %d calls, but their permission set must be read only once", len(all), reads)
	}
}

func TestALinksItemIsSmallHoweverLargeItsSet(t *testing.T) {
	w := newHub(t)
	set := w.declared("a-permission-set-with-a-long-name", "0123456789abcdef")
	for n := range 20 {
		set.TemplateVersion += fmt.Sprint(n)
		set.FormerTemplates = append(set.FormerTemplates, onboarding.FormerTemplate{Version: "v", URL: fmt.Sprintf("https://%d", n), RetiredAt: w.clock.Now()})
	}
	set, err := w.UpdatePermissionSet(t.Context(), set)
	w.must(err)
	customer := strings.Repeat("c", 64)
	link := w.link(customer, "222222222222")
	link.Declared = []byte(`{"stack_name":"acme-access","region":"us-east-1","expires_at":"2030-01-01T00:00:00Z"}`)
	link.ExpiresAt = w.clock.Now()
	link, err = w.CreateLink(t.Context(), link.WithSet(set))
	w.must(err)
	link.Blocked, link.BlockedAt = true, w.clock.Now()
	_, err = w.UpdateLink(t.Context(), link)
	w.must(err)
	if size := sizeOf(w.item(registry.LinkItem(customer))); size > 1024 || size < 300 {
		t.Errorf("the link's item has %d bytes, want at most 1 KB", size)
	}
}

func TestANewLinkRequiresASetThatExistsAndIsNotRetired(t *testing.T) {
	w := newHub(t)
	set := w.declared("readonly", "v1")
	globex := w.referring("globex", "222222222222", set)
	set.RetiredAt = w.clock.Now()
	set, err := w.UpdatePermissionSet(t.Context(), set)
	w.must(err)

	if _, err := w.CreateLink(t.Context(), w.link("initech", "333333333333").WithSet(set)); !errors.Is(err, registry.ErrPermissionSetRetired) {
		t.Errorf("a new link of a retired set: got %v, want ErrPermissionSetRetired", err)
	}
	none := w.set("other", "v1")
	if _, err := w.CreateLink(t.Context(), w.link("initech", "333333333333").WithSet(none)); !errors.Is(err, registry.ErrNoPermissionSet) {
		t.Errorf("a new link of no set: got %v, want ErrNoPermissionSet", err)
	}
	globex.Blocked = true
	globex, err = w.UpdateLink(t.Context(), globex)
	if err != nil {
		t.Errorf("a link that refers to it already could not be written: %v", err)
	}
	globex.Closed, globex.ClosedAt = true, w.clock.Now()
	globex, err = w.UpdateLink(t.Context(), globex)
	w.must(err)
	globex.Closed, globex.ClosedAt = false, time.Time{}
	if _, err := w.UpdateLink(t.Context(), globex); !errors.Is(err, registry.ErrPermissionSetRetired) {
		t.Errorf("a closed link was opened again: got %v, want ErrPermissionSetRetired", err)
	}
}

// A link stays in its own permission set even if that is retired.
func TestALinkMovesOnlyToASetThatIsNotRetired(t *testing.T) {
	w := newHub(t)
	first, second := w.declared("readonly", "v1"), w.declared("billing", "v9")
	globex := w.referring("globex", "222222222222", first)
	second.RetiredAt = w.clock.Now()
	second, err := w.UpdatePermissionSet(t.Context(), second)
	w.must(err)
	if _, err := w.UpdateLink(t.Context(), globex.WithSet(second)); !errors.Is(err, registry.ErrPermissionSetRetired) {
		t.Errorf("it moved to a retired set: got %v, want ErrPermissionSetRetired", err)
	}
	first.RetiredAt = w.clock.Now()
	_, err = w.UpdatePermissionSet(t.Context(), first)
	w.must(err)
	_, err = w.UpdateLink(t.Context(), globex)
	w.must(err)
}

func TestALinkWithALostSetIsAnErrorThatNamesBoth(t *testing.T) {
	w := newHub(t)
	w.referring("globex", "222222222222", w.declared("readonly", "v1"))
	_, err := w.dynamo.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: aws.String(w.Table()), Key: map[string]types.AttributeValue{"pk": text("SET#ALL"), "sk": text("NAME#readonly")},
	})
	w.must(err)
	_, err = w.Customer(t.Context(), "globex")
	if err == nil || !strings.Contains(err.Error(), "customer globex") || !strings.Contains(err.Error(), "permission set readonly") {
		t.Errorf("got %v", err)
	}
}
