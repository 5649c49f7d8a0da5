// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

const (
	vendor   = VendorAccount
	customer = "222222222222"
)

func start(t *testing.T, opts ...Option) *Sandbox {
	t.Helper()
	s, err := Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// config returns an SDK configuration with credentials of the sandbox. It disables
// retries, so that tests see every answer.
func config(s *Sandbox, c Credentials) aws.Config {
	return aws.Config{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(s.URL()),
		HTTPClient:   awsclient.HTTPClient(),
		Credentials:  credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// as returns an SDK configuration of an account's admin.
func as(t *testing.T, s *Sandbox, account string) aws.Config {
	t.Helper()
	c, err := s.Credentials(account)
	if err != nil {
		t.Fatal(err)
	}
	return config(s, c)
}

// code returns the code of an AWS error, or "" if there is no error.
func code(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	default:
		return "not an AWS error: " + err.Error()
	}
}

func TestEveryAccountHasAnAdminWithItsOwnKey(t *testing.T) {
	s := start(t)
	for _, account := range []string{vendor, customer} {
		identity, err := sts.NewFromConfig(as(t, s, account)).GetCallerIdentity(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := aws.ToString(identity.Arn), "arn:aws:iam::"+account+":user/admin"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	first, _ := s.Credentials(customer)
	second, _ := s.Credentials(customer)
	if first != second || !strings.HasPrefix(first.AccessKeyID, "AKIA") {
		t.Errorf("the key changed: %s, %s", first.AccessKeyID, second.AccessKeyID)
	}
	if _, err := s.Credentials("22222"); err == nil {
		t.Error("an account ID of 5 digits was accepted")
	}
}

func TestInvalidCredentialsHaveTheErrorsOfEachProtocol(t *testing.T) {
	s := start(t)
	right, _ := s.Credentials(vendor)
	unknown, wrong, foreign := right, right, right
	unknown.AccessKeyID = "AKIANOBODY"
	wrong.SecretAccessKey = "guess"
	foreign.SessionToken = "stolen"
	for _, test := range []struct {
		name       string
		c          Credentials
		sts, queue string
	}{
		{"an unknown key", unknown, "InvalidClientTokenId", "UnrecognizedClientException"},
		{"a wrong secret", wrong, "SignatureDoesNotMatch", "InvalidSignatureException"},
		{"the token of another key", foreign, "InvalidClientTokenId", "UnrecognizedClientException"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := sts.NewFromConfig(config(s, test.c)).GetCallerIdentity(t.Context(), nil)
			if got := code(err); got != test.sts {
				t.Errorf("STS: got %s, want %s", got, test.sts)
			}
			_, err = sqs.NewFromConfig(config(s, test.c)).ListQueues(t.Context(), nil)
			if got := code(err); got != test.queue {
				t.Errorf("SQS: got %s, want %s", got, test.queue)
			}
		})
	}
}

func TestUnsignedRequestsAreRefused(t *testing.T) {
	s := start(t)
	for _, test := range []struct{ name, method, path, target, body, want string }{
		{"the query protocol", "POST", "/", "", "Action=ListTopics", "MissingAuthenticationToken"},
		{"SQS", "POST", "/", "AmazonSQS.ListQueues", "{}", "MissingAuthenticationTokenException"},
		{"DynamoDB", "POST", "/", "DynamoDB_20120810.ListTables", "{}", "MissingAuthenticationTokenException"},
		{"S3", "PUT", "/some-bucket/key", "", "x", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), test.method, s.URL()+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Amz-Target", test.target)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode < 400 || !strings.Contains(string(body), test.want) {
				t.Errorf("got %s %s", response.Status, body)
			}
		})
	}
}

