// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Suspicious is the number of customers in a row with the same refusal from which on
// the cause is probably the vendor's side. Health rounds judge proofs by the same
// number.
const Suspicious = 3

// streak counts the customers with the same problem since the last customer without
// it. Only customers in the registry count: a message from an unknown sender raises
// no alarm.
type streak struct {
	mu        sync.Mutex
	customers map[string]bool
}

// maxRemembered limits the memory that a long outage takes: the number of entries in
// each of the maps that remember requests or customers.
const maxRemembered = 1000

// add counts a customer, and returns the new number of customers; 0 if the customer
// is already counted, or the ID is empty.
func (r *streak) add(customer string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if customer == "" || r.customers[customer] || len(r.customers) >= maxRemembered {
		return 0
	}
	if r.customers == nil {
		r.customers = map[string]bool{}
	}
	r.customers[customer] = true
	return len(r.customers)
}

// end resets the streak, and returns how many customers it had.
func (r *streak) end() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.customers)
	r.customers = nil
	return n
}

// countUndecidedRefusal counts an answer that CloudFormation's bucket refused although
// nothing shows that the request was forged. A single one may be chance, or a request
// that was signed with foreign keys. If the answers to several customers in a row are
// refused, the cause is between the vendor and the buckets, such as the policy of a
// VPC endpoint (aws-facts 12.11), and every stack will hang.
func (h *handling) countUndecidedRefusal(why *RefusedError) {
	n := h.answersRefused.add(h.answer.Change.CustomerID)
	if n == 0 {
		return
	}
	h.config.Observer.RefusedInARow(n)
	if n == Suspicious {
		h.config.Logger.Error("CloudFormation's buckets accept no answers: stacks will hang; check the network path to S3, such as the policy of a VPC endpoint or a proxy",
			"customers", n, "error", why)
	}
}

// answerAccepted ends the streak of refused answers.
func (h *handling) answerAccepted() {
	n := h.answersRefused.end()
	if n == 0 {
		return
	}
	if n >= Suspicious {
		h.config.Logger.Info("CloudFormation's buckets accept answers again")
	}
	h.config.Observer.RefusedInARow(0)
}

// roleRefused counts a stack that failed because its role could not be assumed. AWS
// returns the same error if the registrar itself lacks the permission (aws-facts
// 7.4), and then every customer reads that their role is at fault.
func (h *handling) roleRefused(customer string, why error) {
	n := h.rolesRefused.add(customer)
	if n == 0 {
		return
	}
	h.config.Observer.RolesRefusedInARow(n)
	if n == Suspicious {
		h.config.Logger.Error("no role can be assumed: the stacks of several customers in a row have failed; check whether the registrar's own policy, or one of your organization, allows sts:AssumeRole on customers' roles",
			"customers", n, "error", why)
	}
}

// proved counts the result of a proof.
func (h *handling) proved(probe onboarding.Probe, proof onboarding.Proof) {
	h.config.Observer.Proved(proof)
	args := []any{"customer", probe.CustomerID, "role", probe.Role, "proof", proof.Outcome, "error", proof.Err}
	switch {
	case proof.MissingPermission != "":
		h.log.Warn("the role cannot be proven: the vendor lacks a permission", append(args, "missing", proof.MissingPermission)...)
	case proof.Outcome == onboarding.Inconclusive:
		h.log.Warn("the role cannot be proven: AWS did not say whether it can be assumed", args...)
	default:
		h.log.Debug("tried the role", args...)
	}
	if proof.Outcome != onboarding.Proven && proof.Outcome != onboarding.Open {
		return
	}
	if h.rolesRefused.end() > 0 { // an assumed role shows that the registrar has the permission
		h.config.Observer.RolesRefusedInARow(0)
	}
}
