// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import "sync"

// Suspicious is how many customers' answers must have been refused in a row to
// look like the vendor's own trouble. Health rounds judge proofs by the same
// number.
const Suspicious = 3

// refusals is a run of answers that CloudFormation's buckets did not take,
// though nobody can say that their requests were forged. One of them may be
// chance, or somebody who signs with keys of their own; if the answers to
// several customers in a row meet it, and none arrives, something stands
// between the vendor and the buckets, such as the policy of a VPC endpoint
// (aws-facts 12.11), and every stack will hang.
//
// Only customers that the registry knows count: a stranger's message alone
// raises no alarm.
type refusals struct {
	mu        sync.Mutex
	customers map[string]bool
}

// mostRemembered bounds what a long outage leaves in memory.
const mostRemembered = 1000

// add counts a refusal.
func (r *refusals) add(config Config, customer string, why *RefusedError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if customer == "" || r.customers[customer] || len(r.customers) >= mostRemembered {
		return
	}
	if r.customers == nil {
		r.customers = map[string]bool{}
	}
	r.customers[customer] = true
	config.Observer.RefusedInARow(len(r.customers))
	if len(r.customers) == Suspicious {
		config.Logger.Error("CloudFormation's buckets take no answers: stacks will hang; look at the network's way to S3, such as the policy of a VPC endpoint or a proxy",
			"customers", len(r.customers), "error", why)
	}
}

// taken ends the run.
func (r *refusals) taken(config Config) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.customers) == 0 {
		return
	}
	if len(r.customers) >= Suspicious {
		config.Logger.Info("CloudFormation's buckets take answers again")
	}
	r.customers = nil
	config.Observer.RefusedInARow(0)
}
