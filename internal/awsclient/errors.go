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

// Code returns AWS's code of an error, such as "AccessDenied"; empty if the
// error did not come from AWS.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// HasCode reports whether the error has one of AWS's codes.
func HasCode(err error, codes ...string) bool {
	code := Code(err)
	return code != "" && slices.Contains(codes, code)
}

// IsNotFound reports whether AWS said that the requested thing does not exist,
// in the words of any of its services. It is false for a refusal or an outage.
func IsNotFound(err error) bool {
	return HasCode(err,
		"NotFound", "NotFoundException", // SNS; S3's HEAD
		"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
		"ResourceNotFoundException", "TableNotFoundException", // DynamoDB
		"NoSuchBucket", "NoSuchKey", "NoSuchBucketPolicy", "NoSuchTagSet", "NoSuchPublicAccessBlockConfiguration",
		"NoSuchEntity", // IAM
	)
}

// IsAccessDenied reports whether AWS refused the caller, or refused the caller
// the use of the KMS key of what was asked for (aws-facts 13.4). S3's answers to
// HEAD have a status but no code.
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

// IsConditionFailed reports whether the condition of a write was not met: in
// DynamoDB, alone or in a transaction, or in S3.
func IsConditionFailed(err error) bool {
	if HasCode(err, "ConditionalCheckFailedException", "PreconditionFailed") {
		return true
	}
	return slices.ContainsFunc(CancellationReasons(err), func(r types.CancellationReason) bool {
		return r.Code != nil && *r.Code == "ConditionalCheckFailed"
	})
}

// IsContended reports whether another request was writing the same item at that
// moment; nothing was decided, and the caller should retry.
func IsContended(err error) bool {
	if HasCode(err, "ConditionalRequestConflict", "ConcurrentAccess", "ConcurrentAccessException", "TransactionConflictException",
		"TransactionInProgressException", "OperationAborted") {
		return true
	}
	return !IsConditionFailed(err) && slices.ContainsFunc(CancellationReasons(err), func(r types.CancellationReason) bool {
		return r.Code != nil && *r.Code == "TransactionConflict"
	})
}

// CancellationReasons returns those of a cancelled DynamoDB transaction, one
// for each of its items in order; nil for any other error.
func CancellationReasons(err error) []types.CancellationReason {
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		return canceled.CancellationReasons
	}
	return nil
}

// IsRetryable reports whether the same request may succeed a moment later:
// after throttling, AWS's own faults, and network errors.
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
