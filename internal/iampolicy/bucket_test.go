// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"errors"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

func TestABucketPolicyHasRoomForExactlyMaxReaders(t *testing.T) {
	for _, name := range []string{"aws", "aws-us-gov", "aws-cn", "aws-eusc"} {
		partition, err := account.ParsePartition(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bucket := range []string{"b", "xacct-acme-0123456789abcdef", "xacct-a-hub-whose-name-is-as-long-as-it-can-be-0123456789abcdef"} {
			room := MaxReaders(bucket, partition)
			full, err := AccountTemplates(bucket, partition, accounts(room))
			if err != nil || len(full.String()) > MaxBucketSize {
				t.Errorf("%s, %s: %d readers: %d bytes, %v", name, bucket, room, len(full.String()), err)
			}
			for _, more := range []int{1, 2, 500} {
				_, err := AccountTemplates(bucket, partition, accounts(room+more))
				var over *BucketFullError
				if !errors.As(err, &over) || over.Room != room || over.Accounts != room+more || over.Size <= MaxBucketSize {
					t.Errorf("%s, %s: %d readers: got %v, want a BucketFullError with room for %d", name, bucket, room+more, err, room)
				}
			}
		}
	}
}

func TestABucketPolicyNamesEachReaderOnce(t *testing.T) {
	partition, err := account.ParsePartition("aws-cn")
	if err != nil {
		t.Fatal(err)
	}
	some := accounts(2)
	got, err := AccountTemplates("b", partition, append(some, some[0]))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Version":"2012-10-17","Statement":[` +
		`{"Sid":"XacctCustomersTemplates","Effect":"Allow","Principal":{"AWS":["arn:aws-cn:iam::222222222222:root","arn:aws-cn:iam::222222222223:root"]},` +
		`"Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":"arn:aws-cn:s3:::b/templates/*"},` +
		`{"Sid":"XacctOnlyTLS","Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":["arn:aws-cn:s3:::b","arn:aws-cn:s3:::b/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
	if got.String() != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	none, err := AccountTemplates("b", partition, nil)
	if err != nil || len(none.Statements) != 1 || none.Statements[0].Effect != Deny {
		t.Errorf("without readers it is %s, %v", none, err)
	}
}
