// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs

import (
	"net/http"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// EncodeError returns the response for an error, with both of its codes: the
// shape's name in the body, and the code of the older query protocol, which
// SDKs prefer, in a header.
func (s *Service) EncodeError(c *kernel.Call, e *kernel.Error) *kernel.Response {
	fault := "Sender"
	if e.Status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	r := kernel.JSONError(c, "com.amazonaws.sqs", e)
	r.Header.Set("X-Amzn-Query-Error", queryCode(e.Code)+";"+fault)
	return r
}

// queryCodes are the codes of the query protocol that differ from the shape's
// name.
var queryCodes = map[string]string{
	"QueueDoesNotExist":            "AWS.SimpleQueueService.NonExistentQueue",
	"QueueNameExists":              "QueueAlreadyExists",
	"QueueDeletedRecently":         "AWS.SimpleQueueService.QueueDeletedRecently",
	"PurgeQueueInProgress":         "AWS.SimpleQueueService.PurgeQueueInProgress",
	"MessageNotInflight":           "AWS.SimpleQueueService.MessageNotInflight",
	"UnsupportedOperation":         "AWS.SimpleQueueService.UnsupportedOperation",
	"EmptyBatchRequest":            "AWS.SimpleQueueService.EmptyBatchRequest",
	"TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
	"BatchEntryIdsNotDistinct":     "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
	"InvalidBatchEntryId":          "AWS.SimpleQueueService.InvalidBatchEntryId",
	"BatchRequestTooLong":          "AWS.SimpleQueueService.BatchRequestTooLong",
	"KmsAccessDenied":              "KMS.AccessDeniedException",
	"KmsDisabled":                  "KMS.DisabledException",
	"KmsInvalidState":              "KMS.InvalidStateException",
	"KmsNotFound":                  "KMS.NotFoundException",
	"KmsThrottled":                 "KMS.ThrottlingException",
}

func queryCode(code string) string {
	if q, ok := queryCodes[code]; ok {
		return q
	}
	return code
}

// The following functions return the errors of several operations.

func errNoQueue() error {
	return kernel.Errorf(http.StatusBadRequest, "QueueDoesNotExist", "The specified queue does not exist.")
}

func errParameter(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidParameterValue", format, args...)
}

func errMissing(parameter string) error {
	return kernel.Errorf(http.StatusBadRequest, "MissingParameter", "The request must contain the parameter %s.", parameter)
}
