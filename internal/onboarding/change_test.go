// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

func TestATransitionHasTheOutcomeOfItsAnswer(t *testing.T) {
	s := newStory(t)
	_, create := s.send(phonehome.Create, first, nil)
	_, newer := s.send(phonehome.Create, second, nil)
	s.commit(newer)
	if got := Apply(s.snapshot(first), create, s.now).Outcome(create); got != OutcomeSuperseded {
		t.Errorf("a stack that committed after a newer one: %s", got)
	}
	s.does(phonehome.Delete, first, nil)
	if got := Apply(s.snapshot(first), create, s.now).Outcome(create); got != OutcomeOvertaken {
		t.Errorf("a Create that committed after its Delete: %s", got)
	}
	_, again := s.send(phonehome.Update, first, nil)
	if got := Apply(s.snapshot(first), again, s.now).Outcome(again); got != OutcomeStranger {
		t.Errorf("an answer that changes nothing: %s", got)
	}
}
