// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// dieAfter makes every call of the vendor fail after alive calls that change something,
// until revive is called. Calls that only read need not be counted: a process that dies
// before one leaves the same as one that dies before the next change.
func dieAfter(w *acctest.World, alive int) (revive func()) {
	changes := 0
	return w.Faults().Before(func(c *kernel.Call) error {
		if c.Principal == nil || c.Principal.Service != "" {
			return nil // calls between AWS services don't fail
		}
		if !readOnly.MatchString(c.Action) {
			changes++
		}
		if changes > alive {
			return kernel.Errorf(400, "ValidationError", "the process has stopped")
		}
		return nil
	})
}

// readOnly matches actions that change nothing.
var readOnly = regexp.MustCompile(`^(Get|List|Head|Describe|Query|BatchGet)`)

// The process dies before its first change, then before its second, and so on.
func TestALinkUpdateThatStopsAtAnyCallIsCompletedByTheNextApply(t *testing.T) {
	t.Parallel()
	corrected := hubHCL() + linkHCL(customer{id: "globex", account: acctest.Initech})
	for alive := 0; ; alive++ {
		w := acctest.Start(t)
		s := state{tfcore.New(clocked(w)).Workspace(), t, w}
		s.apply(hubHCL() + linkHCL(globex))
		plan, found := s.Plan(t.Context(), w.Provider()+corrected, tfcore.Options{})
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
		revive := dieAfter(w, alive)
		died := s.Apply(t.Context(), plan).Err()
		revive()
		if died == nil && alive < 4 {
			t.Fatalf("the apply succeeded with %d changes, so nothing was tested", alive)
		}

		// Terraform keeps the old state, refreshes, and applies again. By then the
		// lease of the process that died has expired.
		w.Clock().Advance(time.Minute)
		s.apply(corrected)
		topic := "arn:aws:sns:us-east-1:111111111111:xacct-acme-0"
		out, err := w.Clients.SNS(w.Clients.Region).GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: &topic})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.Attributes["Policy"], acctest.Initech) {
			t.Errorf("after a stop at change %d and another apply, the new account may not publish", alive)
		}
		if !strings.Contains(out.Attributes["Policy"], acctest.Globex) {
			t.Errorf("after a stop at change %d and another apply, the old account may not publish its Delete", alive)
		}
		_ = w.Close()
		if died == nil || t.Failed() {
			return
		}
	}
}
