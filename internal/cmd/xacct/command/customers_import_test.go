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
	"github.com/xacct/terraform-provider-xacct/internal/trial/terminal"
)

// TestAnInterruptedImportContinuesWhereItStopped also counts calls: customers whose
// links exist already cost none.
func TestAnInterruptedImportContinuesWhereItStopped(t *testing.T) {
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
	restore := w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Service == "sns" && c.Action == "SetTopicAttributes" { // records are written, permissions are not
			interrupt()
			return kernel.Errorf(http.StatusForbidden, "AuthorizationError", "on purpose")
		}
		return nil
	})
	_, err := run(ctx)
	restore()
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
			t.Errorf("nothing has changed, but there were %d calls of %s", n, call)
		}
	}
	if calls > all/2 {
		t.Errorf("40 customers with unchanged links cost %d calls", calls)
	}
	// Links whose import stopped between the record and the permission are
	// complete.
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

// TestNothingIsDoneIfALineOfAnImportIsWrong tries common mistakes. The message names
// the line, the customer and what to do.
func TestNothingIsDoneIfALineOfAnImportIsWrong(t *testing.T) {
	w, _ := screenWorld(t)
	const header = "customer_id,account_id,permission_set\ngood,700000000000,readonly\n"
	wide := func(column, value string) string {
		return "customer_id,account_id,permission_set," + column + "\ngood,700000000000,readonly,\nbad,700000000001,readonly," + value + "\n"
	}
	mark := w.box.Journal().Mark()
	for _, test := range []struct{ name, text, want string }{
		{"twice.csv", header + "good,700000000000,readonly\n", "twice.csv:3: customer good: is already in line 2"},
		{"zero.csv", header + "bad,70000000001,readonly\n", `zero.csv:3: customer bad: account_id: "70000000001" is not an AWS account ID: it has 12 digits, such as 012345678901, and a number loses its leading zeros`},
		{"power.csv", header + "bad,7.00000E+11,readonly\n", `power.csv:3: customer bad: account_id: "7.00000E+11" is not an AWS account ID`},
		{"id.csv", header + "b d,700000000001,readonly\n", `id.csv:3: customer_id "b d" is not a customer's ID: 1 to 64 letters`},
		{"no_id.csv", "account_id\n700000000000\n", "no_id.csv: the column customer_id is missing"},
		{"unknown.csv", "customer_id,account\ngood,700000000000\n", `unknown.csv: there is no column "account": columns are customer_id, permission_set, account_id`},
		{"external.csv", wide("external_id", "x"), `external.csv: there is no column "external_id"`},
		{"semicolons.csv", "customer_id;account_id\ngood;700000000000\n", "semicolons.csv: its columns have to be separated by commas"},
		{"columns.csv", "customer_id,account_id,account_id\ngood,700000000000,700000000001\n", "columns.csv: the column account_id appears twice"},
		{"short.csv", header + "bad,700000000001\n", "short.csv:3: customer bad: the line has 2 values, and the first line names 3 columns"},
		{"quotes.csv", header + "\"bad,700000000001,readonly\n", "quotes.csv: parse error on line 3"},
		{"latin1.csv", header + "b\xe4d,700000000001,readonly\n", "latin1.csv is not UTF-8"},
		{"region.csv", wide("region", "mars-east-1"), `region.csv:3: customer bad: Invalid Region: "mars-east-1" is not an AWS Region`},
		{"lacks.csv", wide("region", "ap-south-1"), "lacks.csv:3: customer bad: Region not in the hub: Region ap-south-1 is not a Region of hub acme: add it to the hub's regions, or choose one of eu-central-1, us-east-1"},
		{"stack.csv", wide("stack_name", "my stack"), "stack.csv:3: customer bad: Invalid stack name"},
		{"past.csv", wide("expires_at", "2020-01-31T00:00:00Z"), "past.csv:3: customer bad: expires_at is in the past: The link of customer bad would have expired at 2020-01-31T00:00:00Z"},
		{"date.csv", wide("expires_at", "2027-01-31"), `date.csv:3: customer bad: expires_at "2027-01-31" is not a time such as 2027-01-31T00:00:00Z`},
		{"ask.csv", wide("ask_account_id", "maybe"), `ask.csv:3: customer bad: ask_account_id "maybe" is neither true nor false`},
		{"metadata.csv", wide("metadata.", "gold"), "metadata.csv:3: customer bad: Invalid metadata"},
		{"set.csv", header + "bad,700000000001,unheard-of\n", "set.csv:3: customer bad: permission set unheard-of: the hub has no permission set of this name: `xacct permission-set list --hub acme` lists the existing ones"},
		{"account.csv", header + "bad,,readonly\n", "account.csv:3: customer bad: account_id is required"},
		{"empty.csv", "", "empty.csv: it is empty: the first line names the columns"},
		{"header.csv", "customer_id,account_id\n", "header.csv names no customer"},
		{"number.jsonl", `{"customer_id": "bad", "account_id": 700000000001}`, "number.jsonl:1: customer bad: account_id has to be in quotes: a number loses its leading zeros"},
		{"field.jsonl", `{"customer_id": "bad", "acount_id": "700000000001"}`, `field.jsonl:1: customer bad: there is no field "acount_id": fields are customer_id`},
		{"two.jsonl", `{"customer_id": "bad"} {}`, "two.jsonl:1: customer bad: there is more than one value in the line"},
		{"brace.jsonl", `{"customer_id": "bad"}}`, "brace.jsonl:1: customer bad: there is more than one value in the line"},
		{"half.jsonl", "\n{\n", "half.jsonl:2: each line must be one JSON object"},
	} {
		if err := writeFile(test.name, test.text); err != nil {
			t.Fatal(err)
		}
		got := outputOf(t, terminal.Look{}, []string{"customers", "import"}, test.name)
		if !strings.Contains(got, test.want) || strings.Contains(got, "command.") {
			t.Errorf("%s: told\n%s\nwant %s", test.name, got, test.want)
		}
	}
	for call, n := range w.box.Journal().Counts(mark) {
		if strings.Contains(call, "Write") || strings.Contains(call, "Set") || strings.Contains(call, "Put") || strings.Contains(call, "Update") {
			t.Errorf("there were %d calls of %s", n, call)
		}
	}
	for name, text := range map[string]string{
		"bom.csv":   "\xef\xbb\xbfcustomer_id,account_id,permission_set\r\nwindows,700000000002,readonly\r\n",
		"bom.jsonl": "\xef\xbb\xbf{\"customer_id\": \"windows\", \"account_id\": \"700000000002\", \"permission_set\": \"readonly\"}\r\n",
	} {
		if err := writeFile(name, text); err != nil {
			t.Fatal(err)
		}
		if got := outputOf(t, terminal.Look{}, []string{"customers", "import"}, name); !strings.Contains(got, "windows   700000000002  ") || strings.Contains(got, failed) {
			t.Errorf("%s, as on Windows: %s", name, got)
		}
	}
}
