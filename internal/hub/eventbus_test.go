// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func withBus(arn string) Spec {
	s := spec()
	s.EventBus = parse(account.ParseEventBusARN, arn)
	return s
}

func TestAHubRequiresAnExistingEventBusOfItsAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for arn, want := range map[string]string{
		"arn:aws:events:eu-central-1:222222222222:event-bus/default": "it belongs to account 222222222222",
		"arn:aws-cn:events:cn-north-1:111111111111:event-bus/own":    "nothing crosses partitions",
		"arn:aws:events:us-east-1:111111111111:event-bus/own":        "there is no such bus",
	} {
		_, err := w.Create(t.Context(), withBus(arn))
		var bus *EventBusError
		if !errors.As(err, &bus) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", arn, err, want)
		}
	}
	if _, err := w.Registry().Hub(t.Context()); !errors.Is(err, registry.ErrNoHub) {
		t.Errorf("a hub with an invalid bus left a record: %v", err)
	}
}

func TestAnEventBusCanBeSetChangedAndRemoved(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	is := func(s Spec, want string) {
		t.Helper()
		state, err := w.Update(t.Context(), s)
		w.must(err)
		if got := state.Record.EventBus.String(); got != want {
			t.Errorf("the hub's bus is %q, want %q", got, want)
		}
		read, err := w.Registry().EventBus(t.Context())
		w.must(err)
		if read.String() != want {
			t.Errorf("the registry's bus is %q, want %q", read, want)
		}
	}
	const standard, own = "arn:aws:events:eu-central-1:111111111111:event-bus/default", "arn:aws:events:us-east-1:111111111111:event-bus/own"
	is(withBus(standard), standard)
	_, err := w.Manager.clients.EventBridge(virginia).CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("own")})
	w.must(err)
	is(withBus(own), own)
	is(spec(), "")
}
