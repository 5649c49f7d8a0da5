// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

import (
	"context"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Edit changes the customer's link in a way that every owner may, such as a block. It
// calls edit with the current link, and writes the result if edit returns true. Edit
// returns registry.ErrNoLink if there is no such customer, and registry.ErrConflict
// if other processes keep writing the link.
func Edit(ctx context.Context, records *registry.Registry, customer string, edit func(*onboarding.Link) bool) (link onboarding.Link, changed bool, err error) {
	err = retry(func() error {
		found, err := records.Customer(ctx, customer)
		if err != nil {
			return err
		}
		if link, changed = found.Link, false; !edit(&link) {
			return nil
		}
		link, err = records.UpdateLink(ctx, link)
		changed = err == nil
		return err
	})
	return link, changed, err
}
