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

// Code is AWS's code of an error, such as "AccessDenied"; empty where the
// error did not come from AWS.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// HasCode reports whether AWS gave one of the codes.
func HasCode(err error, codes ...string) bool {
	code := Code(err)
	return code != "" && slices.Contains(codes, code)
}

// IsNotFound reports that the thing itself definitely is not there, whatever
// service said so. A refusal or an outage is not that.
func IsNotFound(err error) bool {
	return HasCode(err,
		"NotFound", "NotFoundException", // SNS; S3's HEAD
		"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
		"ResourceNotFoundException", "TableNotFoundException", // DynamoDB
		"NoSuchBucket", "NoSuchKey", "NoSuchBucketPolicy", "NoSuchTagSet", "NoSuchPublicAccessBlockConfiguration",
		"NoSuchEntity", // IAM
	)
}

// IsAccessDenied reports that AWS refused the caller. S3's HEAD answers carry
// no code but the status.
func IsAccessDenied(err error) bool {
	return HasCode(err, "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "UnauthorizedOperation") ||
		Code(err) == "Forbidden" && status(err) == http.StatusForbidden
}

// IsThrottled reports that AWS asked to be asked more slowly.
func IsThrottled(err error) bool {
	_, throttle := retry.DefaultThrottleErrorCodes[Code(err)]
	return throttle || HasCode(err, "Throttled", "ThrottledException", "RequestThrottled") || status(err) == http.StatusTooManyRequests
}

// IsConditionFailed reports that a conditional write found something else than
// it expected: in DynamoDB, alone or in a transaction, or in S3.
func IsConditionFailed(err error) bool {
	if HasCode(err, "ConditionalCheckFailedException", "PreconditionFailed") {
		return true
	}
	return slices.ContainsFunc(CancellationReasons(err), func(r types.CancellationReason) bool {
		return r.Code != nil && *r.Code == "ConditionalCheckFailed"
	})
}

// IsContended reports that another request was writing the same thing at that
// moment; nothing was decided, and trying again is right.
func IsContended(err error) bool {
	if HasCode(err, "ConditionalRequestConflict", "ConcurrentAccess", "ConcurrentAccessException", "TransactionConflictException",
		"TransactionInProgressException", "OperationAborted") {
		return true
	}
	return !IsConditionFailed(err) && slices.ContainsFunc(CancellationReasons(err), func(r types.CancellationReason) bool {
		return r.Code != nil && *r.Code == "TransactionConflict"
	})
}

// CancellationReasons are those of a cancelled DynamoDB transaction, one for
// each of its items in order; nil for any other error.
func CancellationReasons(err error) []types.CancellationReason {
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		return canceled.CancellationReasons
	}
	return nil
}

// IsRetryable reports that the same request may well go through a moment
// later: throttling, AWS's own faults, and the network's.
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
