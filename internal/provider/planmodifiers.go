// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
)

// sameText keeps the state's text if the configuration's text means the same: a
// different spelling is not a change.
type sameText struct {
	what string // for the documentation: "times"
	same func(state, config string) bool
}

var _ planmodifier.String = sameText{}

func (s sameText) Description(context.Context) string {
	return s.what + " that mean the same are not a change"
}
func (s sameText) MarkdownDescription(ctx context.Context) string { return s.Description(ctx) }

func (s sameText) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.StateValue.IsNull() || req.PlanValue.IsNull() || req.PlanValue.IsUnknown() {
		return
	}
	if s.same(req.StateValue.ValueString(), req.PlanValue.ValueString()) {
		resp.PlanValue = req.StateValue
	}
}

// sameInstant keeps an RFC 3339 time that is the same instant, in any time zone.
func sameInstant() planmodifier.String {
	return sameText{"times", func(state, config string) bool {
		before, err := time.Parse(time.RFC3339, state)
		after, err2 := time.Parse(time.RFC3339, config)
		return err == nil && err2 == nil && before.Equal(after)
	}}
}

// sameDuration keeps a duration of the same length: 900s is 15m.
func sameDuration() planmodifier.String {
	return sameText{"durations", func(state, config string) bool {
		before, err := time.ParseDuration(state)
		after, err2 := time.ParseDuration(config)
		return err == nil && err2 == nil && before == after
	}}
}
