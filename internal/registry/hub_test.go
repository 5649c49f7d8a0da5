// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// comparable lets cmp compare the domain's parsed values.
var comparable = cmp.Options{
	cmp.Comparer(func(a, b account.ID) bool { return a == b }),
	cmp.Comparer(func(a, b account.Region) bool { return a == b }),
	cmp.Comparer(func(a, b account.RoleARN) bool { return a == b }),
	cmp.Comparer(func(a, b account.StackARN) bool { return a == b }),
	cmp.Comparer(func(a, b account.ExternalID) bool { return a == b }),
	cmp.Comparer(func(a, b account.OrganizationID) bool { return a == b }),
	cmp.Comparer(func(a, b registry.Key) bool { return bytes.Equal(a.Bytes(), b.Bytes()) }),
	cmpopts.EquateEmpty(),
}

func TestAHubIsReadAsItWasWritten(t *testing.T) {
	w := newHub(t)
	found, err := w.HubAndKey(t.Context())
	w.must(err)
	if diff := cmp.Diff(w.hub, found, comparable); diff != "" {
		t.Errorf("written and read differ (-written +read):\n%s", diff)
	}
}

func TestErrNoHubIsReturnedOnlyIfTableOrRecordDoesNotExist(t *testing.T) {
	t.Run("no table", func(t *testing.T) {
		w := newWorld(t)
		if _, err := w.Hub(t.Context()); !errors.Is(err, registry.ErrNoHub) {
			t.Errorf("got %v, want ErrNoHub", err)
		}
	})
	t.Run("no record", func(t *testing.T) {
		w := newWorld(t)
		w.must(w.EnsureTable(t.Context(), registry.TableSpec{}))
		if _, err := w.Hub(t.Context()); !errors.Is(err, registry.ErrNoHub) {
			t.Errorf("got %v, want ErrNoHub", err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		w := newHub(t)
		w.sandbox.Faults().Before(func(c *kernel.Call) error {
			return kernel.Errorf(400, "AccessDeniedException", "User is not authorized to perform: %s", c.Action)
		})
		if _, err := w.Hub(t.Context()); err == nil || errors.Is(err, registry.ErrNoHub) {
			t.Errorf("got %v, want an error that is not ErrNoHub", err)
		}
	})
}

func TestCreatingASecondHubChangesNeitherTheFirstNorItsKey(t *testing.T) {
	w := newHub(t)
	second := w.record()
	_, err := w.CreateHub(t.Context(), second)
	var exists *registry.HubExistsError
	if !errors.As(err, &exists) {
		t.Fatalf("got %v, want HubExistsError", err)
	}
	found, err := w.HubAndKey(t.Context())
	w.must(err)
	if !bytes.Equal(found.Key.Bytes(), w.hub.Key.Bytes()) || !bytes.Equal(exists.Existing.Key.Bytes(), w.hub.Key.Bytes()) {
		t.Error("the key of the hub changed")
	}
}

func TestUpdatingAHubRequiresTheCurrentRevision(t *testing.T) {
	w := newHub(t)
	mine, theirs := w.hub, w.hub
	theirs.DisplayName = "Acme Corp"
	theirs, err := w.UpdateHub(t.Context(), theirs)
	w.must(err)
	mine.DisplayName = "ACME"
	if _, err := w.UpdateHub(t.Context(), mine); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	found, err := w.HubAndKey(t.Context())
	w.must(err)
	if diff := cmp.Diff(theirs, found, comparable); diff != "" {
		t.Errorf("the first update did not stay (-want +got):\n%s", diff)
	}
}

func TestNothingPrintsTheHubsKey(t *testing.T) {
	w := newHub(t)
	var out bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		fmt.Fprintf(&out, format+"\n", w.hub)
		fmt.Fprintf(&out, format+"\n", w.hub.Key)
	}
	encoded, err := json.Marshal(map[string]any{"hub": w.hub, "key": w.hub.Key})
	w.must(err)
	out.Write(encoded)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("hub", "hub", w.hub, "key", w.hub.Key)
	}
	printed := out.String()
	secret := w.hub.Key.Bytes()
	for _, form := range []string{string(secret[:8]), hex.EncodeToString(secret[:8]), strings.Trim(fmt.Sprint(secret[:8]), "[]")} {
		if strings.Contains(strings.ToLower(printed), form) {
			t.Errorf("the key was printed as %q in:\n%s", form, printed)
		}
	}
}

