// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// fleetFindings are the problems of a fleet's customers. If many customers have the
// same problem, it shows a few of them and a count: a fleet may have 10,000.
type fleetFindings struct {
	shown []diag.Diagnostic
	rest  []string // customers whose errors are not shown
}

func newFindings() *fleetFindings { return &fleetFindings{} }

const findingsShown = 10

func (f *fleetFindings) add(customer string, all ...diag.Diagnostic) {
	for _, d := range all {
		if d.Severity() == diag.SeverityError && len(f.shown) >= findingsShown {
			f.rest = append(f.rest, customer)
			continue
		}
		f.shown = append(f.shown, d)
	}
}

func (f *fleetFindings) diagnostics() diag.Diagnostics {
	all := diag.Diagnostics(f.shown)
	if len(f.rest) > 0 {
		all.AddError(fmt.Sprintf("%d more %s of the fleet %s errors", len(f.rest), onboarding.Plural(len(f.rest), "customer", "customers"), onboarding.Plural(len(f.rest), "has", "have")), "They are not shown one by one: "+someOf(f.rest)+".")
	}
	return all
}
