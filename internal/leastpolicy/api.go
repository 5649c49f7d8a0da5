// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// API returns the policy of `xacct serve`: it issues, changes and closes links, lets
// their accounts publish and read templates, and proves roles when it is asked to.
// It can't change the hub or a permission set, and can't read the queue, where what
// strangers write arrives.
func API(h Parts) (iampolicy.Document, error) {
	if err := h.check(); err != nil {
		return iampolicy.Document{}, err
	}
	if len(h.Topics) == 0 || h.Bucket == "" || len(h.Partitions.API) == 0 {
		return iampolicy.Document{}, errors.New("a policy for the API needs the hub's topics, bucket and partitions")
	}
	p, bucket := h.Partitions, fmt.Sprintf("arn:%s:s3:::%s", h.Region.Partition(), h.Bucket)
	links := slices.Concat([]string{"EXTERNAL#*", "LINK#*", "LINK-HISTORY#*", "READERS", "SHARD#*"}, p.API)
	proofs := []string{"CUSTOMER-HISTORY#*", "LIVE#*", p.Outbox}
	return document(slices.Concat([]iampolicy.Statement{
		h.items("RegistryReads", slices.Concat(p.Vendor, p.Registrar, p.API), readsItems...),
		h.items("RegistryWrites", slices.Concat(links, proofs), "dynamodb:PutItem"),
		h.items("Lists", []string{"READERS", "SHARD#*"}, "dynamodb:UpdateItem"),
		h.items("RegistryChecks", []string{"BOUND#*", "HUB", "SET#*", "SHARD#*"}, "dynamodb:ConditionCheckItem"),
		allow("Publishers", h.topicARNs(), "sns:GetTopicAttributes", "sns:SetTopicAttributes"),
		allow("Readers", []string{bucket}, "s3:GetBucketPolicy", "s3:PutBucketPolicy"),
		allow("Templates", []string{bucket + "/" + iampolicy.TemplatePrefix + "*"}, "s3:GetObject"),
	}, h.key("kms:Decrypt"), []iampolicy.Statement{h.proofs()}))
}
