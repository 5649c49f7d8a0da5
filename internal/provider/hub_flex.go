// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// spec returns the declaration as a hub.Spec. Everything that the model declares must
// be known.
func (m hubModel) spec(ctx context.Context, diags *diag.Diagnostics) hub.Spec {
	timeout, err := time.ParseDuration(m.ResponseTimeout.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("response_timeout"), "Invalid duration", sentence(err.Error()))
	}
	spec := hub.Spec{
		DisplayName:     m.DisplayName.ValueString(),
		SupportURL:      m.SupportURL.ValueString(),
		Regions:         regionsOf(ctx, m.Regions, path.Root("regions"), diags),
		PublisherScope:  onboarding.PublisherScope(m.Publishers.ValueString()),
		TemplateAccess:  onboarding.TemplateAccess(m.TemplateAccess.ValueString()),
		ResponseTimeout: timeout,
		Capacity:        int(m.Capacity.ValueInt64()),
		Shards:          hub.Shards(int(m.Capacity.ValueInt64())),
		SkipSignatures:  !m.VerifySignatures.ValueBool(),
		EventBus:        m.eventBus(diags),
		WebhookURL:      m.WebhookURL.ValueString(),
		KMSKey:          m.kmsKey(diags),
		ConnectPage:     connectPageOf(ctx, m.ConnectPage, diags),
	}
	diags.Append(m.TagsAll.ElementsAs(ctx, &spec.Tags, false)...)
	return spec
}

// flatten copies a hub's state into the model. Declared values keep their spelling:
// 900s remains 900s.
func (m *hubModel) flatten(ctx context.Context, state hub.State, defaults map[string]string, diags *diag.Diagnostics) {
	record := state.Record
	m.DisplayName = optional(record.DisplayName)
	m.SupportURL = optional(record.SupportURL)
	m.Regions = stringSet(ctx, regionNames(record.Regions), diags)
	m.Publishers = types.StringValue(string(record.PublisherScope))
	m.TemplateAccess = types.StringValue(string(record.TemplateAccess))
	if d, err := time.ParseDuration(m.ResponseTimeout.ValueString()); err != nil || d != record.ResponseTimeout {
		m.ResponseTimeout = types.StringValue(shortDuration(record.ResponseTimeout))
	}
	m.Capacity = types.Int64Value(int64(record.Capacity))
	m.VerifySignatures = types.BoolValue(!record.SkipSignatures)
	m.EventBusARN = optional(record.EventBus.String())
	m.WebhookURL = optional(record.WebhookURL)
	m.KMSKeyARN = optional(record.KMSKey.String())
	m.ConnectPage = flattenConnectPage(ctx, record.ConnectPage, m.ConnectPage, diags)
	if m.ForceDestroy.IsNull() {
		m.ForceDestroy = types.BoolValue(false)
	}
	var declared map[string]string
	diags.Append(m.Tags.ElementsAs(ctx, &declared, false)...)
	if own := ownTags(record.Tags, defaults, declared); len(own) > 0 || !m.Tags.IsNull() {
		m.Tags = stringMap(ctx, own, diags)
	}
	m.TagsAll = stringMap(ctx, record.Tags, diags)
	m.Drift = driftList(ctx, state.Defects, diags)
	m.hubComputedModel.flatten(ctx, state, diags)
}

func (m *hubComputedModel) flatten(ctx context.Context, state hub.State, diags *diag.Diagnostics) {
	record := state.Record
	m.ID = types.StringValue(record.Name)
	m.Region = types.StringValue(record.Region.String())
	m.AccountID = types.StringValue(record.Account.String())
	m.QueueURL = types.StringValue(record.QueueURL)
	m.QueueARN = types.StringValue(state.QueueARN)
	m.DeadLetterQueueARN = types.StringValue(state.DeadLetterQueueARN)
	m.TemplateBucket = types.StringValue(record.Bucket)
	m.TableName = types.StringValue(registry.TableName(record.Name))
	m.TopicARNs = stringMap(ctx, topicARNs(record), diags)
}

// driftList returns the attribute drift: one text for each defect.
func driftList(ctx context.Context, defects []hub.Defect, diags *diag.Diagnostics) types.List {
	texts := []string{}
	for _, defect := range defects {
		texts = append(texts, defect.String())
	}
	list, d := types.ListValueFrom(ctx, types.StringType, texts)
	diags.Append(d...)
	return list
}

// stateOf returns a hub's state according to its record, without reading its
// resources.
func stateOf(record registry.HubRecord) hub.State {
	queue := func(name string) string {
		return fmt.Sprintf("arn:%s:sqs:%s:%s:%s", record.Region.Partition(), record.Region, record.Account, name)
	}
	return hub.State{
		Record:             record,
		QueueARN:           queue(hub.QueueName(record.Name)),
		DeadLetterQueueARN: queue(hub.DeadLetterQueueName(record.Name)),
	}
}

// topicARNs returns the ARNs of the topics in a hub's record, by Region.
func topicARNs(record registry.HubRecord) map[string]string {
	topics := map[string]string{}
	for _, region := range record.Regions {
		topics[region.String()] = account.TopicARN{Region: region, Account: record.Account, Name: hub.TopicName(record.Name, 0)}.String()
	}
	return topics
}
