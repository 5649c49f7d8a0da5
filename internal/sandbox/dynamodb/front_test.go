// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

const (
	vendor   = "111111111111"
	stranger = "222222222222"
	region   = "eu-west-1"
)

// world is a DynamoDB behind a minimal HTTP server: the access key is the
// account, optionally with the name of a policy after a dash. The sandbox's own
// server, which checks signatures, is tested in its own package.
type world struct {
	t        *testing.T
	clock    *kernel.Clock
	service  *dynamodb.Service
	url      string
	policies map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := kernel.NewClock()
	w := &world{t: t, clock: clock, policies: map[string]string{}}
	w.service = dynamodb.New(kernel.Env{Clock: clock, Rand: rand.Reader, Authorizer: policy.NewEvaluator(clock.Now)})
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scopes := strings.Split(scope, "/")
	account, name, _ := strings.Cut(scopes[0], "-")
	document, ok := w.policies[name]
	if !ok {
		document = allowAll
	}
	c := &kernel.Call{
		Context: r.Context(), Service: "dynamodb", Region: scopes[2], Request: r, Body: body, RequestID: "test",
		Principal: &kernel.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":user/" + name, Identity: []string{document}},
	}
	c.Action = w.service.Action(r, body)
	response, err := w.service.Serve(c)
	if err != nil {
		var known *kernel.Error
		if !errors.As(err, &known) {
			known = kernel.Errorf(http.StatusInternalServerError, "InternalServerError", "%v", err)
		}
		response = w.service.EncodeError(c, known)
	}
	for header, values := range response.Header {
		rw.Header()[header] = values
	}
	rw.WriteHeader(response.Status)
	_, _ = rw.Write(response.Body)
}

// client returns the SDK's client of an account; "111111111111-reader" is the
// vendor's user with the policy "reader".
func (w *world) client(key string) *sdk.Client {
	return w.clientIn(key, region)
}

func (w *world) clientIn(key, region string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: &w.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
	})
}

// table creates a table with keys pk and sk.
func (w *world) table(name string) *sdk.Client {
	w.t.Helper()
	client := w.client(vendor)
	_, err := client.CreateTable(context.Background(), tableInput(name))
	noError(w.t, err)
	return client
}

func tableInput(name string) *sdk.CreateTableInput {
	return &sdk.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	}
}

type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

func key(pk, sk string) item { return item{"pk": str(pk), "sk": str(sk)} }

// with returns a copy of a key with more attributes.
func with(k item, more item) item {
	out := item{}
	for name, v := range k {
		out[name] = v
	}
	for name, v := range more {
		out[name] = v
	}
	return out
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode checks an error's code and a part of its message.
func wantCode(t *testing.T, err error, code, part string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("got %v, want the error %s", err, code)
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), part) {
		t.Fatalf("got %s: %q, want %s with %q", api.ErrorCode(), api.ErrorMessage(), code, part)
	}
}
