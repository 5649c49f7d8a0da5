// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"encoding/xml"
	"net/http"
)

// RestXMLError writes an error in S3's form: <Error><Code>…, without a body
// for HEAD.
func RestXMLError(c *Call, err *Error) *Response {
	header := http.Header{}
	header.Set("X-Amz-Request-Id", c.RequestID)
	if c.Request != nil && c.Request.Method == http.MethodHead {
		return &Response{Status: err.Status, Header: header}
	}
	body, marshalErr := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}{Code: err.Code, Message: err.Message, RequestID: c.RequestID})
	if marshalErr != nil {
		return &Response{Status: http.StatusInternalServerError}
	}
	header.Set("Content-Type", "application/xml")
	return &Response{Status: err.Status, Header: header, Body: append([]byte(xml.Header), body...)}
}
