// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// TestAnInterruptedImportContinuesWhereItWas also counts what the parts cost that are
// there already: no call for each.
func TestAnInterruptedImportContinuesWhereItWas(t *testing.T) {
	w, _ := screenWorld(t)
	const all = 40
	csv := "customer_id,account_id,permission_set\n"
	for i := range all {
		csv += fmt.Sprintf("c%02d,7000000000%02d,readonly\n", i, i)
	}
	if err := writeFile("all.csv", csv); err != nil {
		t.Fatal(err)
	}
	run := func(ctx context.Context) (printed string, err error) {
		var out strings.Builder
		root := newRootCommand(process{"test", scriptClock()})
		root.SetArgs([]string{"customers", "import", "all.csv"})
		root.SetOut(&out)
		root.SetErr(&out)
		err = root.ExecuteContext(ctx)
		return out.String(), err
	}

	ctx, interrupt := context.WithCancel(t.Context())
	mend := w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Service == "sns" && c.Action == "SetTopicAttributes" { // records are written, permissions are not
			interrupt()
			return kernel.Errorf(http.StatusForbidden, "AuthorizationError", "on purpose")
		}
		return nil
	})
	_, err := run(ctx)
	mend()
	if err == nil || !strings.Contains(oneLine(err), "of 40 customers: repeat the command") {
		t.Fatalf("the interrupted import ended with %v", err)
	}
	printed, err := run(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	created := strings.Count(printed, " created ")
	if created == 0 || created == all || !strings.Contains(printed, fmt.Sprintf("40 customers: %d created, %d unchanged.", created, all-created)) {
		t.Errorf("the second import printed\n%s", printed)
	}

	mark := w.box.Journal().Mark()
	if printed, err = run(t.Context()); err != nil || !strings.HasSuffix(printed, "40 customers: 40 unchanged.\n") {
		t.Errorf("%v\n%s", err, printed)
	}
	calls := 0
	for call, n := range w.box.Journal().Counts(mark) {
		if calls += n; strings.Contains(call, "Write") || strings.Contains(call, "Set") {
			t.Errorf("nothing has changed, and there were %d of %s", n, call)
		}
	}
	if calls > all/2 {
		t.Errorf("40 customers who are there cost %d calls", calls)
	}
	// What was interrupted between a record and its permission is complete.
	for _, region := range w.record.Regions {
		topic := account.TopicARN{Region: region, Account: w.record.Account, Name: hub.TopicName("acme", 0)}.String()
		out, err := w.clients.SNS(region).GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: &topic})
		if err != nil {
			t.Fatal(err)
		}
		for i := range all {
			if id := fmt.Sprintf("7000000000%02d", i); !strings.Contains(out.Attributes["Policy"], id) {
				t.Errorf("account %s may not publish in %s", id, region)
			}
		}
	}
}