func TestUnimplementedActionsAreRefusedByName(t *testing.T) {
	s := start(t)
	_, err := iam.NewFromConfig(as(t, s, vendor)).CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: aws.String("g")})
	if got := code(err); got != "InvalidAction" || !strings.Contains(err.Error(), "CreateGroup") {
		t.Errorf("got %v", err)
	}
	_, err = sts.NewFromConfig(as(t, s, vendor)).GetSessionToken(t.Context(), nil)
	if got := code(err); got != "InvalidAction" {
		t.Errorf("got %v", err)
	}
}

func TestTheJournalRecordsCallerActionAndResult(t *testing.T) {
	s := start(t)
	roles := iam.NewFromConfig(as(t, s, customer))
	if _, err := roles.ListRoles(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	mark := s.Journal().Mark()
	_, err := roles.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("absent")})
	if code(err) != "NoSuchEntity" {
		t.Fatal(err)
	}
	entries := s.Journal().Since(mark)
	if len(entries) != 1 {
		t.Fatalf("got %d entries", len(entries))
	}
	got := entries[0]
	got.Time = time.Time{}
	if got.RequestID == "" {
		t.Error("no request ID")
	}
	got.RequestID = ""
	want := kernel.Entry{
		Service: "iam", Action: "GetRole", Region: "us-east-1", Account: customer,
		Principal: "arn:aws:iam::" + customer + ":user/admin", Outcome: "NoSuchEntity", Executed: true,
	}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if n := s.Journal().Counts(0)["iam:ListRoles"]; n != 1 {
		t.Errorf("counted %d calls of ListRoles", n)
	}
}

