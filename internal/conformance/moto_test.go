// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	base "github.com/xacct/terraform-provider-xacct/internal/trial"
)

// motoAgrees are the checks that also hold on moto 5.2 and are meaningful there: moto
// evaluates callers' policies only in part, does not evaluate policies of topics,
// trusts
// and partitions, and its CloudFormation sends custom resources only to Lambda.
//
// The checks that differ do so because moto validates less (5.1, 5.4a, 5.5, 13.8,
// 4.2b,
// 13.3, 7.3, 10.4), except for one: moto refuses events for a bus that does not exist
// (11.2), contrary to two observations.
var motoAgrees = []string{"1.21", "3.5", "5.3", "5.7a", "6a", "6b", "7.5", "10.1", "10.2a", "10.2b", "10.3", "13.4a"}

// TestASecondEngineAgrees runs these checks against moto, an independent in-memory
// AWS: make conformance-moto.
func TestASecondEngineAgrees(t *testing.T) {
	t.Parallel()
	if os.Getenv("XACCT_CONFORMANCE_MOTO") == "" {
		t.Skip("needs moto_server, a Python program: make conformance-moto")
	}
	url := startMoto(t)
	ledger, err := OpenLedger(t.TempDir(), "moto01")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	wait := func(ctx context.Context, _ time.Duration) error { return sleep(ctx, 50*time.Millisecond) }
	config := Config{
		Run: "moto01", Regions: []account.Region{region(t, "us-east-1"), region(t, "eu-west-1")}, Ledger: ledger, Endpoint: url,
		Vendor: awsclient.Config{Region: "us-east-1", AccessKey: "AKIAIOSFODNN7EXAMPLE", SecretKey: "x", MaxRetries: 1},
		Now:    time.Now, Poll: wait, Pass: wait, Patience: 5 * time.Second,
	}
	config.Customer = config.Vendor
	config.Customer.AccessKey, config.Customer.Token = motoAccount(t, config)
	w := open(t, config)
	checks, err := Find(motoAgrees...)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("XACCT_CONFORMANCE_MOTO") == "all" { // to see what else moto has learned
		checks = All()
	}
	Run(t.Context(), w, checks, "test", func(r Result) {
		t.Logf("%-16s %-10s %.160s", r.ID, r.Outcome, r.Seen)
		if r.Outcome != Holds && len(checks) < len(All()) {
			t.Errorf("%s %s: %s", r.ID, r.Outcome, r.Seen)
		}
	})
	_ = Clean(t.Context(), w, func(Entry, error) {}) // moto forgets all of it
}

// startMoto starts moto_server, which ends with the test, and returns its URL.
func startMoto(t *testing.T) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	process, err := base.Start(exec.Command("moto_server", "-H", "127.0.0.1", "-p", port), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	url = "http://127.0.0.1:" + port
	for range 300 {
		if response, err := http.Get(url + "/moto-api/"); err == nil {
			_ = response.Body.Close()
			return url
		}
		if err := sleep(t.Context(), 100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("moto_server does not start: %s", process.Output())
	return ""
}

// motoAccount returns an access key and a session token of another account: moto
// returns one to each caller that assumes a role in it.
func motoAccount(t *testing.T, config Config) (key, token string) {
	t.Helper()
	w := &World{Config: config}
	p, err := w.party(t.Context(), "vendor", config.Vendor)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.STS(p.Region).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + customerAccount + ":role/any"), RoleSessionName: aws.String("customer"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Credentials.AccessKeyId, *out.Credentials.SessionToken
}
