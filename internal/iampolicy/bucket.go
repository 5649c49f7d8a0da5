// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import "github.com/xacct/terraform-provider-xacct/internal/account"

// TemplatePrefix starts the keys of the objects that customers read.
const TemplatePrefix = "templates/"

// PublicTemplates is the policy of a bucket whose templates anybody may read
// who knows their name, which is the hash of their content. Nobody may list
// them, nothing else is public, and nothing travels in the clear.
func PublicTemplates(bucket string, partition account.Partition) Document {
	arn := "arn:" + partition.String() + ":s3:::" + bucket
	return Document{
		Version: Version2012,
		Statements: []Statement{
			{
				Sid:       "XacctPublicTemplates",
				Effect:    Allow,
				Principal: Principals{"AWS": {"*"}},
				Action:    []string{"s3:GetObject"},
				Resource:  []string{arn + "/" + TemplatePrefix + "*"},
			},
			{
				Sid:       "XacctOnlyTLS",
				Effect:    Deny,
				Principal: Principals{"AWS": {"*"}},
				Action:    []string{"s3:*"},
				Resource:  []string{arn, arn + "/*"},
				Condition: Conditions{"Bool": {"aws:SecureTransport": {"false"}}},
			},
		},
	}
}
