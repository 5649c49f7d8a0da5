// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	dynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// failure returns an error as the SDK wraps it.
func failure(service, operation string, status int, cause error) error {
	return &smithy.OperationError{ServiceID: service, OperationName: operation, Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      cause,
	}}
}

func api(code, message string) error { return &smithy.GenericAPIError{Code: code, Message: message} }

func canceled(codes ...string) error {
	e := &dynamodb.TransactionCanceledException{}
	for _, code := range codes {
		e.CancellationReasons = append(e.CancellationReasons, dynamodb.CancellationReason{Code: aws.String(code)})
	}
	return e
}

func TestErrorsAreClassifiedByTheirCodes(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"SNS topic":                  {failure("SNS", "GetTopicAttributes", 404, api("NotFound", "Topic does not exist")), "not found"},
		"SQS queue":                  {failure("SQS", "GetQueueUrl", 400, api("AWS.SimpleQueueService.NonExistentQueue", "")), "not found"},
		"table":                      {failure("DynamoDB", "GetItem", 400, &dynamodb.ResourceNotFoundException{}), "not found"},
		"bucket without a policy":    {failure("S3", "GetBucketPolicy", 404, api("NoSuchBucketPolicy", "")), "not found"},
		"a name that does not exist": {errors.New("dial tcp: lookup sns.example: no such host"), ""},
		"SNS refusal":                {failure("SNS", "CreateTopic", 403, api("AuthorizationError", "")), "denied"},
		"S3 HEAD refusal":            {failure("S3", "HeadBucket", 403, api("Forbidden", "Forbidden")), "denied"},
		"SQS's key refuses":          {failure("SQS", "SendMessage", 400, api("KMS.AccessDeniedException", "")), "denied"},
		"SQS's key, in JSON":         {failure("SQS", "ReceiveMessage", 400, api("KmsAccessDenied", "")), "denied"},
		"SNS's key refuses":          {failure("SNS", "Publish", 400, api("KMSAccessDenied", "")), "denied"},
		"SQS's key is off":           {failure("SQS", "SendMessage", 400, api("KMS.DisabledException", "")), ""},
		"SNS throttle":               {failure("SNS", "Publish", 429, api("Throttled", "")), "throttled retryable"},
		"DynamoDB throttle":          {failure("DynamoDB", "PutItem", 400, api("ProvisionedThroughputExceededException", "")), "throttled retryable"},
		"internal error":             {failure("SNS", "Publish", 500, api("InternalError", "")), "retryable"},
		"condition":                  {failure("DynamoDB", "PutItem", 400, &dynamodb.ConditionalCheckFailedException{}), "condition"},
		"condition of a transaction": {failure("DynamoDB", "TransactWriteItems", 400, canceled("None", "ConditionalCheckFailed")), "condition"},
		"S3 condition":               {failure("S3", "PutObject", 412, api("PreconditionFailed", "")), "condition"},
		"S3 race":                    {failure("S3", "PutObject", 409, api("ConditionalRequestConflict", "")), "contended retryable"},
		"race of transactions":       {failure("DynamoDB", "TransactWriteItems", 400, canceled("None", "TransactionConflict")), "contended retryable"},
		"a race and a failed condition": {
			failure("DynamoDB", "TransactWriteItems", 400, canceled("ConditionalCheckFailed", "TransactionConflict")), "condition",
		},
		"nothing": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var is []string
			for _, p := range []struct {
				name  string
				holds func(error) bool
			}{
				{"not found", awsclient.IsNotFound},
				{"denied", awsclient.IsAccessDenied},
				{"condition", awsclient.IsConditionFailed},
				{"contended", awsclient.IsContended},
				{"throttled", awsclient.IsThrottled},
				{"retryable", func(err error) bool { return err != nil && awsclient.IsRetryable(err) }},
			} {
				if p.holds(fmt.Errorf("wrapped: %w", test.err)) && test.err != nil {
					is = append(is, p.name)
				}
			}
			if got := strings.Join(is, " "); got != test.want {
				t.Errorf("%v is %q, want %q", test.err, got, test.want)
			}
		})
	}
}

func TestAMissingPermissionNamesActionAndResource(t *testing.T) {
	clients := &awsclient.Clients{CallerARN: "arn:aws:iam::111111111111:user/ci"}
	const resource = "arn:aws:s3:::xacct-acme"
	for name, test := range map[string]struct {
		err              error
		action, resource string
	}{
		"by the operation": {failure("SNS", "CreateTopic", 403, api("AuthorizationError", "no")), "sns:CreateTopic", resource},
		"if the IAM action has another name": {
			failure("S3", "PutPublicAccessBlock", 403, api("AccessDenied", "Access Denied")), "s3:PutBucketPublicAccessBlock", resource,
		},
		"by AWS's message": {
			failure("DynamoDB", "TransactWriteItems", 400, api("AccessDeniedException",
				"User: arn:aws:iam::111111111111:user/ci is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:eu-central-1:111111111111:table/xacct-acme because no identity-based policy allows the dynamodb:PutItem action")),
			"dynamodb:PutItem", "arn:aws:dynamodb:eu-central-1:111111111111:table/xacct-acme",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := clients.Explain(fmt.Errorf("make the hub: %w", test.err), resource)
			var denied *awsclient.PermissionError
			if !errors.As(err, &denied) || denied.Action != test.action || denied.Resource != test.resource {
				t.Fatalf("got %v, want %s on %s", err, test.action, test.resource)
			}
			if !errors.Is(err, test.err) || !strings.Contains(err.Error(), clients.CallerARN) {
				t.Errorf("the caller or the cause is lost: %v", err)
			}
			if again := clients.Explain(fmt.Errorf("again: %w", err), "other"); !strings.Contains(again.Error(), "again") || strings.Contains(again.Error(), "other") {
				t.Errorf("explained twice: %v", again)
			}
		})
	}
}

func TestAnyOtherErrorKeepsItsCause(t *testing.T) {
	cause := errors.New("the network is down")
	err := new(awsclient.Clients).Explain(cause, "arn:aws:sns:::topic")
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "arn:aws:sns:::topic") {
		t.Errorf("got %v", err)
	}
	if new(awsclient.Clients).Explain(nil, "anything") != nil {
		t.Error("nil became an error")
	}
}

func TestTagChangesIgnoreAWSsTags(t *testing.T) {
	set, drop := awsclient.TagChanges(
		map[string]string{"same": "1", "other": "1", "gone": "1", "aws:cloudformation:stack-name": "x"},
		map[string]string{"same": "1", "other": "2", "new": "3"})
	if diff := cmp.Diff(map[string]string{"other": "2", "new": "3"}, set); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"gone"}, drop); diff != "" {
		t.Errorf("drop (-want +got):\n%s", diff)
	}
}