func TestARecordOfANewerReleaseIsRefused(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	pk, sk := registry.LinkItem("globex")
	w.alter(pk, sk, "schema", number("3"))
	w.must(w.EnsureShard(t.Context(), registry.ShardList(0), w.hub.Regions))
	w.alter("SHARD#0", "SHARD", "schema", number("3"))
	w.alter("HUB", "HUB", "schema", number("3"))

	var newer *registry.NewerSchemaError
	if _, err := w.Hub(t.Context()); !errors.As(err, &newer) {
		t.Errorf("hub: got %v, want NewerSchemaError", err)
	}
	if _, err := w.Customers(t.Context()); !errors.As(err, &newer) {
		t.Errorf("customers: got %v, want NewerSchemaError", err)
	}
	if _, err := w.Shard(t.Context(), registry.ShardList(0)); !errors.As(err, &newer) {
		t.Errorf("shard: got %v, want NewerSchemaError", err)
	}
	if newer != nil && !strings.Contains(newer.Error(), "upgrade") {
		t.Errorf("the error does not say what to do: %v", newer)
	}
}

func TestALostResponseIsNotAConflict(t *testing.T) {
	w := newWorld(t)
	lose := func(action string) {
		w.sandbox.Faults().Add(kernel.FaultRule{Service: "dynamodb", Action: action, Kind: kernel.FaultLostAnswer, Next: 1})
	}
	w.must(w.EnsureTable(t.Context(), registry.TableSpec{}))
	lose("TransactWriteItems")
	hub, err := w.CreateHub(t.Context(), w.record())
	w.must(err)
	w.hub = hub
	lose("PutItem")
	hub.DisplayName = "Acme Corp"
	_, err = w.UpdateHub(t.Context(), hub)
	w.must(err)

	lose("TransactWriteItems")
	link, err := w.CreateLink(t.Context(), w.link("globex", "222222222222"))
	w.must(err)
	lose("TransactWriteItems")
	link.Closed = true
	_, err = w.UpdateLink(t.Context(), link)
	w.must(err)

	found, err := w.Customer(t.Context(), "globex")
	w.must(err)
	if found.Link.Revision != 2 || !found.Link.Closed {
		t.Errorf("got revision %d, closed %t; want 2, true", found.Link.Revision, found.Link.Closed)
	}
}

// If a record or key of another hub exists, neither is overwritten and no other half is
// written.
func TestAHubAndItsKeyAreCreatedAtomically(t *testing.T) {
	for what, left := range map[string]string{"the record": "HUB", "the key": "KEY"} {
		t.Run(what, func(t *testing.T) {
			w := newHub(t)
			gone := map[string]string{"HUB": "KEY", "KEY": "HUB"}[left]
			_, err := w.dynamo.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
				TableName: aws.String(w.Table()), Key: map[string]types.AttributeValue{"pk": text(gone), "sk": text(gone)},
			})
			w.must(err)
			before := w.item(left, left)
			second := w.record()
			second.DisplayName = "another one"
			if _, err := w.CreateHub(t.Context(), second); err == nil {
				t.Error("a hub was created")
			}
			if after := w.item(left, left); !reflect.DeepEqual(before, after) {
				t.Errorf("it was overwritten: %v", after)
			}
			if made := w.item(gone, gone); made != nil {
				t.Errorf("the other half was written: %v", made)
			}
		})
	}
}

func TestARegionThatWasNeverReadyHasNoPublishers(t *testing.T) {
	t.Parallel()
	virginia, ireland, oregon := region(t, "us-east-1"), region(t, "eu-west-1"), region(t, "us-west-2")
	hub := registry.HubRecord{Retirements: map[account.Region]registry.Retirement{ireland: {}}}
	hub.Regions, hub.Retiring = []account.Region{virginia}, []account.Region{ireland, oregon}
	if got := hub.PublishingRegions(); !slices.Equal(got, []account.Region{virginia, ireland}) {
		t.Errorf("%v take messages", got)
	}
}

func TestAnotherTableIDStartsTheRecovery(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	var hub registry.HubRecord // of a release without table IDs
	for _, step := range []struct {
		table      string
		recovering bool
	}{{"one", false}, {"one", false}, {"another", true}} {
		hub = hub.WithTableID(step.table, now)
		if hub.TableID != step.table || hub.Recovering(now) != step.recovering {
			t.Errorf("on table %s: %+v", step.table, hub)
		}
	}
	if hub = hub.WithTableID("another", now.Add(8*24*time.Hour)); hub.Recovering(now.Add(8 * 24 * time.Hour)) {
		t.Error("it is recovering for longer than a week")
	}
}
