// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// The AWS query protocol: a form in, XML out. IAM, STS, SNS and CloudFormation
// use it.

// Query holds the parameters of one request in the query protocol.
type Query url.Values

// ParseQuery returns the parameters in a request's URL and in its body, a form.
// An invalid form is ignored.
func ParseQuery(r *http.Request, body []byte) Query {
	values := url.Values{}
	if r != nil && r.URL != nil {
		values = r.URL.Query()
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return Query(values)
	}
	for name, list := range form {
		values[name] = append(values[name], list...)
	}
	return Query(values)
}

// Get returns a parameter, or "" if it is absent.
func (q Query) Get(name string) string { return url.Values(q).Get(name) }

// Has reports whether a request has a parameter, even an empty one.
func (q Query) Has(name string) bool { return url.Values(q).Has(name) }

// List returns the strings of "Name.member.1", "Name.member.2", …
func (q Query) List(name string) []string {
	var list []string
	for i := 1; q.Has(memberName(name, "member", i)); i++ {
		list = append(list, q.Get(memberName(name, "member", i)))
	}
	return list
}

// Structs returns the structures of "Name.member.1.Field", …, each with its
// prefix cut off.
func (q Query) Structs(name string) []Query { return q.structs(name, "member") }

// Map returns the pairs of "Name.entry.1.key" and "Name.entry.1.value".
func (q Query) Map(name string) map[string]string {
	entries := q.structs(name, "entry")
	if len(entries) == 0 {
		return nil
	}
	pairs := make(map[string]string, len(entries))
	for _, e := range entries {
		pairs[e.Get("key")] = e.Get("value")
	}
	return pairs
}

func (q Query) structs(name, kind string) []Query {
	var list []Query
	for i := 1; ; i++ {
		prefix := memberName(name, kind, i) + "."
		fields := Query{}
		for key, values := range q {
			if rest, found := strings.CutPrefix(key, prefix); found {
				fields[rest] = values
			}
		}
		if len(fields) == 0 {
			return list
		}
		list = append(list, fields)
	}
}

func memberName(name, kind string, i int) string {
	return name + "." + kind + "." + strconv.Itoa(i)
}

// QueryAction returns the name of the operation in a request of the query
// protocol.
func QueryAction(r *http.Request, body []byte) string { return ParseQuery(r, body).Get("Action") }

// QueryResult returns the response with a result:
// <ActionResponse xmlns="…"><ActionResult>…. The result is a struct (lists as
// `xml:"Tags>member"`), or nil for an action without a result.
func QueryResult(c *Call, namespace string, result any) (*Response, error) {
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	root := xml.StartElement{
		Name: xml.Name{Local: c.Action + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}},
	}
	if err := e.EncodeToken(root); err != nil {
		return nil, err
	}
	if result != nil {
		if err := e.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: c.Action + "Result"}}); err != nil {
			return nil, err
		}
	}
	metadata := struct{ RequestId string }{c.RequestID} //nolint:revive // the element's name
	if err := e.EncodeElement(metadata, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}); err != nil {
		return nil, err
	}
	if err := e.EncodeToken(root.End()); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	return xmlResponse(c, http.StatusOK, b.Bytes()), nil
}

// QueryError returns the response with an error:
// <ErrorResponse><Error><Type>Sender….
func QueryError(c *Call, namespace string, err *Error) *Response {
	fault := "Sender"
	if err.Status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	type detail struct{ Type, Code, Message string }
	body, marshalErr := xml.Marshal(struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Namespace string   `xml:"xmlns,attr,omitempty"`
		Error     detail
		RequestID string `xml:"RequestId"`
	}{Namespace: namespace, Error: detail{fault, err.Code, err.Message}, RequestID: c.RequestID})
	if marshalErr != nil {
		return &Response{Status: http.StatusInternalServerError}
	}
	return xmlResponse(c, err.Status, body)
}

func xmlResponse(c *Call, status int, body []byte) *Response {
	header := http.Header{}
	header.Set("Content-Type", "text/xml")
	header.Set("X-Amzn-Requestid", c.RequestID)
	return &Response{Status: status, Header: header, Body: body}
}

// UnknownQueryAction returns AWS's error for an action that a service of the
// query protocol does not have; the sandbox uses it for actions that it does
// not implement.
func UnknownQueryAction(c *Call) *Error {
	return Errorf(http.StatusBadRequest, "InvalidAction",
		"The action %s is not valid for this endpoint. (The sandbox's %s does not implement it.)", c.Action, c.Service)
}
