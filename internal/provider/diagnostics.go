// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Diagnostics that all resources share. A summary names what failed and for whom; the
// detail describes what to do; the original error comes last.

func hubNamed(hubName string) string { return "hub " + hubName }

func customerNamed(hubName, customer string) string {
	return fmt.Sprintf("customer %s of hub %s", customer, hubName)
}

// cannot returns the diagnostic for an operation that failed: cannot("create", "hub
// acme", "", err). Advice may be empty if the error itself describes what to do.
func cannot(do, what, advice string, err error) diag.Diagnostic {
	var missing *awsclient.PermissionError
	switch {
	case errors.Is(err, context.Canceled):
		advice = "The operation was interrupted. The next apply finishes it."
	case errors.As(err, &missing):
		advice = fmt.Sprintf("The provider's credentials lack a permission: allow %s to do %s on %s.", missing.Caller, missing.Action, missing.Resource)
	case errors.Is(err, registry.ErrNoHub):
		advice = "The hub does not exist in the provider's account and Region. Check the provider's region and credentials; " +
			"if the hub was deleted outside of Terraform, remove what belonged to it from the state with 'terraform state rm'."
	case errors.Is(err, registry.ErrConflict):
		advice = "Another process changed it at the same moment. Apply again."
	}
	return failure{diag.NewErrorDiagnostic(fmt.Sprintf("Could not %s %s", do, what), paragraphs(advice, err.Error()))}
}

// failure is the diagnostic for an operation that failed. All other errors are
// refusals.
type failure struct{ diag.ErrorDiagnostic }

// Equal reports whether other is a failure with the same text.
func (f failure) Equal(other diag.Diagnostic) bool {
	o, ok := other.(failure)
	return ok && f.ErrorDiagnostic.Equal(o.ErrorDiagnostic)
}

func paragraphs(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "\n\n")
}

// wrongPlace returns the error for a provider whose account or Region is not the
// hub's.
func wrongPlace(hub, what, provider, state string) diag.Diagnostic {
	return diag.NewErrorDiagnostic(fmt.Sprintf("Hub %s is in another %s", hub, what), fmt.Sprintf(
		"The hub was created in %s %s, but the provider is configured for %s. Nothing was changed. "+
			"Configure the provider for %s, or use a provider alias.", what, state, provider, state))
}

// noHub returns the error for a link or role whose hub doesn't exist.
func noHub(what, hub string) diag.Diagnostic {
	return diag.NewErrorDiagnostic(fmt.Sprintf("No hub for %s", what), fmt.Sprintf(
		"Hub %s does not exist in the provider's account and Region, so nothing is known of its customers. Nothing was removed from the state. "+
			"Check the provider's region and credentials; if the hub was deleted outside of Terraform, "+
			"remove its links and roles from the state with 'terraform state rm'.", hub))
}

// warnOfNoHub warns if the hub of a resource that will be created doesn't exist,
// unless this plan creates the hub. Otherwise the missing hub would be reported only
// when the apply fails.
func warnOfNoHub(view *hubview.View, what string, diags *diag.Diagnostics) {
	if view.Planned.HubAwaited() {
		return
	}
	diags.AddAttributeWarning(path.Root("hub"), fmt.Sprintf("No hub %s yet", view.Name), fmt.Sprintf(
		"There is no hub of this name in account %s and Region %s, so little is known of %s in the plan, and the apply fails if the hub still does not exist then. "+
			"If this configuration creates the hub, refer to it by its id, so that Terraform creates it first: hub = xacct_hub.example.id. "+
			"Otherwise check the name, and the provider's region and credentials.", view.Clients().Account, view.Clients().Region, what))
}

// noSuchHub returns the error for a data source whose hub doesn't exist.
func noSuchHub(view *hubview.View) diag.Diagnostic {
	return diag.NewErrorDiagnostic("No hub "+view.Name, fmt.Sprintf(
		"There is no hub of this name in account %s and Region %s. Check the name, and the provider's region and credentials.",
		view.Clients().Account, view.Clients().Region))
}

// noSuchCustomer returns the error for a data source or credentials whose customer
// doesn't exist.
func noSuchCustomer(hub, customer string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("customer_id"), fmt.Sprintf("No %s", customerNamed(hub, customer)),
		"The hub has no onboarding link for this customer. Create one with xacct_onboarding_link.")
}

func noRegistrar(p path.Path, hub string) diag.Diagnostic {
	detail := fmt.Sprintf("No registrar of hub %s has sent a heartbeat in the last five minutes. A customer's stack that phones home while no registrar runs "+
		"waits for its response timeout, and then fails; deleting one fails in the same way. "+
		"Run 'xacct registrar --hub %s', or set wait = true on the customer's role, so that the apply answers.", hub, hub)
	const summary = "No registrar is running for this hub"
	if p.Equal(path.Empty()) {
		return diag.NewWarningDiagnostic(summary, detail)
	}
	return diag.NewAttributeWarningDiagnostic(p, summary, detail)
}

func otherPartition(p path.Path, region account.Region, hub account.Partition) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(p, "Region in another partition", sentence(account.PartitionMismatch("Region "+region.String(), region.Partition(), hub)))
}

// explainToDestroy adds, to each refusal of a plan for an existing resource, how to
// destroy the resource nevertheless: Terraform plans the same change as a part of the
// refresh before a destroy. It leaves failures unchanged, because a destroy would meet
// them too.
func explainToDestroy(exists bool, diags *diag.Diagnostics) {
	if !exists {
		return
	}
	for i, d := range *diags {
		if _, failed := d.(failure); failed || d.Severity() != diag.SeverityError {
			continue
		}
		detail := paragraphs(d.Detail(), "To destroy the resource nevertheless, skip the refresh, which makes this plan: terraform destroy -refresh=false")
		if at, ok := d.(diag.DiagnosticWithPath); ok {
			(*diags)[i] = diag.NewAttributeErrorDiagnostic(at.Path(), d.Summary(), detail)
		} else {
			(*diags)[i] = diag.NewErrorDiagnostic(d.Summary(), detail)
		}
	}
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	first, size := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(first)) + s[size:]
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// someOf returns a few of many names.
func someOf(names []string) string { return onboarding.SomeOf(names) }
