// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package health

import (
	"errors"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// Count returns the number of findings with a verdict.
func Count(findings []Finding, verdict Verdict) int {
	n := 0
	for _, f := range findings {
		if f.Verdict == verdict {
			n++
		}
	}
	return n
}

// Reason returns the reason for the verdict on one line; empty if the role works.
func (f Finding) Reason() string {
	switch f.Verdict {
	case Broken:
		return f.Registration.Reason
	case Withheld:
		return "refused, and no role of its kind works: nothing was changed"
	case Moved:
		return "the customer updated or deleted the stack meanwhile"
	case Unknown:
		return unknownReason(f.Err)
	}
	return ""
}

// unknownReason returns the reason for an Unknown verdict on one line: AWS's error code
// if there is one, unless a permission is missing, which the error names.
func unknownReason(err error) string {
	var denied *awsclient.PermissionError
	if code := awsclient.Code(err); code != "" && !errors.As(err, &denied) {
		return "AWS did not say (" + code + "); nothing was changed"
	}
	if err == nil {
		return "could not be tried; nothing was changed"
	}
	return "could not be tried; nothing was changed: " + strings.Join(strings.Fields(err.Error()), " ")
}
