// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"reflect"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Declare returns the record that a hub has after the specification is applied to it,
// with the owner of the specification.
func (s Spec) Declare(record registry.HubRecord) registry.HubRecord {
	record.DisplayName = s.DisplayName
	record.SupportURL = s.SupportURL
	record.Regions = sortRegions(s.Regions)
	record.ResponseTimeout = s.ResponseTimeout
	record.PublisherScope = s.PublisherScope
	record.TemplateAccess = s.TemplateAccess
	record.Capacity = s.Capacity
	record.SkipSignatures = s.SkipSignatures
	record.EventBus, record.WebhookURL = s.EventBus, s.WebhookURL
	record.ConnectPage = s.ConnectPage
	record.Tags, record.KMSKey = s.Tags, s.KMSKey
	record.Owner = s.Owner
	return record.WithShards(s.Shards)
}

// DiffersFrom returns the Terraform names of the arguments in which a hub's record
// differs from the specification. The owner is not compared.
func (s Spec) DiffersFrom(record registry.HubRecord) []string {
	wanted := s.Declare(record)
	var names []string
	for _, c := range []struct {
		name string
		a, b any
	}{
		{"display_name", record.DisplayName, wanted.DisplayName},
		{"support_url", record.SupportURL, wanted.SupportURL},
		{"regions", sortRegions(record.Regions), wanted.Regions},
		{"publishers", record.PublisherScope, wanted.PublisherScope},
		{"template_access", record.TemplateAccess, wanted.TemplateAccess},
		{"response_timeout", record.ResponseTimeout, wanted.ResponseTimeout},
		{"capacity", record.Capacity, wanted.Capacity},
		{"verify_signatures", !record.SkipSignatures, !wanted.SkipSignatures},
		{"event_bus_arn", record.EventBus, wanted.EventBus},
		{"webhook_url", record.WebhookURL, wanted.WebhookURL},
		{"kms_key_arn", record.KMSKey, wanted.KMSKey},
	} {
		if !reflect.DeepEqual(c.a, c.b) {
			names = append(names, c.name)
		}
	}
	if !record.ConnectPage.Equal(wanted.ConnectPage) {
		names = append(names, "connect_page")
	}
	if len(record.Tags)+len(wanted.Tags) > 0 && !reflect.DeepEqual(record.Tags, wanted.Tags) {
		names = append(names, "tags")
	}
	return names
}

// CountInUse returns how many customers have an open link or a live stack.
func CountInUse(customers []onboarding.Customer) int {
	n := 0
	for _, c := range customers {
		if !c.Link.Closed || len(c.Live()) > 0 {
			n++
		}
	}
	return n
}
