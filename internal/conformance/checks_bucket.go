// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/outbound"
)

// bucketChecks test S3, and how CloudFormation reads templates from it.
var bucketChecks = []Check{
	{
		ID: "4.2a", Title: "Block Public Access treats a policy with Principal * and aws:PrincipalAccount as public, and refuses it",
		Mark:  "Whether `Principal:*`+`aws:PrincipalAccount` counts: [?]",
		Place: "internal/hub/bucket_policy.go (readers are named as principals)", Makes: "a bucket", run: publicPolicy,
	},
	{
		ID: "4.2b", Title: "A bucket policy has at most 20 KB",
		Mark:  "use explicit principals. Bucket policy ≤20 KB [R]",
		Place: "internal/hub/bucket_policy.go (how many readers fit)", Makes: "a bucket", run: roomInBucketPolicy,
	},
	{
		ID: "4.1a", Title: "CloudFormation reads a template with the caller's permissions",
		Mark:  "4.1 [D/I]",
		Place: "internal/hub/templates.go (templates are public, or read by the customers' accounts)", Makes: "a bucket", run: templateAsCaller,
	},
	{
		ID: "4.1b", Title: "A private bucket whose policy names the customer's account is enough for CloudFormation",
		Mark:  `"Action":["s3:GetObject","s3:GetObjectVersion"]` + "` should suffice [I]",
		Place: "internal/hub/templates.go (template_access = accounts)", Makes: "a bucket", run: templateByAccount,
	},
	{
		ID: "4.4", Title: "versionId in a template's URL selects the version, whatever is written later",
		Mark:  "4.4 [I]",
		Place: "internal/hub/templates.go (keys are hashes)", Makes: "a bucket", run: templateVersion,
	},
	{
		ID: "3.5", Title: "CloudFormation accepts a template in another Region's bucket",
		Place: "internal/hub (one bucket for all Regions)", Makes: "a bucket", Needs: []Need{TwoRegions}, run: templateFromAfar,
	},
	{
		ID: "10.2a", Title: "PutObject with If-Match returns 404 if the key does not exist",
		Mark:  "409 ⇒ re-read ETag and retry; 404 if the key is gone [R]",
		Place: "none: the registry is in DynamoDB", Makes: "a bucket", run: matchOfNothing,
	},
	{
		ID: "10.2b", Title: "S3 returns an object immediately after it was written",
		Mark:  "DeleteObject has IfMatch. Strong read-after-write [R]",
		Place: "internal/hub/templates.go (a link is issued after its template is written)", Makes: "a bucket", run: readAfterWrite,
	},
	{
		ID: "12.11", Title: "CloudFormation's bucket refuses a URL that another account signed, with a plain AccessDenied",
		Mark:  "with Expires and ServerTime in the body (aws-sdk-js#3493). [I]",
		Place: "internal/registrar/refusal.go (plain AccessDenied is undecided)", run: strangersSignature,
	},
	{
		ID: "12.15", Title: "Every Region of the run has the account-regional namespace, in which only the account can create buckets",
		Mark:  "`s3:x-amz-bucket-namespace`. Not in every Region yet (Bahrain, UAE) [?]",
		Place: "internal/hub/bucket_name.go", Makes: "a bucket in each Region", run: namespaces,
	},
	{
		ID: "13.3", Title: "A name that has half of the namespace's suffix is refused with InvalidBucketName",
		Mark:  `The answer has ` + "`x-amz-bucket-arn`. [?]",
		Place: "internal/hub/bucket_name.go", run: halfASuffix,
	},
	{
		ID: "15.1", Title: "A list of buckets by prefix contains those of other Regions, with their Region, also in the account-regional namespace",
		Mark:  "Buckets of the account-regional namespace are among them [I]",
		Place: "internal/hub/elsewhere.go", Makes: "a bucket", Needs: []Need{TwoRegions}, run: bucketsElsewhere,
	},
}

func (t *trial) bucketARN(name string) string {
	return fmt.Sprintf("arn:%s:s3:::%s", t.home().Partition(), name)
}

