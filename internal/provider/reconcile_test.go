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

// dieAfter lets the vendor's processes change so many things and no more, until
// revive is called. Dying before a call that only reads leaves the same as dying
// before the next one that does not.
func dieAfter(w *acctest.World, alive int) (revive func()) {
	changes := 0
	return w.Faults().Before(func(c *kernel.Call) error {
		if c.Principal == nil || c.Principal.Service != "" {
			return nil // AWS among itself does not die with us
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

// readOnly are the calls that change nothing.
var readOnly = regexp.MustCompile(`^(Get|List|Head|Describe|Query|BatchGet)`)

// TestALinkUpdateThatDiesAtAnyCallIsWholeAfterTheNextApply: the process dies
// before the first of its calls, then before the second, and so on.
func TestALinkUpdateThatDiesAtAnyCallIsWholeAfterTheNextApply(t *testing.T) {
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
			t.Fatalf("it got through with %d changes: nothing was tested", alive)
		}

		// Terraform keeps the state of before, refreshes, and applies again; the
		// lease of the process that died has run out by then.
		w.Clock().Advance(time.Minute)
		s.apply(corrected)
		topic := "arn:aws:sns:us-east-1:111111111111:xacct-acme-0"
		out, err := w.Clients.SNS(w.Clients.Region).GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: &topic})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.Attributes["Policy"], acctest.Initech) {
			t.Errorf("stopped after %d calls and applied again, the corrected account may not phone home", alive)
		}
		if !strings.Contains(out.Attributes["Policy"], acctest.Globex) {
			t.Errorf("stopped after %d calls and applied again, the account that was wrong may not delete its stack", alive)
		}
		_ = w.Close()
		if died == nil || t.Failed() {
			return
		}
	}
}
