// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Inside executes calls that one service of the sandbox makes to another: when
// CloudFormation creates a role for a customer, or SNS sends to a queue. A call
// is the request that would have come over HTTP, without the signature: the
// same authorization, faults and journal apply, because tests rely on them.
//
// A call has Context, Principal, Service and Region, and Request and Body as
// they would be on the wire (CallQuery, CallJSON and GetObject set them);
// Do sets Action and RequestID. A service's error is an *Error, not yet
// encoded.
type Inside interface {
	Do(c *Call) (*Response, error)
}

// CallQuery calls an action of the query protocol (IAM, STS, SNS,
// CloudFormation) and decodes the <…Result> element into out, which may be nil.
//
//	var created struct{ Arn string `xml:"Role>Arn"` }
//	err := kernel.CallQuery(ctx, inside, principal, "us-east-1", "iam", "CreateRole", params, &created)
func CallQuery(ctx context.Context, in Inside, p *Principal, region, service, action string, params url.Values, out any) error {
	form := url.Values{"Action": {action}}
	for name, values := range params {
		form[name] = values
	}
	body := []byte(form.Encode())
	r, err := insideRequest(ctx, http.MethodPost, "http://"+service+"."+region+".amazonaws.com/", body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	response, err := in.Do(&Call{Context: ctx, Principal: p, Service: service, Region: region, Request: r, Body: body})
	if err != nil || out == nil {
		return err
	}
	return decodeQueryResult(response.Body, action+"Result", out)
}

// CallJSON calls an action of the JSON protocol (SQS: prefix "AmazonSQS",
// DynamoDB: "DynamoDB_20120810"); out may be nil.
func CallJSON(ctx context.Context, in Inside, p *Principal, region, service, prefix, action string, params, out any) error {
	body, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("encode the parameters of %s %s: %w", service, action, err)
	}
	r, err := insideRequest(ctx, http.MethodPost, "http://"+service+"."+region+".amazonaws.com/", body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", prefix+"."+action)
	response, err := in.Do(&Call{Context: ctx, Principal: p, Service: service, Region: region, Request: r, Body: body})
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(response.Body, out)
}

// CallS3 sends a request about a bucket to S3. The subresource is "policy", for
// example, or empty for the bucket itself.
func CallS3(ctx context.Context, in Inside, p *Principal, region, method, bucket, subresource string, body []byte) error {
	address := "http://s3." + region + "." + URLSuffix(region) + "/" + bucket
	if subresource != "" {
		address += "?" + subresource
	}
	r, err := insideRequest(ctx, method, address, body)
	if err != nil {
		return err
	}
	_, err = in.Do(&Call{Context: ctx, Principal: p, Service: "s3", Region: region, Request: r, Body: body})
	return err
}

// GetObject returns the S3 object at a URL, as CloudFormation reads a template:
// with the principal's own permissions. If the URL is presigned, Inside.Do
// checks its signature, and the signer's permissions are used.
func GetObject(ctx context.Context, in Inside, p *Principal, region, objectURL string) ([]byte, error) {
	r, err := insideRequest(ctx, http.MethodGet, objectURL, nil)
	if err != nil {
		return nil, err
	}
	response, err := in.Do(&Call{Context: ctx, Principal: p, Service: "s3", Region: region, Request: r})
	if err != nil {
		return nil, err
	}
	if response.Status != http.StatusOK {
		return nil, Errorf(response.Status, http.StatusText(response.Status), "S3 answered %d", response.Status)
	}
	return response.Body, nil
}

func insideRequest(ctx context.Context, method, address string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make a request inside the sandbox: %w", err)
	}
	return r, nil
}

// decodeQueryResult decodes the first element with a name into out. It returns
// an error if there is none.
func decodeQueryResult(body []byte, name string, out any) error {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the answer has no element %s", name)
		}
		if err != nil {
			return fmt.Errorf("decode %s: %w", name, err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == name {
			return decoder.DecodeElement(out, &start)
		}
	}
}
