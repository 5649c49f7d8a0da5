// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// This file has the account-regional namespace: bucket names that only one
// account can create, in one Region (aws-facts 12.15, 13.3).

const namespaceHeader = "X-Amz-Bucket-Namespace"

// accountRegional matches the names of the namespace: prefix, account ID,
// Region, "an".
var accountRegional = regexp.MustCompile(`^.+-([0-9]{12})-([a-z]+(?:-[a-z]+)+-[0-9]+)-an$`)

// withoutNamespace are the Regions that do not have the namespace.
var withoutNamespace = []string{"me-south-1", "me-central-1"}

// checkNamespace returns an error if the name of a new bucket is not in the
// namespace of the header, or is of another account or Region.
func (b *bucket) checkNamespace(namespace string) error {
	bad := func(code, format string, args ...any) error {
		return kernel.Errorf(http.StatusBadRequest, code, format, args...)
	}
	parts := accountRegional.FindStringSubmatch(b.name)
	switch {
	case namespace != "" && namespace != "global" && namespace != "account-regional":
		return invalidArgument("The bucket namespace %q is not valid: it must be account-regional or global.", namespace)
	case namespace == "account-regional" && slices.Contains(withoutNamespace, b.region):
		return bad("InvalidRequest", "Account regional namespaces are not supported in %s.", b.region)
	case namespace == "account-regional" && parts == nil:
		return bad("InvalidNamespaceHeader", "The requested bucket is not an account-regional namespace bucket, but your request has the x-amz-bucket-namespace header with the value account-regional.")
	case namespace == "account-regional" && parts[1] != b.account:
		return bad("InvalidBucketNamespace", "The requested bucket is an account-regional namespace bucket, but the requested AWS account ID %s does not match yours.", parts[1])
	case namespace == "account-regional" && parts[2] != b.region:
		return bad("InvalidBucketNamespace", "The requested bucket is an account-regional namespace bucket, but the requested Region %s does not match the current Region %s.", parts[2], b.region)
	case namespace == "account-regional":
		return nil
	case parts != nil && namespace == "global":
		return bad("InvalidNamespaceHeader", "The requested bucket is an account-regional namespace bucket, but your request has the x-amz-bucket-namespace header with the value global.")
	case parts != nil:
		return bad("MissingNamespaceHeader", "The requested bucket is an account-regional namespace bucket, but your request is missing the required x-amz-bucket-namespace header.")
	case strings.HasSuffix(b.name, "-an"):
		return bad("InvalidBucketName", "The specified bucket is not valid.")
	}
	return nil
}
