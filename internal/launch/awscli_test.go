// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package launch

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
)

// The AWS command line checks our commands independently. It is a Python program, so the test
// runs only if XACCT_AWS_CLI is 1.
func TestTheAWSCommandLineSendsTheLinksParameters(t *testing.T) {
	if os.Getenv("XACCT_AWS_CLI") != "1" {
		t.Skip("set XACCT_AWS_CLI=1 to run the aws command line")
	}
	var sent url.Values
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		sent = r.PostForm
		_, _ = w.Write([]byte(`<R xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><CreateStackResult><StackId>s</StackId></CreateStackResult></R>`))
	}))
	defer aws.Close()
	for name, l := range map[string]quickcreate.Link{"globex": globex(), "hostile": hostile()} {
		sh := exec.CommandContext(t.Context(), "sh", "-c", must(CreateCommand(l)))
		sh.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+aws.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_PAGER=")
		if out, err := sh.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		got := map[string]string{}
		for range l.Parameters {
			member := "Parameters.member." + strconv.Itoa(len(got)+1) + "."
			got[sent.Get(member+"ParameterKey")] = sent.Get(member + "ParameterValue")
		}
		if diff := cmp.Diff(l.Parameters, got); diff != "" || sent.Get("TemplateURL") != l.TemplateURL ||
			sent.Get("StackName") != l.StackName || sent.Get("Capabilities.member.1") != "CAPABILITY_NAMED_IAM" {
			t.Errorf("%s: sent %v\n%s", name, sent, diff)
		}
	}
}
