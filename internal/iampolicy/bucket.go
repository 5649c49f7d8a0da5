// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"errors"
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// TemplatePrefix is the prefix of the keys of templates, which customers read.
const TemplatePrefix = "templates/"

// PublicTemplates returns the policy of a bucket whose templates are public. Callers
// must know the name of a template, which is the hash of its content, because they may
// not list the templates. Nothing else is public, and requests without TLS are refused.
func PublicTemplates(bucket string, partition account.Partition) Document {
	return templates(bucket, partition, Statement{
		Sid:       "XacctPublicTemplates",
		Effect:    Allow,
		Principal: Principals{"AWS": {"*"}},
		Action:    []string{"s3:GetObject"},
		Resource:  []string{bucketARN(bucket, partition) + "/" + TemplatePrefix + "*"},
	})
}

// AccountTemplates returns the policy of a bucket whose templates only the given
// accounts may read. The accounts are principals and not values of a condition: S3
// classifies a policy with fixed principals as private, and it is not known whether it
// does so for a condition on aws:PrincipalAccount (aws-facts 4.1, 4.2).
//
// The error is *BucketFullError if the policy has no room for all accounts.
func AccountTemplates(bucket string, partition account.Partition, accounts []account.ID) (Document, error) {
	if len(accounts) == 0 {
		return PrivateTemplates(bucket, partition), nil
	}
	roots := make([]string, len(accounts))
	for i, id := range accounts {
		roots[i] = "arn:" + partition.String() + ":iam::" + id.String() + ":root"
	}
	roots = sorted(roots)
	d := templates(bucket, partition, Statement{
		Sid:       "XacctCustomersTemplates",
		Effect:    Allow,
		Principal: Principals{"AWS": roots},
		Action:    []string{"s3:GetObject", "s3:GetObjectVersion"},
		Resource:  []string{bucketARN(bucket, partition) + "/" + TemplatePrefix + "*"},
	})
	if over := len(d.String()) - MaxBucketSize; over > 0 {
		each := len(roots[0]) + len(`"",`)
		return Document{}, &BucketFullError{
			Bucket: bucket, Accounts: len(roots), Room: len(roots) - (over+each-1)/each, Size: len(d.String()),
		}
	}
	return d, nil
}

// PrivateTemplates returns the policy of a bucket that only its own account may
// read.
func PrivateTemplates(bucket string, partition account.Partition) Document {
	return templates(bucket, partition)
}

// templates returns the policy with the given statements, and one that refuses requests
// without TLS.
func templates(bucket string, partition account.Partition, readers ...Statement) Document {
	arn := bucketARN(bucket, partition)
	return Document{Version: Version2012, Statements: append(readers, onlyTLS("XacctOnlyTLS", []string{"s3:*"}, arn, arn+"/*"))}
}

func bucketARN(bucket string, partition account.Partition) string {
	return "arn:" + partition.String() + ":s3:::" + bucket
}

// MaxReaders returns how many accounts the policy of a bucket has room for.
func MaxReaders(bucket string, partition account.Partition) int {
	many := make([]account.ID, MaxBucketSize/len("123456789012"))
	for i := range many {
		many[i], _ = account.ParseID(fmt.Sprintf("%012d", i)) // always twelve digits
	}
	_, err := AccountTemplates(bucket, partition, many)
	var full *BucketFullError
	if !errors.As(err, &full) {
		panic("more accounts than bytes have fit into a policy")
	}
	return full.Room
}

// BucketFullError indicates that a bucket's policy has no room for its readers.
type BucketFullError struct {
	Bucket   string
	Accounts int // how many were to be named
	Room     int // how many there is room for
	Size     int // of the policy in bytes
}

func (e *BucketFullError) Error() string {
	return fmt.Sprintf("the policy of bucket %s would have %d bytes with %d customer accounts as readers, and S3 allows %d: there is room for %d",
		e.Bucket, e.Size, e.Accounts, MaxBucketSize, e.Room)
}