func TestAFaultFailsTheNextCallsAndThenEnds(t *testing.T) {
	for _, test := range []struct {
		kind     kernel.FaultKind
		want     string
		executed bool
	}{
		{kernel.FaultThrottle, "Throttling", false},
		{kernel.FaultServerError, "InternalFailure", false},
		{kernel.FaultLostAnswer, "not an AWS error", true},
	} {
		t.Run(string(test.kind), func(t *testing.T) {
			s := start(t)
			client := iam.NewFromConfig(as(t, s, customer))
			s.Faults().Add(kernel.FaultRule{Service: "iam", Action: "CreatePolicy", Account: customer, Kind: test.kind, Next: 1})
			create := func() error {
				_, err := client.CreatePolicy(t.Context(), &iam.CreatePolicyInput{
					PolicyName:     aws.String("p"),
					PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`),
				})
				return err
			}
			if _, err := client.ListRoles(t.Context(), nil); err != nil {
				t.Errorf("the fault applied to another action: %v", err)
			}
			if got := code(create()); !strings.HasPrefix(got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
			want := ""
			if test.executed {
				want = "EntityAlreadyExists"
			}
			if got := code(create()); got != want {
				t.Errorf("the call after the fault: got %q, want %q", got, want)
			}
		})
	}
}

func TestLatencyEndsWhenTheCallerCancels(t *testing.T) {
	s := start(t)
	p, err := s.Admin(customer)
	if err != nil {
		t.Fatal(err)
	}
	s.Faults().Add(kernel.FaultRule{Service: "iam", Kind: kernel.FaultLatency, Delay: time.Hour, Next: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := kernel.CallQuery(ctx, s, p, "us-east-1", "iam", "ListRoles", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if last := s.Journal().Since(0)[0]; last.Executed {
		t.Errorf("a cancelled call was executed: %+v", last)
	}
	if err := kernel.CallQuery(t.Context(), s, p, "us-east-1", "iam", "ListRoles", nil, nil); err != nil {
		t.Errorf("the call after the fault: %v", err)
	}
}

func TestAPanicEndsOnlyOneCall(t *testing.T) {
	s := start(t)
	client := iam.NewFromConfig(as(t, s, customer))
	s.services["iam"] = panicking{s.services["iam"]}
	if _, err := client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("r")}); code(err) != "SandboxPanic" {
		t.Errorf("got %v", err)
	}
	if _, err := client.ListRoles(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// panicking panics in GetRole.
type panicking struct{ kernel.Service }

func (p panicking) Serve(c *kernel.Call) (*kernel.Response, error) {
	if c.Action == "GetRole" {
		panic("a bug")
	}
	return p.Service.Serve(c)
}

func TestHooksRunBeforeAndAfterACall(t *testing.T) {
	s := start(t)
	client := iam.NewFromConfig(as(t, s, customer))
	var seen []string
	remove := s.Faults().Before(func(c *kernel.Call) error {
		seen = append(seen, "before "+c.Action)
		if c.Action == "DeleteRole" {
			return kernel.Errorf(http.StatusBadRequest, "Killed", "by a test")
		}
		return nil
	})
	s.Faults().After(func(c *kernel.Call) error { seen = append(seen, "after "+c.Action); return nil })
	_, err := client.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("r")})
	if code(err) != "Killed" {
		t.Errorf("got %v", err)
	}
	if _, err := client.ListRoles(t.Context(), nil); err != nil {
		t.Error(err)
	}
	remove()
	if _, err := client.ListRoles(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if got, want := strings.Join(seen, ", "), "before DeleteRole, before ListRoles, after ListRoles, after ListRoles"; got != want {
		t.Errorf("saw %s", got)
	}
}

func TestACallInsideTheSandboxIsAuthorizedAndRecorded(t *testing.T) {
	s := start(t)
	limited, err := s.NewUser(customer, "limited", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Principal(limited)
	if err != nil {
		t.Fatal(err)
	}
	var listed struct {
		Truncated bool `xml:"IsTruncated"`
	}
	if err := kernel.CallQuery(t.Context(), s, p, "us-east-1", "iam", "ListRoles", nil, &listed); err != nil {
		t.Error(err)
	}
	err = kernel.CallQuery(t.Context(), s, p, "us-east-1", "iam", "DeleteRole", map[string][]string{"RoleName": {"r"}}, nil)
	var refused *kernel.Error
	if !errors.As(err, &refused) || refused.Code != "AccessDenied" {
		t.Errorf("got %v", err)
	}
	entries := s.Journal().Since(0)
	last := entries[len(entries)-1]
	if !last.Inside || last.Outcome != "AccessDenied" || last.Principal != p.ARN {
		t.Errorf("the journal's last entry is %+v", last)
	}
}

func TestTheSandboxListensOnlyOnLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "192.0.2.1:0", ":0", "example.com:80", "nonsense"} {
		if s, err := Start(WithAddress(address)); err == nil {
			t.Errorf("started on %s", address)
			_ = s.Close()
		}
	}
}

func TestAClientNeedsOnlyTheEnvironment(t *testing.T) {
	s := start(t)
	environment, err := s.Environment(customer, "eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	c, _ := s.Credentials(customer)
	for name, want := range map[string]string{
		"AWS_ENDPOINT_URL": s.URL(), "AWS_ACCESS_KEY_ID": c.AccessKeyID, "AWS_SECRET_ACCESS_KEY": c.SecretAccessKey,
		"AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		if environment[name] != want {
			t.Errorf("%s is %q", name, environment[name])
		}
	}
}

func TestASkewedClockIsRefused(t *testing.T) {
	s := start(t)
	c := as(t, s, vendor)
	client := sts.NewFromConfig(c, func(o *sts.Options) {
		o.HTTPSignerV4 = skewed{o.HTTPSignerV4, -20 * time.Minute}
	})
	if _, err := client.GetCallerIdentity(t.Context(), nil); code(err) != "SignatureDoesNotMatch" {
		t.Errorf("got %v", err)
	}
}

// skewed signs with a clock that differs from the machine's.
type skewed struct {
	signer sts.HTTPSignerV4
	by     time.Duration
}

func (k skewed) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, at time.Time, opts ...func(*v4.SignerOptions)) error {
	return k.signer.SignHTTP(ctx, c, r, hash, service, region, at.Add(k.by), opts...)
}
