// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
)

// RestXMLError returns the response with an error in S3's form: <Error><Code>…,
// without a body for HEAD.
func RestXMLError(c *Call, err *Error) *Response {
	header := http.Header{}
	maps.Copy(header, err.Header)
	header.Set("X-Amz-Request-Id", c.RequestID)
	if c.Request != nil && c.Request.Method == http.MethodHead {
		return &Response{Status: err.Status, Header: header}
	}
	body, marshalErr := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		Details   []detail
		RequestID string `xml:"RequestId"`
	}{Code: err.Code, Message: err.Message, Details: details(err.Fields), RequestID: c.RequestID})
	if marshalErr != nil {
		return &Response{Status: http.StatusInternalServerError}
	}
	header.Set("Content-Type", "application/xml")
	return &Response{Status: err.Status, Header: header, Body: append([]byte(xml.Header), body...)}
}

// detail is an additional element of an error: <Expires>…</Expires>.
type detail struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
}

// details returns the fields that are text, in the order of their names.
func details(fields map[string]any) []detail {
	var list []detail
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if text, ok := fields[name].(string); ok {
			list = append(list, detail{xml.Name{Local: name}, text})
		}
	}
	return list
}