// bucket creates a private bucket of the vendor.
func (t *trial) bucket(ctx context.Context, in account.Region, part string) (string, error) {
	name := t.name(part)
	if err := t.creates(t.Vendor, "bucket", in, name); err != nil {
		return "", err
	}
	call := &s3.CreateBucketInput{Bucket: &name}
	if in.String() != "us-east-1" {
		call.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(in.String())}
	}
	_, err := t.Vendor.s3In(in).CreateBucket(ctx, call)
	if awsclient.HasCode(err, "BucketAlreadyOwnedByYou") {
		err = nil
	}
	return name, err
}

func (t *trial) bucketPolicy(ctx context.Context, bucket string, statements ...statement) error {
	_, err := t.Vendor.S3().PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: aws.String(policyJSON(statements...))})
	return err
}

func (t *trial) put(ctx context.Context, bucket, key, body string) (version string, err error) {
	out, err := t.Vendor.S3().PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.VersionId), nil
}

func (t *trial) address(bucket, key string) string {
	return fmt.Sprintf("https://%s.s3.%s.%s/%s", bucket, t.home(), t.home().Partition().DNSSuffix(), key)
}

func publicPolicy(ctx context.Context, t *trial) error {
	bucket, err := t.bucket(ctx, t.home(), "readers")
	if err != nil {
		return err
	}
	err = t.bucketPolicy(ctx, bucket, statement{
		"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": t.bucketARN(bucket) + "/*",
		"Condition": map[string]any{"StringEquals": map[string]any{"aws:PrincipalAccount": t.Customer.Account.String()}},
	})
	return t.refused("the policy, under Block Public Access", err, "AccessDenied")
}

