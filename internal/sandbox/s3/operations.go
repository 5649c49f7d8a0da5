// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// operation is one of S3's API operations, which HTTP identifies by method,
// level and subresource.
type operation struct {
	name       string
	permission string // the IAM action, whose name often differs
	noBucket   bool   // does not need an existing bucket
	run        func(*Service, *call) (*kernel.Response, error)
}

// operations has the operations by "METHOD level subresource".
var operations map[string]*operation

func init() {
	operations = map[string]*operation{
		"GET service ":   {"ListBuckets", "s3:ListAllMyBuckets", true, (*Service).listBuckets},
		"PUT bucket ":    {"CreateBucket", "s3:CreateBucket", true, (*Service).createBucket},
		"HEAD bucket ":   {"HeadBucket", "s3:ListBucket", false, (*Service).headBucket},
		"DELETE bucket ": {"DeleteBucket", "s3:DeleteBucket", false, (*Service).deleteBucket},

		"GET bucket location":             {"GetBucketLocation", "s3:GetBucketLocation", false, (*Service).getBucketLocation},
		"GET bucket policy":               {"GetBucketPolicy", "s3:GetBucketPolicy", false, (*Service).getBucketPolicy},
		"PUT bucket policy":               {"PutBucketPolicy", "s3:PutBucketPolicy", false, (*Service).putBucketPolicy},
		"DELETE bucket policy":            {"DeleteBucketPolicy", "s3:DeleteBucketPolicy", false, (*Service).deleteBucketPolicy},
		"GET bucket policyStatus":         {"GetBucketPolicyStatus", "s3:GetBucketPolicyStatus", false, (*Service).getBucketPolicyStatus},
		"GET bucket publicAccessBlock":    {"GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock", false, (*Service).getPublicAccessBlock},
		"PUT bucket publicAccessBlock":    {"PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock", false, (*Service).putPublicAccessBlock},
		"DELETE bucket publicAccessBlock": {"DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock", false, (*Service).deletePublicAccessBlock},
		"GET bucket ownershipControls":    {"GetBucketOwnershipControls", "s3:GetBucketOwnershipControls", false, (*Service).getOwnershipControls},
		"PUT bucket ownershipControls":    {"PutBucketOwnershipControls", "s3:PutBucketOwnershipControls", false, (*Service).putOwnershipControls},
		"GET bucket encryption":           {"GetBucketEncryption", "s3:GetEncryptionConfiguration", false, (*Service).getBucketEncryption},
		"PUT bucket encryption":           {"PutBucketEncryption", "s3:PutEncryptionConfiguration", false, (*Service).putBucketEncryption},
		"DELETE bucket encryption":        {"DeleteBucketEncryption", "s3:PutEncryptionConfiguration", false, (*Service).deleteBucketEncryption},
		"GET bucket versioning":           {"GetBucketVersioning", "s3:GetBucketVersioning", false, (*Service).getBucketVersioning},
		"PUT bucket versioning":           {"PutBucketVersioning", "s3:PutBucketVersioning", false, (*Service).putBucketVersioning},
		"GET bucket tagging":              {"GetBucketTagging", "s3:GetBucketTagging", false, (*Service).getBucketTagging},
		"PUT bucket tagging":              {"PutBucketTagging", "s3:PutBucketTagging", false, (*Service).putBucketTagging},
		"DELETE bucket tagging":           {"DeleteBucketTagging", "s3:PutBucketTagging", false, (*Service).deleteBucketTagging},
		"GET bucket lifecycle":            {"GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration", false, (*Service).getLifecycle},
		"PUT bucket lifecycle":            {"PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration", false, (*Service).putLifecycle},
		"DELETE bucket lifecycle":         {"DeleteBucketLifecycle", "s3:PutLifecycleConfiguration", false, (*Service).deleteLifecycle},

		"GET bucket list-type": {"ListObjectsV2", "s3:ListBucket", false, (*Service).listObjects},
		"GET bucket versions":  {"ListObjectVersions", "s3:ListBucketVersions", false, (*Service).listVersions},
		"POST bucket delete":   {"DeleteObjects", "s3:ListBucket", false, (*Service).deleteObjects},

		"PUT object ":             {"PutObject", "s3:PutObject", false, (*Service).putObject},
		"GET object ":             {"GetObject", "s3:GetObject", false, (*Service).getObject},
		"GET object versionId":    {"GetObject", "s3:GetObjectVersion", false, (*Service).getObject},
		"HEAD object ":            {"HeadObject", "s3:GetObject", false, (*Service).getObject},
		"HEAD object versionId":   {"HeadObject", "s3:GetObjectVersion", false, (*Service).getObject},
		"DELETE object ":          {"DeleteObject", "s3:DeleteObject", false, (*Service).deleteObject},
		"DELETE object versionId": {"DeleteObject", "s3:DeleteObjectVersion", false, (*Service).deleteObject},
	}
}

func operationOf(r *http.Request, a address) *operation {
	if r.Header.Get("X-Amz-Copy-Source") != "" {
		return nil // CopyObject
	}
	return operations[r.Method+" "+a.level()+" "+subresource(r.URL.Query())]
}

// parameters are the query parameters that do not select the operation.
var parameters = []string{
	"x-id", "prefix", "delimiter", "max-keys", "continuation-token", "start-after", "encoding-type", "fetch-owner",
	"key-marker", "version-id-marker", "max-buckets", "bucket-region",
	"response-cache-control", "response-content-disposition", "response-content-encoding",
	"response-content-language", "response-content-type", "response-expires",
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
	"X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "X-Amz-User-Agent",
}

// isPresignedHeader reports whether a query parameter is one of AWS's headers.
// Any of them may be in the query of a presigned URL instead: the SDK puts
// checksums there.
func isPresignedHeader(name string) bool {
	return len(name) > 6 && (name[:6] == "x-amz-" || name[:6] == "X-Amz-")
}

// subresource returns the query parameter that selects the operation, or an
// empty string. An unknown parameter selects an operation that does not exist,
// so that no parameter is ignored.
func subresource(query url.Values) string {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(parameters, name) && !isPresignedHeader(name) {
			return name
		}
	}
	return ""
}
