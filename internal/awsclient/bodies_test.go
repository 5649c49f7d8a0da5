// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// quick responds once it has read the bytes of a request's body, without reading its end.
type quick struct{ body io.ReadCloser }

func (q *quick) Do(r *http.Request) (*http.Response, error) {
	q.body = r.Body
	if _, err := io.ReadFull(r.Body, make([]byte, r.ContentLength)); err != nil {
		return nil, err
	}
	const answer = `<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes/></GetTopicAttributesResult></GetTopicAttributesResponse>`
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

func TestARequestsBodyEndsWithoutAnErrorEvenAfterTheResponse(t *testing.T) {
	server := &quick{}
	client := sns.New(sns.Options{
		Region: "eu-central-1", HTTPClient: plainBodies{server}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
	})
	if _, err := client.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String("arn:aws:sns:eu-central-1:111111111111:news")}); err != nil {
		t.Fatal(err)
	}
	// net/http reads to the end as well, and closes the connection if that fails.
	if n, err := io.Copy(io.Discard, server.body); n != 0 || err != nil {
		t.Errorf("after its end the body returns %d more bytes and %v", n, err)
	}
}
