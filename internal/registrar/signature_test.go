// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

func TestAMessageWithoutSNSsSignatureIsADeadLetterWithAReason(t *testing.T) {
	f := newFake(t)
	f.sign = func([]byte) error {
		return fmt.Errorf("%w: its certificate is another service's", phonehome.ErrForged)
	}
	d := f.registrar().Handle(context.Background(), f.request("Create", "s1", "r1", "c1", nil))
	if d.Action != DeadLetter || !strings.Contains(d.Reason, "another service's") {
		t.Errorf("%+v", d)
	}
	if len(f.tried) != 0 || len(f.answers) != 0 {
		t.Errorf("%d answers sent, %d stored", len(f.tried), len(f.answers))
	}
}

func TestAnUnavailableCertificateIsRetriedAndNeverAccepted(t *testing.T) {
	f := newFake(t)
	r, ctx := f.registrar(), context.Background()
	f.sign = func([]byte) error { return errors.New("no route to host") }
	body := f.request("Create", "s1", "r1", "c1", nil)
	if d := r.Handle(ctx, body); d.Action != Retry || len(f.tried) != 0 {
		t.Errorf("%+v, %d answers", d, len(f.tried))
	}
	gone := f.request("Delete", "s2", "r2", "c2", nil)
	if d := r.Handle(ctx, gone); d.Action != Retry || len(f.accepted["r2"]) != 1 || f.accepted["r2"][0].Status != phonehome.Success {
		t.Errorf("got %+v, %+v, want a Delete to be answered at once", d, f.accepted["r2"])
	}
	f.now = noon.Add(14*time.Minute + time.Second)
	if d := r.Handle(ctx, body); d.Action != Retry || f.accepted["r1"][0].Status != phonehome.Failed {
		t.Errorf("got %+v, %+v, want an answer in the last minute", d, f.accepted["r1"])
	}
	if len(f.answers) != 0 || len(f.regs) != 0 || len(f.stacks) != 0 {
		t.Errorf("something was written: %v %v %v", f.answers, f.regs, f.stacks)
	}
}

func TestARunningRegistrarFollowsTheHubsSignatureSetting(t *testing.T) {
	f := newFake(t)
	r := f.registrar()
	f.sign = func([]byte) error { return phonehome.ErrForged }
	f.hub.SkipSignatures = true // while the registrar runs
	if d := r.Handle(context.Background(), f.request("Create", "s1", "r1", "c1", nil)); d.Action != Done || len(f.regs) != 1 {
		t.Errorf("%+v, %d registrations", d, len(f.regs))
	}
}
