// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"errors"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Code returns the AWS error code of an error, such as "AccessDenied"; empty if the
// error did not come from AWS.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// HasCode reports whether the error has one of the AWS error codes.
func HasCode(err error, codes ...string) bool {
	code := Code(err)
	return code != "" && slices.Contains(codes, code)
}

// IsNotFound reports whether the error is one of those with which AWS services report
// that the requested resource does not exist. It is false for a denial or an outage.
func IsNotFound(err error) bool {
	return HasCode(err,
		"NotFound", "NotFoundException", // SNS; S3's HEAD
		"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
		"ResourceNotFoundException", "TableNotFoundException", // DynamoDB
		"NoSuchBucket", "NoSuchKey", "NoSuchBucketPolicy", "NoSuchTagSet", "NoSuchPublicAccessBlockConfiguration",
		"NoSuchEntity", // IAM
	)
}

// IsAccessDenied reports whether AWS denied the request, or the use of the KMS key of
// the requested resource (aws-facts 13.4). S3's responses to HEAD have a status but no
// code.
func IsAccessDenied(err error) bool {
	return HasCode(err,
		"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "UnauthorizedOperation",
		"KMS.AccessDeniedException", "KmsAccessDenied", // SQS, by query and by JSON
		"KMSAccessDenied", // SNS
	) ||
		Code(err) == "Forbidden" && status(err) == http.StatusForbidden
}

// IsThrottled reports whether AWS throttled the request.
func IsThrottled(err error) bool {
	_, throttle := retry.DefaultThrottleErrorCodes[Code(err)]
	return throttle || HasCode(err, "Throttled", "ThrottledException", "RequestThrottled") || status(err) == http.StatusTooManyRequests
}

// IsConditionFailed reports whether the condition of a write was not met: of a single
// write or a transaction in DynamoDB, or in S3.
func IsConditionFailed(err error) bool {
	if HasCode(err, "ConditionalCheckFailedException", "PreconditionFailed") {
		return true
	}
	return slices.ContainsFunc(CancellationReasons(err), func(r types.CancellationReason) bool {
		return r.Code != nil && *r.Code == "ConditionalCheckFailed"
	})
}

// IsContended reports whether AWS refused a write because of a concurrent write to the
// same item. The condition of the write was not evaluated, so the caller should retry.
func IsContended(err error) bool {
	if HasCode(err, "ConditionalRequestConflict", "ConcurrentAccess", "ConcurrentAccessException", "TransactionConflictException",
		"TransactionInProgressException", "OperationAborted") {
		return true
	}
	return !IsConditionFailed(err) && slices.ContainsFunc(CancellationReasons(err), func(r types.CancellationReason) bool {
		return r.Code != nil && *r.Code == "TransactionConflict"
	})
}

// CancellationReasons returns the reasons of a cancelled DynamoDB transaction, one for
// each of its items in order; nil for any other error.
func CancellationReasons(err error) []types.CancellationReason {
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		return canceled.CancellationReasons
	}
	return nil
}

// IsRetryable reports whether the same request may succeed if it is retried: after
// throttling, contention, server errors of AWS and network errors.
func IsRetryable(err error) bool {
	return IsThrottled(err) || IsContended(err) ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

func status(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}
