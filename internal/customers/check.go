// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Limits of metadata, which is stored with the link.
const (
	MaxMetadata     = 20
	maxMetadataKey  = 64
	MaxMetadataText = 256
)

var identifier = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`) })

// IsIdentifier reports whether a text may be a customer ID or the name of a
// permission set: 1 to 64 letters, digits and ._- beginning with a letter or digit.
func IsIdentifier(s string) bool { return identifier().MatchString(s) }

var stackName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`) })

// check returns all errors in an order that can be found without the hub, joined.
func (o Order) check() error {
	var errs []error
	refuse := func(field, summary, detail string) { errs = append(errs, &Refusal{field, summary, detail}) }
	if !IsIdentifier(o.CustomerID) {
		refuse("customer_id", "Invalid customer ID", "A customer ID has 1 to 64 letters, digits and ._- beginning with a letter or digit: use the identifier that your own product gives its customers.")
	}
	if !IsIdentifier(o.PermissionSet) {
		refuse("permission_set", "Invalid permission set name", "It has 1 to 64 letters, digits and ._- beginning with a letter or digit.")
	}
	if o.StackName != "" && !stackName().MatchString(o.StackName) {
		refuse("stack_name", "Invalid stack name", "It has 1 to 128 letters, digits and hyphens, a letter first.")
	}
	if o.Region != "" {
		if _, err := account.ParseRegion(o.Region); err != nil {
			refuse("region", "Invalid Region", err.Error())
		}
	}
	if !o.Account.IsZero() && o.AsksAccount {
		refuse("ask_account_id", "Both account_id and ask_account_id", "If you know the customer's account, there is nothing to ask them: leave one of the two out.")
	}
	return errors.Join(append(errs, checkMetadata(o.Metadata)...)...)
}

// checkMetadata returns the errors in the metadata of an order.
func checkMetadata(metadata map[string]string) []error {
	var errs []error
	if len(metadata) > MaxMetadata {
		errs = append(errs, &Refusal{"metadata", "Too much metadata", fmt.Sprintf("A link has at most %d entries.", MaxMetadata)})
	}
	for key, value := range metadata {
		if key == "" || utf8.RuneCountInString(key) > maxMetadataKey || utf8.RuneCountInString(value) > MaxMetadataText ||
			strings.ContainsFunc(key+value, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			errs = append(errs, &Refusal{"metadata", "Invalid metadata", fmt.Sprintf(
				"A key has 1 to %d characters, a value at most %d, and both only printable characters.", maxMetadataKey, MaxMetadataText)})
			break
		}
	}
	return errs
}
