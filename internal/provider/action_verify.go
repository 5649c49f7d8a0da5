// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

var _ action.ActionWithConfigure = (*verifyAction)(nil)

// verifyAction proves the registered roles again, as xacct verify does.
type verifyAction struct{ actionBase }

type verifyModel struct {
	Hub         types.String `tfsdk:"hub"`
	CustomerID  types.String `tfsdk:"customer_id"`
	Concurrency types.Int64  `tfsdk:"concurrency"`
}

func newVerifyAction() action.Action { return &verifyAction{} }

func (a *verifyAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_verify_roles"
}

func (a *verifyAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	customer := customerOfAction()
	customer.Required, customer.Optional = false, true
	customer.MarkdownDescription = "Only this customer's roles, which are judged alone. Default: those of all customers."
	resp.Schema = schema.Schema{
		MarkdownDescription: "Proves the registered roles of a hub again, as `xacct verify` does: one `sts:AssumeRole` for each. A role that can no longer be assumed becomes `degraded`, with the reason; " +
			"a degraded one that passes the full proof again becomes `active`. The next refresh shows it.\n\n" +
			"A role that does not work is shown as progress and not as an error, because the customer has changed it. If three or more roles are refused and none of their kind works, it is an error: " +
			"the cause is then probably on the vendor's side, such as a lost `sts:AssumeRole`, and nothing is changed.",
		Attributes: map[string]schema.Attribute{
			"hub":         hubOfAction(),
			"customer_id": customer,
			"concurrency": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, 256)},
				MarkdownDescription: "Number of roles to try at once, 1 to 256; default 8.",
			},
		},
	}
}

func (a *verifyAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var config verifyModel
	view, record, ok := a.openAction(ctx, req, resp, &config, &config.Hub)
	if !ok {
		return
	}
	report := verifyReport{resp: resp}
	round := health.Config{
		Registry: view.Registry, Prover: registrar.NewProver(view.Clients(), record), Clock: view.Now,
		Concurrency: int(config.Concurrency.ValueInt64()), Awaited: &record.Hub, OnFinding: report.found,
	}
	if record.Recovering(view.Now()) {
		round.Restored = &record.Hub
	}
	findings, err := verify(ctx, round, config.CustomerID.ValueString())
	view.Forget()
	if err != nil {
		resp.Diagnostics.Append(cannotVerify(view, config.CustomerID.ValueString(), err))
	}
	report.end(view, findings)
	sendEvents(ctx, view, record, resp)
}

func verify(ctx context.Context, round health.Config, customer string) ([]health.Finding, error) {
	if customer != "" {
		return health.Customer(ctx, round, customer)
	}
	return health.Round(ctx, round)
}

// maxNamed is the maximum number of progress lines of an action that name a customer
// or a message, so that a log stays readable.
const maxNamed = 100

// progressInterval is the number of roles between two lines of progress.
const progressInterval = 500

// verifyReport shows a round's findings while it runs.
type verifyReport struct {
	resp         *action.InvokeResponse
	tried, shown int
}

// found shows a finding, unless the role works as before.
func (r *verifyReport) found(f health.Finding) {
	r.tried++
	reg := f.Registration
	changed := f.Before != reg.Status
	if f.Verdict != health.Works || changed {
		if r.shown++; r.shown <= maxNamed {
			line := fmt.Sprintf("Customer %s: role %s %s, %s", reg.CustomerID, reg.Role, verdicts[f.Verdict], reg.Status)
			if changed {
				line += fmt.Sprintf(" (was %s)", f.Before)
			}
			if why := f.Reason(); why != "" {
				line += ": " + why
			}
			progress(r.resp, "%s", oneLine(line))
		}
	}
	if r.tried%progressInterval == 0 {
		progress(r.resp, "%d roles were tried so far.", r.tried)
	}
}

// verdicts are the words for the results of a round for one role.
var verdicts = map[health.Verdict]string{
	health.Works: "works", health.Broken: "does not work", health.Unknown: "could not be verified",
	health.Withheld: "was refused", health.Moved: "was changed by the customer meanwhile",
}

// end reports the results of the round, and an error if the cause of its refusals is
// probably the vendor.
func (r *verifyReport) end(view *hubview.View, findings []health.Finding) {
	if r.shown > maxNamed {
		progress(r.resp, "%d more are not shown here: `xacct verify --hub %s` lists them.", r.shown-maxNamed, view.Name)
	}
	if len(findings) == 0 {
		if !r.resp.Diagnostics.HasError() {
			progress(r.resp, "No customer has a live stack: there is nothing to verify.")
		}
		return
	}
	count := func(v health.Verdict, one, many string) string {
		n := health.Count(findings, v)
		return fmt.Sprintf("%d %s", n, onboarding.Plural(n, one, many))
	}
	progress(r.resp, "%s: %s, %s, %s, %s.", onboarding.Counted(len(findings), "role"),
		count(health.Works, "works", "work"), count(health.Broken, "does not work", "do not work"),
		count(health.Unknown, "could not be verified", "could not be verified"),
		count(health.Moved, "was changed by its customer meanwhile", "were changed by their customers meanwhile"))
	if withheld := health.Count(findings, health.Withheld); withheld > 0 {
		r.resp.Diagnostics.AddError(fmt.Sprintf("%d of %s of hub %s %s refused, and none could be assumed", withheld, onboarding.Counted(len(findings), "role"), view.Name, onboarding.Plural(withheld, "was", "were")),
			"The cause is probably on the vendor's side, so nothing was changed. Allow the provider's principal sts:AssumeRole on the customers' roles. To prove one customer's roles regardless of the others, set customer_id.")
	}
}

func cannotVerify(view *hubview.View, customer string, err error) diag.Diagnostic {
	if customer == "" {
		return cannot("verify the roles of", hubNamed(view.Name), "", err)
	}
	return cannotChange("verify the roles of", view, customer, err)
}
