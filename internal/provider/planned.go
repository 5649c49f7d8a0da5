// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// What was planned in this process. A link's plan shows its URL before anything
// is created, and the URL is made of what the hub *will* be: a hub that gains a
// Region in the same apply changes the template of a new link. Were the link
// planned on the hub's record as it is, its final plan would differ from the
// first, and Terraform would refuse it as inconsistent.

// plannedHub is what the hub's plan said, if there was one in this process.
type plannedHub struct {
	record   registry.HubRecord
	known    bool // record is what the hub will be
	creating bool // it will be a new hub, of which nothing is known yet
	// publishers are those of a new hub, where they are known.
	publishers onboarding.PublisherScope
	unsure     bool // it will change, and some of it isn't known yet
}

// plannedLink is what a link's plan said.
type plannedLink struct {
	link  onboarding.Link
	known bool // everything in link is known that a role's plan needs
}

func (in *intake) planHub(p plannedHub) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.plannedHub = p
}

func (in *intake) planLink(customer string, p plannedLink) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.plannedLinks[customer] = p
}

func (in *intake) linkPlan(customer string) (plannedLink, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	p, ok := in.plannedLinks[customer]
	return p, ok
}

// remember notes that Terraform has a state of the customer's link. A plan to
// create it, asked for later in the same process, then means that it is being
// replaced.
func (in *intake) remember(customer string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ours[customer] = true
}

func (in *intake) isOurs(customer string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.ours[customer]
}

// sameExternalID finds another customer whose planned link has the external ID.
func (in *intake) sameExternalID(customer, externalID string) (string, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for other, p := range in.plannedLinks {
		if other != customer && p.link.ExternalID.String() == externalID {
			return other, true
		}
	}
	return "", false
}

// planLinkIf notes what a link's plan said, unless it goes no further with the
// accounts of the other links that were planned in this process.
func (in *intake) planLinkIf(customer string, p plannedLink, fits func(others []account.ID) bool) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	var others []account.ID
	for other, planned := range in.plannedLinks {
		if other != customer && planned.known {
			others = append(others, planned.link.Account)
		}
	}
	if !fits(others) {
		return false
	}
	in.plannedLinks[customer] = p
	return true
}

// expected is the hub that a link is to be planned on: what its own plan said,
// otherwise its record. ok is false where it definitely isn't there yet, or
// part of it isn't known; any other failure to read it is an error.
func (in *intake) expected(ctx context.Context) (record registry.HubRecord, ok bool, err error) {
	in.mu.Lock()
	planned := in.plannedHub
	in.mu.Unlock()
	switch {
	case planned.creating, planned.unsure:
		return registry.HubRecord{}, false, nil
	case planned.known:
		return planned.record, true, nil
	}
	record, err = in.record(ctx)
	if errors.Is(err, registry.ErrNoHub) {
		return registry.HubRecord{}, false, nil
	}
	return record, err == nil, err
}

// beingCreated reports whether the hub is planned to be created in this
// operation, anew or for the first time.
func (in *intake) beingCreated() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.plannedHub.creating
}
