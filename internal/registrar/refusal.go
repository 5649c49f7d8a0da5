// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// RefusedError indicates that CloudFormation's bucket refused an answer, and whether
// that shows who signed its URL.
type RefusedError struct {
	StatusCode int
	Code       string // S3's error code, such as AccessDenied; empty: the response was not S3's
	Delivery   onboarding.Delivery
}

func (e *RefusedError) Error() string {
	code := e.Code
	if code == "" {
		code = "with a response that is not from S3"
	}
	return fmt.Sprintf("CloudFormation's bucket refused the answer: %d %s", e.StatusCode, code)
}

// refusalOf returns the refusal in a response whose status is not 2xx. Only errors
// about the signature and about its age show anything about the request's origin
// (aws-facts 12.1, 12.11). A status alone does not, nor does the plain AccessDenied
// that an endpoint policy causes, nor a body that is not S3's XML, because then
// another server has responded.
func refusalOf(status int, body []byte) *RefusedError {
	code, message := s3Error(body)
	refused := &RefusedError{StatusCode: status, Code: code, Delivery: onboarding.Undecided}
	switch code {
	case "SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthorizationQueryParametersError", "InvalidToken":
		refused.Delivery = onboarding.Forged
	case "InvalidRequest":
		// The URL has a signature of version 2, which CloudFormation does not make
		// (aws-facts 1.8, 13.9). Other InvalidRequest errors do not show who signed.
		if strings.Contains(message, "AWS4-HMAC-SHA256") {
			refused.Delivery = onboarding.Forged
		}
	case "ExpiredToken":
		refused.Delivery = onboarding.Expired
	case "AccessDenied":
		if strings.EqualFold(strings.TrimRight(message, "."), "Request has expired") {
			refused.Delivery = onboarding.Expired
		}
	}
	return refused
}

// temporary reports whether a retry a moment later may succeed: after a conflict, or a
// connection that was too slow (aws-facts 12.1).
func (e *RefusedError) temporary() bool {
	switch e.Code {
	case "RequestTimeout", "OperationAborted", "ConditionalRequestConflict":
		return true
	}
	return e.StatusCode == http.StatusConflict
}

// codePattern matches S3's error codes.
var codePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z]{1,64}$`) })

// s3Error returns the code and the message of S3's error; both are empty if the body
// is not an S3 error. The other elements are dropped, because they repeat what was
// signed.
func s3Error(body []byte) (code, message string) {
	var found struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}
	if xml.Unmarshal(body, &found) != nil || !codePattern().MatchString(found.Code) {
		return "", ""
	}
	return found.Code, found.Message
}
