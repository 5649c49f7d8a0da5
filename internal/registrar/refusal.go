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
	Code       string // S3's, such as AccessDenied; empty: the answer was not S3's
	Delivery   onboarding.Delivery
}

func (e *RefusedError) Error() string {
	code := e.Code
	if code == "" {
		code = "with what is no answer of S3"
	}
	return fmt.Sprintf("CloudFormation's bucket refused the answer: %d %s", e.StatusCode, code)
}

// refusalOf reads an answer of the bucket that is not 2xx. Of all refusals only
// those of a signature, and those for its age, say anything of the request's
// origin (aws-facts 12.1, 12.11): a status alone does not, nor does the plain
// AccessDenied that an endpoint policy gives, and neither does what is not S3's
// XML, because then something else has answered.
func refusalOf(status int, body []byte) *RefusedError {
	code, message := s3Error(body)
	refused := &RefusedError{StatusCode: status, Code: code, Delivery: onboarding.Undecided}
	switch code {
	case "SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthorizationQueryParametersError", "InvalidToken":
		refused.Delivery = onboarding.Forged
	case "InvalidRequest":
		// A signature of version 2, which CloudFormation does not make (aws-facts
		// 1.8, 13.9); other invalid requests say nothing of who signed.
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

// passes reports whether a refusal may well be gone a moment later: a conflict,
// or a connection that was too slow (aws-facts 12.1).
func (e *RefusedError) passes() bool {
	switch e.Code {
	case "RequestTimeout", "OperationAborted", "ConditionalRequestConflict":
		return true
	}
	return e.StatusCode == http.StatusConflict
}

// codePattern is the form of S3's codes.
var codePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z]{1,64}$`) })

// s3Error reads code and message of S3's error; both are empty if the body is
// none. Nothing else of it is kept: it repeats what was signed.
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