func roomInBucketPolicy(ctx context.Context, t *trial) error {
	bucket, err := t.bucket(ctx, t.home(), "readers")
	if err != nil {
		return err
	}
	of := func(size int) statement {
		s := statement{
			"Sid": "Long", "Effect": "Allow", "Principal": map[string]any{"AWS": t.Customer.root()}, "Action": "s3:GetObject", "Resource": t.bucketARN(bucket) + "/",
		}
		s["Resource"] = s["Resource"].(string) + strings.Repeat("a", size-len(policyJSON(s)))
		return s
	}
	parts := func(size int) []statement { // a resource has at most about 1,024 characters
		var all []statement
		for len(policyJSON(all...)) < size-1200 {
			all = append(all, numbered(of(1000), len(all)))
		}
		rest := of(500)
		rest = numbered(rest, len(all))
		short := size - len(policyJSON(append(all, rest)...))
		rest["Resource"] = rest["Resource"].(string) + strings.Repeat("b", max(short, 0))
		return append(all, rest)
	}
	for what, size := range map[string]int{"20,400 bytes": 20400, "20,600 bytes": 20600} {
		err := t.bucketPolicy(ctx, bucket, parts(size)...)
		if size < 20480 {
			err = t.accepted("a policy of "+what, err)
		} else {
			err = t.refused("a policy of "+what, err, "PolicyTooLarge", "MalformedPolicy", "InvalidArgument")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func numbered(s statement, n int) statement {
	s["Sid"] = fmt.Sprintf("Long%d", n)
	return s
}

// described returns a template with a description, for checks that only read
// templates.
func described(text string) string {
	return templateOf(resources{"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}, map[string]any{"Description": text})
}

// summary reads a template as the principal p, as the console does for a person who
// opens a link.
func summary(ctx context.Context, p *Party, in account.Region, address string) (string, error) {
	out, err := p.cloudFormation(in).GetTemplateSummary(ctx, &cloudformation.GetTemplateSummaryInput{TemplateURL: &address})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Description), nil
}

// templates returns a private bucket with a template, which the customer's account may
// read.
func (t *trial) templates(ctx context.Context) (bucket string, err error) {
	if bucket, err = t.bucket(ctx, t.home(), "templates"); err != nil {
		return "", err
	}
	if _, err = t.put(ctx, bucket, "template.json", described("first")); err != nil {
		return "", err
	}
	return bucket, t.bucketPolicy(ctx, bucket, statement{
		"Effect": "Allow", "Principal": map[string]any{"AWS": t.Customer.root()}, "Action": []string{"s3:GetObject", "s3:GetObjectVersion"},
		"Resource": t.bucketARN(bucket) + "/*",
	})
}

func templateAsCaller(ctx context.Context, t *trial) error {
	bucket, err := t.templates(ctx)
	if err != nil {
		return err
	}
	reader, err := t.principal(ctx, t.Customer, "nos3", statement{"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"})
	if err != nil {
		return err
	}
	_, err = summary(ctx, reader, t.home(), t.address(bucket, "template.json"))
	if err := t.refused("a caller without s3:GetObject", err, "ValidationError", "AccessDenied"); err != nil {
		return err
	}
	if awsclient.HasCode(err, "ValidationError") && !strings.Contains(err.Error(), "S3") {
		return instead("the error does not mention S3: %v", err)
	}
	return nil
}

func templateByAccount(ctx context.Context, t *trial) error {
	bucket, err := t.templates(ctx)
	if err != nil {
		return err
	}
	text, err := summary(ctx, t.Customer, t.home(), t.address(bucket, "template.json"))
	if err := t.accepted("a template in a private bucket of another account", err); err != nil {
		return err
	}
	if text != "first" {
		return instead("the template says %q", text)
	}
	return nil
}

func templateVersion(ctx context.Context, t *trial) error {
	bucket, err := t.templates(ctx)
	if err != nil {
		return err
	}
	_, err = t.Vendor.S3().PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		return err
	}
	first, err := t.put(ctx, bucket, "versions.json", described("first"))
	if err != nil {
		return err
	}
	if _, err := t.put(ctx, bucket, "versions.json", described("second")); err != nil {
		return err
	}
	text, err := summary(ctx, t.Customer, t.home(), t.address(bucket, "versions.json")+"?versionId="+first)
	if err := t.accepted("a template's URL with versionId", err); err != nil {
		return err
	}
	if text != "first" {
		return instead("the first version's URL gives the template that says %q", text)
	}
	return nil
}

func templateFromAfar(ctx context.Context, t *trial) error {
	bucket, err := t.templates(ctx)
	if err != nil {
		return err
	}
	_, err = summary(ctx, t.Customer, t.Regions[1], t.address(bucket, "template.json"))
	return t.accepted(fmt.Sprintf("a template from %s in %s", t.home(), t.Regions[1]), err)
}

func matchOfNothing(ctx context.Context, t *trial) error {
	bucket, err := t.bucket(ctx, t.home(), "readers")
	if err != nil {
		return err
	}
	_, err = t.Vendor.S3().PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: aws.String("gone"), IfMatch: aws.String(`"d41d8cd98f00b204e9800998ecf8427e"`), Body: strings.NewReader("x"),
	})
	return t.refused("If-Match on a key that does not exist", err, "NoSuchKey")
}

func readAfterWrite(ctx context.Context, t *trial) error {
	bucket, err := t.bucket(ctx, t.home(), "readers")
	if err != nil {
		return err
	}
	for i := range 5 {
		key := fmt.Sprintf("new-%d", i)
		if _, err := t.Vendor.S3().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key}); err == nil {
			return fmt.Errorf("%s already exists", key)
		}
		for _, text := range []string{"a", "bc"} {
			if _, err := t.put(ctx, bucket, key, text); err != nil {
				return err
			}
			out, err := t.Vendor.S3().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
			if err := t.accepted("a read at once after a write", err); err != nil {
				return err
			}
			if size := aws.ToInt64(out.ContentLength); size != int64(len(text)) {
				return instead("a read at once after a write gives %d bytes of %d", size, len(text))
			}
		}
	}
	return nil
}

