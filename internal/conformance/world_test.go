// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	base "github.com/xacct/terraform-provider-xacct/internal/trial"
)

const (
	customerAccount   = "222222222222"
	managementAccount = "555555555555"
	closedAccountID   = "444444444444"
)

func region(t *testing.T, name string) account.Region {
	t.Helper()
	r, err := account.ParseRegion(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// newSandbox returns a sandbox with all accounts that checks need.
func newSandbox(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	box := base.Sandbox(t)
	if _, err := box.NewOrganization(managementAccount, customerAccount); err != nil {
		t.Fatal(err)
	}
	for id, partition := range map[string]string{closedAccountID: "aws", "666666666666": "aws-us-gov", "777777777777": "aws-cn", "888888888888": "aws-eusc"} {
		if err := box.OpenAccount(id, partition); err != nil {
			t.Fatal(err)
		}
	}
	if err := box.CloseAccount(closedAccountID); err != nil {
		t.Fatal(err)
	}
	return box
}

// configure returns a configuration for a sandbox in which nothing waits: Pass moves
// the sandbox's clock.
func configure(t *testing.T, box *sandbox.Sandbox) Config {
	t.Helper()
	ledger, err := OpenLedger(t.TempDir(), "test01")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	file, err := box.SigningCAFile()
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	as := func(id, in string) awsclient.Config {
		keys, err := box.Credentials(id)
		if err != nil {
			t.Fatal(err)
		}
		return awsclient.Config{Region: in, AccessKey: keys.AccessKeyID, SecretKey: keys.SecretAccessKey, MaxRetries: 1}
	}
	config := Config{
		Run: "test01", Regions: []account.Region{region(t, "us-east-1"), region(t, "eu-west-1")}, Ledger: ledger, Endpoint: box.URL(), Bundle: bundle, Closed: closedAccountID,
		Vendor: as(sandbox.VendorAccount, "us-east-1"), Customer: as(customerAccount, "us-east-1"),
		Extra: map[Need]awsclient.Config{
			Management: as(managementAccount, "us-east-1"), Govcloud: as("666666666666", "us-gov-west-1"),
			China: as("777777777777", "cn-north-1"), Sovereign: as("888888888888", "eusc-de-east-1"),
		},
		Now: box.Clock().Now, Patience: 20 * time.Second,
		Poll: func(ctx context.Context, _ time.Duration) error { return sleep(ctx, 2*time.Millisecond) },
		Pass: func(ctx context.Context, d time.Duration) error {
			box.Clock().Advance(d)
			return sleep(ctx, 2*time.Millisecond)
		},
	}
	for _, o := range box.Organizations() {
		config.Unit = o.Root
	}
	return config
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func open(t *testing.T, config Config) *World {
	t.Helper()
	w, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
