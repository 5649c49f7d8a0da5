// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient_test

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// start returns a sandbox and a configuration of its vendor that ignores the
// machine's environment.
func start(t *testing.T) (*sandbox.Sandbox, awsclient.Config) {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	keys, err := box.Credentials(sandbox.VendorAccount)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SNS", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_S3",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "credentials"))
	return box, awsclient.Config{
		Region:    "eu-central-1",
		AccessKey: keys.AccessKeyID,
		SecretKey: keys.SecretAccessKey,
		Endpoints: map[string]string{"sts": box.URL(), "sns": "http://sns.example"},
	}
}

func load(t *testing.T, config awsclient.Config) *awsclient.Clients {
	t.Helper()
	clients, found := awsclient.Load(t.Context(), config)
	if clients == nil {
		t.Fatalf("no clients: %+v", found)
	}
	return clients
}

func refused(t *testing.T, config awsclient.Config) awsclient.Diagnostic {
	t.Helper()
	clients, found := awsclient.Load(t.Context(), config)
	if clients != nil || len(found) == 0 {
		t.Fatalf("got clients %v and diagnostics %v, want an error", clients, found)
	}
	return found[len(found)-1]
}

func TestLoadReturnsTheCaller(t *testing.T) {
	_, config := start(t)
	clients := load(t, config)
	if clients.Account.String() != sandbox.VendorAccount || clients.CallerARN != "arn:aws:iam::111111111111:user/admin" ||
		clients.Region.String() != "eu-central-1" || clients.Partition().String() != "aws" {
		t.Errorf("got account %s, caller %s, Region %s, partition %s", clients.Account, clients.CallerARN, clients.Region, clients.Partition())
	}
}