// strangersSignature sends a PUT to CloudFormation's bucket that is signed with the
// customer's own keys.
func strangersSignature(ctx context.Context, t *trial) error {
	keys, err := t.Customer.SDK().Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	bucket := "cloudformation-custom-resource-response-" + strings.ReplaceAll(t.home().String(), "-", "")
	address := t.address(bucket, "conformance%7CPhone%7C1") + "?X-Amz-Expires=900"
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, address, nil)
	if err != nil {
		return err
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	signed, _, err := signer.PresignHTTP(ctx, keys, r, "UNSIGNED-PAYLOAD", "s3", t.home().String(), time.Now())
	if err != nil {
		return err
	}
	if r, err = http.NewRequestWithContext(ctx, http.MethodPut, signed, strings.NewReader("{}")); err != nil {
		return err
	}
	roots, err := outbound.Roots(t.Customer.Bundle)
	if err != nil {
		return err
	}
	response, err := outbound.New(outbound.Options{Endpoint: t.Customer.Endpoint("s3"), Roots: roots, Private: true}).Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	status, text := response.Status, read(response)
	t.note(status, text)
	if response.StatusCode != http.StatusForbidden || !strings.Contains(text, "<Code>AccessDenied</Code>") || strings.Contains(text, "expired") {
		return instead("it answers %s: %s", status, text)
	}
	return nil
}

func namespaces(ctx context.Context, t *trial) error {
	var without []string
	for _, region := range t.Regions {
		name := fmt.Sprintf("%s-%s-%s-an", t.name("x"), t.Vendor.Account, region)
		if err := t.creates(t.Vendor, "bucket", region, name); err != nil {
			return err
		}
		call := &s3.CreateBucketInput{Bucket: &name, BucketNamespace: s3types.BucketNamespaceAccountRegional}
		if region.String() != "us-east-1" {
			call.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(region.String())}
		}
		_, err := t.Vendor.s3In(region).CreateBucket(ctx, call)
		if err != nil {
			t.note("in "+region.String(), err.Error())
			without = append(without, fmt.Sprintf("%s (%s)", region, awsclient.Code(err)))
		}
	}
	if len(without) > 0 {
		return instead("not in %s", strings.Join(without, ", "))
	}
	other := fmt.Sprintf("%s-%s-%s-an", t.name("x"), t.Customer.Account, t.home())
	call := &s3.CreateBucketInput{Bucket: &other, BucketNamespace: s3types.BucketNamespaceAccountRegional}
	if t.home().String() != "us-east-1" {
		call.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(t.home().String())}
	}
	_, err := t.Vendor.S3().CreateBucket(ctx, call)
	return t.refused("a name in another account's namespace", err, "InvalidBucketNamespace")
}

func halfASuffix(ctx context.Context, t *trial) error {
	name := t.name("half-an")
	if err := t.creates(t.Vendor, "bucket", t.home(), name); err != nil {
		return err
	}
	call := &s3.CreateBucketInput{Bucket: &name}
	if t.home().String() != "us-east-1" {
		call.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(t.home().String())}
	}
	_, err := t.Vendor.S3().CreateBucket(ctx, call)
	return t.refused("a bucket "+name, err, "InvalidBucketName")
}

func bucketsElsewhere(ctx context.Context, t *trial) error {
	there := t.Regions[1]
	name := fmt.Sprintf("%s-%s-%s-an", t.name("y"), t.Vendor.Account, there)
	if err := t.creates(t.Vendor, "bucket", there, name); err != nil {
		return err
	}
	call := &s3.CreateBucketInput{Bucket: &name, BucketNamespace: s3types.BucketNamespaceAccountRegional}
	if there.String() != "us-east-1" {
		call.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(there.String())}
	}
	_, err := t.Vendor.s3In(there).CreateBucket(ctx, call)
	if err := t.accepted("a bucket of the namespace in "+there.String(), err); err != nil {
		return err
	}
	out, err := t.Vendor.S3().ListBuckets(ctx, &s3.ListBucketsInput{Prefix: aws.String(t.name("y"))})
	if err := t.accepted("a list of buckets in "+t.home().String(), err); err != nil {
		return err
	}
	for _, bucket := range out.Buckets {
		if aws.ToString(bucket.Name) == name && aws.ToString(bucket.BucketRegion) == there.String() {
			return nil
		}
	}
	return instead("the list has %d buckets, and not that one with its Region", len(out.Buckets))
}
