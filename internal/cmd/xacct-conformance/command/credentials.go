// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	smithytime "github.com/aws/smithy-go/time"
	"github.com/spf13/cobra"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/conformance"
)

const credentialsHelp = `Credentials come from the environment, for each account a profile or keys:

  XACCT_CONFORMANCE_VENDOR_PROFILE, or ..._VENDOR_ACCESS_KEY_ID with
    ..._VENDOR_SECRET_ACCESS_KEY and, for a session, ..._VENDOR_SESSION_TOKEN
  XACCT_CONFORMANCE_CUSTOMER_...    the same for the customer

and, for the checks that need them:

  XACCT_CONFORMANCE_MANAGEMENT_...  the management account of the customer's
    organization, with XACCT_CONFORMANCE_UNIT, its root's or a unit's ID
  XACCT_CONFORMANCE_GOVCLOUD_..., _CHINA_..., _SOVEREIGN_...  an account there;
    ..._GOVCLOUD_REGION and so on set its Region (default: us-gov-west-1, cn-north-1,
    eusc-de-east-1)
  XACCT_CONFORMANCE_CLOSED_ACCOUNT  the ID of an account that was closed`

const variables = "XACCT_CONFORMANCE_"

// environment returns the value of a variable, as os.Getenv does.
type environment func(string) string

// configOf returns an account's configuration, and whether it has one.
func (e environment) configOf(name string) (awsclient.Config, bool) {
	get := func(part string) string { return e(variables + name + "_" + part) }
	config := awsclient.Config{
		Profile: get("PROFILE"), AccessKey: get("ACCESS_KEY_ID"), SecretKey: get("SECRET_ACCESS_KEY"), Token: get("SESSION_TOKEN"), Region: get("REGION"),
	}
	return config, config.Profile != "" || config.AccessKey != ""
}

// extras are the additional accounts that some checks need, with their default Regions.
var extras = []struct {
	need         conformance.Need
	name, region string
}{
	{conformance.Management, "MANAGEMENT", ""},
	{conformance.Govcloud, "GOVCLOUD", "us-gov-west-1"},
	{conformance.China, "CHINA", "cn-north-1"},
	{conformance.Sovereign, "SOVEREIGN", "eusc-de-east-1"},
}

// worldFlags are the flags of commands that use the accounts.
type worldFlags struct {
	regions   []string
	folder    string
	provider  string
	terraform string
}

func (f *worldFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.regions, "regions", nil, "Regions to test in; the first is used for checks of one Region (default: $AWS_REGION and one more)")
	cmd.Flags().StringVar(&f.folder, "state", "", "folder for the ledgers of runs (default: xacct-conformance in the user's configuration folder)")
}

// folderOf returns the folder of the ledgers.
func (f *worldFlags) folderOf() (string, error) {
	if f.folder != "" {
		return f.folder, nil
	}
	home, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the ledgers: give one with --state: %w", err)
	}
	return filepath.Join(home, "xacct-conformance"), nil
}

// open opens the accounts for a run.
func (f *worldFlags) open(ctx context.Context, get environment, run string, ledger *conformance.Ledger) (*conformance.World, error) {
	config := conformance.Config{
		Run: run, Ledger: ledger, Extra: map[conformance.Need]awsclient.Config{}, Closed: get(variables + "CLOSED_ACCOUNT"), Unit: get(variables + "UNIT"),
		Now: time.Now, Poll: smithytime.SleepWithContext, Pass: smithytime.SleepWithContext, Patience: 3 * time.Minute, LongPoll: 5,
		Provider: f.provider, Terraform: f.terraform,
	}
	if config.Terraform == "" {
		config.Terraform, _ = exec.LookPath("terraform") // its check reports what is missing
	}
	for _, party := range []struct {
		name string
		into *awsclient.Config
	}{{"VENDOR", &config.Vendor}, {"CUSTOMER", &config.Customer}} {
		found, given := get.configOf(party.name)
		if !given {
			return nil, cli.Usage("no credentials of the %s: set %s%s_PROFILE or %s%s_ACCESS_KEY_ID", strings.ToLower(party.name), variables, party.name, variables, party.name)
		}
		*party.into = found
	}
	names := f.regions
	if len(names) == 0 {
		names = defaultRegions(get("AWS_REGION"))
	}
	for _, name := range names {
		region, err := account.ParseRegion(name)
		if err != nil {
			return nil, cli.Usage("invalid --regions: %w", err)
		}
		config.Regions = append(config.Regions, region)
	}
	for _, e := range extras {
		found, given := get.configOf(e.name)
		if !given {
			continue
		}
		if found.Region == "" {
			found.Region = e.region
		}
		config.Extra[e.need] = found
	}
	if config.Unit == "" {
		delete(config.Extra, conformance.Management)
	}
	return conformance.Open(ctx, config)
}

func defaultRegions(first string) []string {
	switch first {
	case "", "us-east-1":
		return []string{"us-east-1", "eu-central-1"}
	}
	return []string{first, "us-east-1"}
}

// newRun returns a random name for a run.
func newRun() (string, error) {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	name := []byte("r")
	for range 5 {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			return "", fmt.Errorf("name the run: %w", err)
		}
		name = append(name, letters[n.Int64()])
	}
	return string(name), nil
}