func TestEnvironmentVariablesHaveTheirUsualMeaning(t *testing.T) {
	box, config := start(t)
	t.Setenv("AWS_REGION", "us-west-2")
	t.Setenv("AWS_ACCESS_KEY_ID", config.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", config.SecretKey)
	t.Setenv("AWS_ENDPOINT_URL", box.URL())
	t.Setenv("AWS_ENDPOINT_URL_SNS", "http://notify.example")
	clients := load(t, awsclient.Config{})
	if clients.Region.String() != "us-west-2" {
		t.Errorf("Region is %s", clients.Region)
	}
	for service, want := range map[string]string{"sqs": box.URL(), "s3": box.URL(), "dynamodb": box.URL(), "sts": box.URL(), "sns": "http://notify.example"} {
		if got := clients.Endpoint(service); got != want {
			t.Errorf("endpoint of %s is %q, want %q", service, got, want)
		}
	}
	if !clients.S3().Options().UsePathStyle {
		t.Error("a bucket name would become a part of a loopback address")
	}
}

func TestTheConfigurationOverridesTheEnvironment(t *testing.T) {
	_, config := start(t)
	t.Setenv("AWS_REGION", "us-west-2")
	t.Setenv("AWS_ENDPOINT_URL", "http://environment.example")
	clients := load(t, config)
	if clients.Region.String() != "eu-central-1" || clients.Endpoint("sns") != "http://sns.example" {
		t.Errorf("got Region %s and endpoint %s", clients.Region, clients.Endpoint("sns"))
	}
}

func TestWithoutEndpointsAWSsAreUsed(t *testing.T) {
	_, config := start(t)
	clients := load(t, config)
	if got := clients.Endpoint("s3"); got != "" || clients.S3().Options().UsePathStyle {
		t.Errorf("S3 goes to %q", got)
	}
}

func TestAnUnreadableBundleIsNamedWithItsVariable(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, why := range map[string]string{
		filepath.Join(dir, "nowhere.pem"): "which cannot be read: no such file or directory",
		dir:                               "which cannot be read: is a directory",
		empty:                             "which holds no certificate in PEM",
	} {
		_, config := start(t)
		t.Setenv("AWS_CA_BUNDLE", path)
		if got := refused(t, config).Detail; !strings.HasPrefix(got, "AWS_CA_BUNDLE names the file "+path+", "+why) {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestAnUnreadableBundleOfAProfileIsNamedWithTheProfile(t *testing.T) {
	dir := t.TempDir()
	empty, missing := filepath.Join(dir, "empty.pem"), filepath.Join(dir, "nowhere.pem")
	shared := filepath.Join(dir, "config")
	for path, text := range map[string]string{
		empty:  "no certificate",
		shared: "[default]\nca_bundle = " + empty + "\n[profile corp]\nca_bundle = " + missing + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	noPEM := "Profile default's ca_bundle names the file " + empty + ", which holds no certificate in PEM. "
	noFile := "Profile corp's ca_bundle names the file " + missing + ", which cannot be read: no such file or directory. "
	for name, test := range map[string]struct {
		prepare func(*testing.T, *awsclient.Config)
		want    string
	}{
		"the default profile": {func(t *testing.T, _ *awsclient.Config) { t.Setenv("AWS_CONFIG_FILE", shared) }, noPEM},
		"the environment's profile": {func(t *testing.T, c *awsclient.Config) {
			t.Setenv("AWS_PROFILE", "corp")
			c.SharedConfigFiles = []string{shared}
		}, noFile},
		"the configuration's own": {func(_ *testing.T, c *awsclient.Config) { c.Profile, c.SharedConfigFiles = "corp", []string{shared} }, noFile},
		"files below the home": {func(t *testing.T, c *awsclient.Config) {
			t.Setenv("HOME", dir)
			c.Profile, c.SharedConfigFiles = "corp", []string{"~/config"}
		}, noFile},
		"files named by a variable": {func(t *testing.T, c *awsclient.Config) {
			t.Setenv("DIR", dir)
			c.SharedConfigFiles = []string{"$DIR/config"}
		}, noPEM},
	} {
		t.Run(name, func(t *testing.T) {
			_, config := start(t)
			t.Setenv("AWS_CA_BUNDLE", "")
			test.prepare(t, &config)
			if d := refused(t, config); d.Warning || !strings.HasPrefix(d.Detail, test.want) {
				t.Errorf("got %+v, want %q", d, test.want)
			}
		})
	}
}

func TestTheEnvironmentsBundleOverridesTheProfiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root := func(name string) (path, text string) {
		server := httptest.NewTLSServer(nil)
		defer server.Close()
		text = name + "\n" + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
		return write(name+".pem", text), text
	}
	company, ofCompany := root("company")
	machine, ofMachine := root("machine")
	_, config := start(t)
	t.Setenv("AWS_CA_BUNDLE", "")
	if got := load(t, config).Bundle; got != nil {
		t.Errorf("without a setting the bundle is %q", got)
	}
	config.SharedConfigFiles = []string{write("config", "[default]\nca_bundle = "+company+"\n")}
	if got := string(load(t, config).Bundle); got != ofCompany {
		t.Errorf("the profile's bundle is %q", got)
	}
	t.Setenv("AWS_CA_BUNDLE", machine)
	if got := string(load(t, config).Bundle); got != ofMachine {
		t.Errorf("the environment's bundle is %q", got)
	}
}

func TestAProfileOfTheSharedFilesIsUsed(t *testing.T) {
	box, config := start(t)
	file := filepath.Join(t.TempDir(), "shared")
	profile := "[vendor]\naws_access_key_id=" + config.AccessKey + "\naws_secret_access_key=" + config.SecretKey + "\n"
	if err := os.WriteFile(file, []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	clients := load(t, awsclient.Config{
		Region: "eu-west-1", Profile: "vendor", SharedCredentialsFiles: []string{file},
		Endpoints: map[string]string{"sts": box.URL()},
	})
	if clients.Account.String() != sandbox.VendorAccount {
		t.Errorf("got account %s", clients.Account)
	}
}

func TestAnInvalidConfigurationNamesTheArgumentToCorrect(t *testing.T) {
	for name, test := range map[string]struct {
		change    func(*awsclient.Config)
		attribute string
		detail    string
	}{
		"no Region":         {func(c *awsclient.Config) { c.Region = "" }, "region", "AWS_REGION"},
		"no such Region":    {func(c *awsclient.Config) { c.Region = "eu-middle" }, "region", "us-east-1"},
		"another account":   {func(c *awsclient.Config) { c.AllowedAccountIDs = []string{"222222222222"} }, "allowed_account_ids", "111111111111"},
		"forbidden account": {func(c *awsclient.Config) { c.ForbiddenAccountIDs = []string{"111111111111"} }, "forbidden_account_ids", "111111111111"},
		"no such profile": {func(c *awsclient.Config) {
			c.Profile, c.SharedConfigFiles = "vendor", []string{filepath.Join(t.TempDir(), "config")}
		}, "profile", `Profile "vendor" is in none of the shared configuration and credentials files`},
		"a wrong secret": {func(c *awsclient.Config) { c.SecretKey = "wrong" }, "", "SignatureDoesNotMatch"},
		"no such role": {func(c *awsclient.Config) {
			c.AssumeRole = []awsclient.AssumeRole{{RoleARN: "arn:aws:iam::111111111111:role/missing"}}
		}, "", "role/missing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, config := start(t)
			test.change(&config)
			d := refused(t, config)
			if d.Warning || d.Attribute != test.attribute || !strings.Contains(d.Detail, test.detail) {
				t.Errorf("got %+v, want attribute %q and a detail with %q", d, test.attribute, test.detail)
			}
			if strings.Contains(d.Detail, config.SecretKey) && config.SecretKey != "wrong" {
				t.Error("the detail contains the secret key")
			}
		})
	}
}

func TestEachClientIsCreatedOnce(t *testing.T) {
	_, config := start(t)
	clients := load(t, config)
	made := make(chan any, 16)
	var all sync.WaitGroup
	for range cap(made) {
		all.Go(func() { made <- clients.SNS(clients.Region) })
	}
	all.Wait()
	first := <-made
	for range cap(made) - 1 {
		if other := <-made; other != first {
			t.Fatal("two callers got different clients")
		}
	}
	west, err := account.ParseRegion("us-west-2")
	if err != nil {
		t.Fatal(err)
	}
	if clients.SNS(west) == first || clients.SNS(west).Options().Region != "us-west-2" {
		t.Error("another Region got the same client")
	}
}

func TestAssumeReturnsClientsOfThatRole(t *testing.T) {
	box, config := start(t)
	clients := load(t, config)
	admin := iam.New(iam.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(box.URL()),
		Credentials:  credentials.NewStaticCredentialsProvider(config.AccessKey, config.SecretKey, ""),
	})
	created, err := admin.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("prover"),
		AssumeRolePolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	role, err := account.ParseRoleARN(*created.Role.Arn)
	if err != nil {
		t.Fatal(err)
	}
	mark := box.Journal().Mark()
	first, err := clients.Assume(t.Context(), role)
	if err != nil {
		t.Fatal(err)
	}
	second, err := clients.Assume(t.Context(), role)
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:sts::111111111111:assumed-role/prover/xacct-proof"; first.CallerARN != want {
		t.Errorf("caller is %s, want %s", first.CallerARN, want)
	}
	if assumed := box.Journal().Counts(mark)["sts:AssumeRole"]; assumed != 1 || second != first {
		t.Errorf("the role was assumed %d times, want once", assumed)
	}
}

func TestARefusedAssumptionIsAnErrorAtOnce(t *testing.T) {
	_, config := start(t)
	clients := load(t, config)
	role, err := account.ParseRoleARN("arn:aws:iam::111111111111:role/missing")
	if err != nil {
		t.Fatal(err)
	}
	_, err = clients.Assume(t.Context(), role)
	if err == nil || !strings.Contains(err.Error(), "sts:AssumeRole") || !strings.Contains(err.Error(), role.String()) {
		t.Errorf("got %v, want an error that names sts:AssumeRole and %s", err, role)
	}
}
