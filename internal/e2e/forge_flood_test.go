// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// TestAFloodInOneCustomersNameCostsLittleAndDelaysNoOther sends forgeries for one
// customer's account, each for another invented stack, faster than they can be
// answered, and launches another customer's stack in between.
func TestAFloodInOneCustomersNameCostsLittleAndDelaysNoOther(t *testing.T) {
	t.Parallel()
	const flood = 200
	// How many times a message is received depends on the load of the machine: three
	// times and more were measured, and about twenty if forgeries waited for their turn.
	// An Update may be of a stack that is missing after a restore of the registry:
	// therefore a forger with the external ID makes the registrar try the role once.
	for kind, most := range map[string]cost{
		"Update": {receives: 6, calls: 18},
		"Delete": {receives: 6, calls: 9},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newForgeryTest(t)
			s.holdGenuineURLs(nil)
			before := len(s.registrar.Sent())
			f := forgery{Name: "a flood", Type: kind}
			var other served
			for i := range flood {
				if i == flood/2 {
					s.honest(s.invite())
					other = s.customers[0]
				}
				invented := fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/acme-access/%s", Frankfurt, s.victim.Account, newID())
				k := s.knows(s.victim, invented, stacktemplate.PhoneHomeLogicalID)
				text, err := f.message(k)
				s.Must(err)
				s.send(f, k, text)
			}
			var waited time.Duration
			s.reaches(other.stack, "CREATE_COMPLETE", &waited)
			s.Quiet()
			got := costOf(s.registrar.Sent()[before:], flood)
			t.Logf("%d forged %ss: each was received %.1f times and cost %.1f AWS calls, including those of one honest customer, who waited %s",
				flood, kind, got.receives, got.calls, waited.Round(time.Second))
			if got.receives > most.receives || got.calls > most.calls {
				t.Errorf("a forgery costs %+v, and may cost at most %+v", got, most)
			}
			if waited > 30*time.Second {
				t.Errorf("another customer waited %s", waited)
			}
			s.checkRegistrations()
			for _, problem := range s.problems {
				t.Error(problem)
			}
		})
	}
}

// cost is what one forgery costs on average.
type cost struct {
	receives float64 // receives of its message
	calls    float64 // AWS calls, without the receives
}

func costOf(sent []Exchange, forgeries int) (c cost) {
	for _, e := range sent {
		switch {
		case e.Action == "sqs:ReceiveMessage":
			c.receives += float64(len(received(e)))
		case e.Action != "":
			c.calls++
		}
	}
	return cost{c.receives / float64(forgeries), c.calls / float64(forgeries)}
}
