// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/deadletters"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

var _ action.ActionWithConfigure = (*redriveAction)(nil)

// redriveAction sends dead letters back, as xacct dead-letters redrive does.
type redriveAction struct{ actionBase }

type redriveModel struct {
	Hub   types.String `tfsdk:"hub"`
	Limit types.Int64  `tfsdk:"limit"`
}

func newRedriveAction() action.Action { return &redriveAction{} }

func (a *redriveAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_redrive_dead_letters"
}

func (a *redriveAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Sends messages that no registrar could handle back to the hub's queue, as `xacct dead-letters redrive` does. " +
			"The same request always gets the same answer, so a duplicate message does no harm. A message that still can't be handled comes back to the dead-letter queue with its reason.",
		Attributes: map[string]schema.Attribute{
			"hub": hubOfAction(),
			"limit": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.AtLeast(1)},
				MarkdownDescription: "Maximum number of messages to send back, in no particular order; default all.",
			},
		},
	}
}

func (a *redriveAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var config redriveModel
	view, record, ok := a.openAction(ctx, req, resp, &config, &config.Hub)
	if !ok {
		return
	}
	queue := deadletters.New(view.Clients().SQS(record.Region), record.DeadLetterQueueURL, record.QueueURL)
	told := 0
	sent, left, err := queue.RedriveSome(ctx, int(config.Limit.ValueInt64()), func(l deadletters.Letter) {
		if told++; told <= maxNamed {
			progress(resp, "sent %s", l.ID)
		}
	})
	letters, were := onboarding.Counted(len(sent), "dead letter"), onboarding.Plural(len(sent), "was", "were")
	switch {
	case err != nil:
		resp.Diagnostics.Append(cannot("send back the dead letters of", hubNamed(view.Name),
			"Those that were sent are no longer in the queue "+hub.DeadLetterQueueName(record.Name)+"; the others stay there.", err))
		progress(resp, "%s of hub %s %s sent back before the error.", letters, view.Name, were)
	case len(sent) == 0 && left == 0:
		progress(resp, "Hub %s has no dead letters.", view.Name)
	case left > 0:
		progress(resp, "%s of hub %s %s sent back; %d %s, because of the same text as one that was sent.", letters, view.Name, were, left, onboarding.Plural(left, "stays", "stay"))
	default:
		progress(resp, "%s of hub %s %s sent back.", letters, view.Name, were)
	}
}
