// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

func TestABucketsNameAlwaysBelongsToItsAccount(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 31)
	owner := parse(account.ParseID, "111111111111")
	for _, c := range []struct{ hub, region, want string }{
		{"acme", "eu-central-1", "xacct-acme-111111111111-eu-central-1-an"},
		{"acme", "us-gov-west-1", "xacct-acme-111111111111-us-gov-west-1-an"},
		{"acme", "cn-north-1", "xacct-acme-111111111111-cn-north-1-an"},
		{"acme", "eusc-de-east-1", "xacct-acme-111111111111-eusc-de-east-1-an"},
		{"acme", "me-south-1", "xacct-acme-????????????????"},
		{long, "ap-southeast-2", "xacct-aaaaaaaaaaaaaaaaa-61c60b48-111111111111-ap-southeast-2-an"},
		{long[1:] + "b", "ap-southeast-2", "xacct-aaaaaaaaaaaaaaaaa-3e019c13-111111111111-ap-southeast-2-an"},
	} {
		got := BucketPattern(c.hub, owner, parse(account.ParseRegion, c.region))
		if got != c.want || len(got) > maxBucketName {
			t.Errorf("hub %s in %s: got %s (%d characters), want %s", c.hub, c.region, got, len(got), c.want)
		}
	}
}

func TestAnotherAccountCanNeverTakeABucketsName(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	bucket := w.hubRecord().Bucket
	w.must(w.destroyed(w.Manager, false))
	w.must(w.box.OpenAccount(globex.String(), "aws"))
	for _, namespace := range []types.BucketNamespace{"", types.BucketNamespaceGlobal, types.BucketNamespaceAccountRegional} {
		if err := w.takes(globex, bucket, namespace); err == nil {
			t.Errorf("another account has created the bucket, with namespace %q", namespace)
		}
	}
}

// takes tries to create a bucket in another account.
func (w *world) takes(id account.ID, bucket string, namespace types.BucketNamespace) error {
	w.t.Helper()
	_, err := w.clients(id.String()).S3().CreateBucket(w.t.Context(), &s3.CreateBucketInput{
		Bucket: &bucket, BucketNamespace: namespace,
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(frankfurt.String())},
	})
	return err
}

// newOlderHub creates a hub of the time when bucket names did not contain the account.
func newOlderHub(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.must(w.registry.EnsureTable(t.Context(), registry.TableSpec{}))
	key, err := registry.NewKey(w.random)
	w.must(err)
	record := w.record(registry.HubRecord{Key: key, Bucket: "xacct-acme-" + onboarding.BucketSuffix(key.Bytes()), CreatedAt: w.clock.Now()}, spec())
	record.State = registry.HubCreating
	_, err = w.registry.CreateHub(t.Context(), record)
	w.must(err)
	_, err = w.Create(t.Context(), spec())
	w.must(err)
	_, err = w.PublishTemplate(t.Context(), w.hubRecord(), template)
	w.must(err)
	w.must(w.box.OpenAccount(globex.String(), "aws"))
	return w
}

func TestAnOlderHubKeepsAnEmptyBucketToReserveItsName(t *testing.T) {
	t.Parallel()
	bucket := ""
	setUp := func(t *testing.T) *world {
		w := newOlderHub(t)
		w.complete(frankfurt, virginia)
		bucket = w.hubRecord().Bucket
		return w
	}
	dieAtEveryCall(t, setUp,
		func(w *world) error { _, err := w.Delete(t.Context(), false); return err },
		func(w *world, calls int) {
			remains, err := w.process().Delete(t.Context(), false)
			w.must(err)
			if remains.Bucket != bucket && remains != (Retained{}) { // nothing remains if the first Delete already removed the record
				t.Errorf("stopped after %d calls and deleted again, %+v remains, want bucket %s", calls, remains, bucket)
			}
			if err := w.takes(globex, bucket, ""); !awsclient.HasCode(err, "BucketAlreadyExists") {
				t.Errorf("stopped after %d calls and deleted again, another account may create the bucket: %v", calls, err)
			}
			w.keepsItsName(bucket)
		})
}

// keepsItsName fails the test unless a bucket is empty, closed and tagged.
func (w *world) keepsItsName(bucket string) {
	w.t.Helper()
	client := w.clients("111111111111").S3()
	listed, err := client.ListObjectsV2(w.t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
	w.must(err)
	if len(listed.Contents) > 0 {
		w.t.Errorf("there are %d objects in it", len(listed.Contents))
	}
	access, err := client.GetPublicAccessBlock(w.t.Context(), &s3.GetPublicAccessBlockInput{Bucket: &bucket})
	w.must(err)
	if c := access.PublicAccessBlockConfiguration; !*c.BlockPublicAcls || !*c.BlockPublicPolicy || !*c.IgnorePublicAcls || !*c.RestrictPublicBuckets {
		w.t.Errorf("it blocks %+v", c)
	}
	policy, err := client.GetBucketPolicy(w.t.Context(), &s3.GetBucketPolicyInput{Bucket: &bucket})
	w.must(err)
	if strings.Contains(*policy.Policy, "Allow") {
		w.t.Errorf("its policy is %s", *policy.Policy)
	}
	tags, err := client.GetBucketTagging(w.t.Context(), &s3.GetBucketTaggingInput{Bucket: &bucket})
	w.must(err)
	told := map[string]string{}
	for _, tag := range tags.TagSet {
		told[*tag.Key] = *tag.Value
	}
	if told["xacct"] != "keeps the name of hub acme which was destroyed" || told["team"] != "platform" {
		w.t.Errorf("its tags are %v", told)
	}
}

func TestCreateWaitsWhileS3StillDeletesTheBucket(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.must(w.destroyed(w.Manager, false))
	began := w.clock.Now()
	w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "CreateBucket" && w.clock.Now().Before(began.Add(20*time.Second)) {
			return kernel.Errorf(409, "OperationAborted", "A conflicting conditional operation is currently in progress against this resource. Please try again.")
		}
		return nil
	})
	_, err := w.process().Create(t.Context(), spec())
	w.must(err)
	w.complete(frankfurt, virginia)
	if waited := w.clock.Now().Sub(began); waited < 20*time.Second {
		t.Errorf("it has waited for %s", waited)
	}
}
