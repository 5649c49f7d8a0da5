// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package lambda

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"
)

func TestEventsAreSentWithTheBatchAndSweptByTheSchedule(t *testing.T) {
	f := &fake{}
	flushed := 0
	h := &Handler{Registrar: f, Clock: time.Now, Flush: func(context.Context) { flushed++ }}
	handle(t, h, batch)
	if flushed != 1 {
		t.Errorf("traces were sent %d times with a batch", flushed)
	}
	if f.finished != 1 || f.swept != 0 {
		t.Errorf("after a batch: finished %d times, swept %d", f.finished, f.swept)
	}
	handle(t, h, `{"task":"beat"}`)
	if f.swept != 1 {
		t.Errorf("after a beat: swept %d times", f.swept)
	}
}

func TestSendingEventsNeverDelaysTheResponseOfABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{sending: time.Hour}
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := (&Handler{Registrar: f, Clock: time.Now}).Handle(ctx, json.RawMessage(batch))
		if took := time.Since(begun); err != nil || took != 29*time.Second {
			t.Errorf("%v, after %s", err, took)
		}
	})
}
