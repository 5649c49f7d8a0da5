// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
)

// eventBus returns the declared event bus; zero if none is declared or it isn't known
// yet.
func (m hubModel) eventBus(diags *diag.Diagnostics) account.EventBusARN {
	text := m.EventBusARN.ValueString()
	if text == "" {
		return account.EventBusARN{}
	}
	bus, err := account.ParseEventBusARN(text)
	if err != nil {
		diags.AddAttributeError(path.Root("event_bus_arn"), "Invalid event bus ARN", sentence(err.Error()))
	}
	return bus
}

// checkEventBus refuses an event bus that the hub can't use. Apply checks whether the
// bus exists, because the same apply may create it.
func (p *hubPlan) checkEventBus() {
	clients := p.resource.session.clients
	err := hub.CheckEventBus(p.plan.eventBus(p.diags), clients.Account, clients.Region)
	if err != nil {
		p.diags.AddAttributeError(path.Root("event_bus_arn"), "Unusable event bus", sentence(err.Error()))
	}
}

// onEventBus puts d on the attribute event_bus_arn if err is about the bus.
func onEventBus(err error, d diag.Diagnostic) diag.Diagnostic {
	var bus *hub.EventBusError
	if errors.As(err, &bus) {
		return diag.WithPath(path.Root("event_bus_arn"), d)
	}
	return d
}
