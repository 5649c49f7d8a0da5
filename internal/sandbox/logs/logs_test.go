// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package logs

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// allowAll is an authorizer that allows everything.
type allowAll struct{}

func (allowAll) Authorize(kernel.Authorization) error { return nil }

func TestALogGroupKeepsItsTagsIfMoreThan50AreRefused(t *testing.T) {
	t.Parallel()
	s := New(kernel.Env{Clock: kernel.NewClock(), Authorizer: allowAll{}})
	call := func(action, body string) (string, error) {
		r, err := s.Serve(&kernel.Call{
			Principal: &kernel.Principal{Account: "111111111111"}, Service: "logs", Action: action, Region: "eu-central-1", Body: []byte(body),
		})
		if err != nil {
			return "", err
		}
		return string(r.Body), nil
	}
	if _, err := call("CreateLogGroup", `{"logGroupName": "a", "tags": {"team": "blue"}}`); err != nil {
		t.Fatal(err)
	}
	var tags []string
	for n := range 50 {
		tags = append(tags, fmt.Sprintf(`"tag-%d": ""`, n))
	}
	const arn = `"resourceArn": "arn:aws:logs:eu-central-1:111111111111:log-group:a"`
	_, err := call("TagResource", `{`+arn+`, "tags": {`+strings.Join(tags, ", ")+`}}`)
	var refused *kernel.Error
	if !errors.As(err, &refused) || refused.Code != "TooManyTagsException" {
		t.Errorf("51 tags: %v", err)
	}
	if got, err := call("ListTagsForResource", `{`+arn+`}`); err != nil || got != `{"tags":{"team":"blue"}}` {
		t.Errorf("the tags are %s, %v", got, err)
	}
}
