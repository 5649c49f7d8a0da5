// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// awsCLI returns a function that runs the aws command line as the admin of an
// account. It is an independent client, which shares no code with the Go SDK. It is
// a Python program, so these tests run only if XACCT_AWS_CLI=1 is set.
func awsCLI(t *testing.T, s *Sandbox, account string) func(args ...string) (string, error) {
	t.Helper()
	if os.Getenv("XACCT_AWS_CLI") != "1" {
		t.Skip("set XACCT_AWS_CLI=1 to run the aws command line against the sandbox")
	}
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Fatalf("the aws command line is not installed: %v", err)
	}
	environment, err := s.Environment(account, "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	variables := []string{"HOME=" + home, "AWS_PAGER=", "AWS_CONFIG_FILE=" + filepath.Join(home, "config"), "PATH=" + os.Getenv("PATH")}
	for name, value := range environment {
		if value != "" {
			variables = append(variables, name+"="+value)
		}
	}
	return func(args ...string) (string, error) {
		args = append(args, "--output", "text")
		if args[0] == "sqs" {
			// For SQS, version 1 ignores AWS_ENDPOINT_URL and uses a legacy
			// host.
			args = append(args, "--endpoint-url", s.URL())
		}
		command := exec.CommandContext(t.Context(), path, args...)
		command.Env = variables
		out, err := command.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
}

func TestTheAWSCommandLineWorksAgainstTheSandbox(t *testing.T) {
	s := start(t)
	cli := awsCLI(t, s, customer)
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte("hello world"), 0o600); err != nil {
		t.Fatal(err)
	}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + customer + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"an-id"}}}]}`
	for _, step := range []struct {
		args []string
		want string // in the output
		fail bool
	}{
		{args: []string{"sts", "get-caller-identity", "--query", "Arn"}, want: "arn:aws:iam::" + customer + ":user/admin"},
		{args: []string{"iam", "create-role", "--role-name", "r", "--assume-role-policy-document", trust, "--tags", "Key=a,Value=b c", "--query", "Role.Arn"}, want: ":role/r"},
		{args: []string{"iam", "get-role", "--role-name", "r", "--query", "Role.AssumeRolePolicyDocument.Statement[0].Action"}, want: "sts:AssumeRole"},
		{args: []string{"iam", "list-roles", "--query", "Roles[].RoleName"}, want: "r"},
		{args: []string{"sts", "assume-role", "--role-arn", "arn:aws:iam::" + customer + ":role/r", "--role-session-name", "cli", "--external-id", "an-id", "--query", "AssumedRoleUser.Arn"}, want: "assumed-role/r/cli"},
		{args: []string{"sts", "assume-role", "--role-arn", "arn:aws:iam::" + customer + ":role/r", "--role-session-name", "cli"}, want: "(AccessDenied)", fail: true},
		{args: []string{"iam", "get-role", "--role-name", "absent"}, want: "(NoSuchEntity)", fail: true},
		{args: []string{"sqs", "create-queue", "--queue-name", "q", "--query", "QueueUrl"}, want: "/q"},
		{args: []string{"sqs", "get-queue-url", "--queue-name", "q"}, want: s.URL()},
		{args: []string{"sqs", "send-message", "--queue-url", s.URL() + "/" + customer + "/q", "--message-body", "hello & <good> day", "--query", "MessageId"}, want: "-"},
		{args: []string{"sqs", "receive-message", "--queue-url", s.URL() + "/" + customer + "/q", "--query", "Messages[0].Body"}, want: "hello & <good> day"},
		{args: []string{"sqs", "get-queue-url", "--queue-name", "absent"}, want: "NonExistentQueue", fail: true},
		{args: []string{"sns", "create-topic", "--name", "t", "--query", "TopicArn"}, want: ":t"},
		{args: []string{"sns", "publish", "--topic-arn", "arn:aws:sns:eu-west-1:" + customer + ":t", "--message", "hello", "--query", "MessageId"}, want: "-"},
		{args: []string{"sns", "publish", "--topic-arn", "arn:aws:sns:eu-west-1:" + customer + ":absent", "--message", "hello"}, want: "(NotFound)", fail: true},
		{args: []string{"s3api", "create-bucket", "--bucket", "cli-bucket", "--create-bucket-configuration", "LocationConstraint=eu-west-1"}, want: "cli-bucket"},
		{args: []string{"s3api", "put-object", "--bucket", "cli-bucket", "--key", "a b/c", "--body", file, "--query", "ETag"}, want: "\""},
		{args: []string{"s3api", "get-object", "--bucket", "cli-bucket", "--key", "a b/c", "/dev/null", "--query", "ContentLength"}, want: "11"},
		{args: []string{"s3api", "head-object", "--bucket", "cli-bucket", "--key", "absent"}, want: "(404)", fail: true},
		{args: []string{"cloudformation", "create-stack", "--stack-name", "s", "--template-body", `{"Resources":{"H":{"Type":"AWS::CloudFormation::WaitConditionHandle"}}}`}, want: ":stack/s/"},
		{args: []string{"cloudformation", "describe-stacks", "--stack-name", "absent"}, want: "does not exist", fail: true},
		{args: []string{"dynamodb", "create-table", "--table-name", "table", "--billing-mode", "PAY_PER_REQUEST", "--attribute-definitions", "AttributeName=pk,AttributeType=S", "--key-schema", "AttributeName=pk,KeyType=HASH", "--query", "TableDescription.TableName"}, want: "table"},
		{args: []string{"dynamodb", "put-item", "--table-name", "table", "--item", `{"pk":{"S":"k"}}`, "--condition-expression", "attribute_not_exists(pk)"}, want: ""},
		{args: []string{"dynamodb", "put-item", "--table-name", "table", "--item", `{"pk":{"S":"k"}}`, "--condition-expression", "attribute_not_exists(pk)"}, want: "(ConditionalCheckFailedException)", fail: true},
		{args: []string{"dynamodb", "list-tables", "--query", "length(TableNames)"}, want: "1"},
		{args: []string{"iam", "list-groups"}, want: "(InvalidAction)", fail: true},
	} {
		out, err := cli(step.args...)
		if (err != nil) != step.fail || !strings.Contains(out, step.want) {
			t.Errorf("aws %s: got %q (%v), want %q", strings.Join(step.args, " "), out, err, step.want)
		}
	}
}

func TestTheAWSCommandLineDeploysAStackSet(t *testing.T) {
	s := start(t)
	if _, err := s.NewOrganization(management, first, second); err != nil {
		t.Fatal(err)
	}
	cli := awsCLI(t, s, management)
	run := func(args ...string) string {
		t.Helper()
		out, err := cli(args...)
		if err != nil {
			t.Fatalf("aws %s: %s (%v)", strings.Join(args, " "), out, err)
		}
		return out
	}
	root := run("organizations", "list-roots", "--query", "Roots[0].Id")
	if got := run("organizations", "describe-organization", "--query", "Organization.MasterAccountId"); got != management {
		t.Errorf("the organization is managed by %s", got)
	}
	if got := run("organizations", "list-accounts", "--query", "Accounts[].Id"); strings.Join(strings.Fields(got), " ") != management+" "+first+" "+second {
		t.Errorf("the accounts are %s", got)
	}
	run("cloudformation", "create-stack-set", "--stack-set-name", "many", "--permission-model", "SERVICE_MANAGED",
		"--auto-deployment", "Enabled=true,RetainStacksOnAccountRemoval=false",
		"--template-body", `{"Parameters":{"P":{"Type":"String"}},"Resources":{"H":{"Type":"AWS::CloudFormation::WaitConditionHandle"}}}`,
		"--parameters", "ParameterKey=P,ParameterValue=a b")
	operation := run("cloudformation", "create-stack-instances", "--stack-set-name", "many", "--regions", "eu-west-1",
		"--deployment-targets", "OrganizationalUnitIds="+root,
		"--operation-preferences", "FailureTolerancePercentage=100,MaxConcurrentPercentage=100", "--query", "OperationId")
	set, _ := s.CloudFormation().StackSet(management, "eu-west-1", "many")
	if _, err := s.WaitStackSet(t.Context(), set.ID); err != nil {
		t.Fatal(err)
	}
	if got := run("cloudformation", "describe-stack-set-operation", "--stack-set-name", "many", "--operation-id", operation, "--query", "StackSetOperation.Status"); got != "SUCCEEDED" {
		t.Errorf("the operation is %s", got)
	}
	if got := run("cloudformation", "list-stack-instances", "--stack-set-name", "many", "--query", "Summaries[].[Account,Status,StackInstanceStatus.DetailedStatus]"); strings.Join(strings.Fields(got), " ") != first+" CURRENT SUCCEEDED "+second+" CURRENT SUCCEEDED" {
		t.Errorf("the instances are %s", got)
	}
	if got := run("cloudformation", "describe-stack-set", "--stack-set-name", "many", "--query", "StackSet.[Status,PermissionModel,AutoDeployment.Enabled,Parameters[0].ParameterValue]"); got != "ACTIVE\tSERVICE_MANAGED\tTrue\ta b" {
		t.Errorf("the StackSet is %q", got)
	}
	if out, err := cli("cloudformation", "delete-stack-set", "--stack-set-name", "many"); err == nil || !strings.Contains(out, "(StackSetNotEmptyException)") {
		t.Errorf("deleting a StackSet that is not empty: %s (%v)", out, err)
	}
	run("cloudformation", "delete-stack-instances", "--stack-set-name", "many", "--regions", "eu-west-1", "--deployment-targets", "OrganizationalUnitIds="+root, "--no-retain-stacks")
	if _, err := s.WaitStackSet(t.Context(), set.ID); err != nil {
		t.Fatal(err)
	}
	run("cloudformation", "delete-stack-set", "--stack-set-name", "many")
	if out, err := awsCLI(t, s, first)("organizations", "list-roots"); err == nil || !strings.Contains(out, "(AccessDeniedException)") {
		t.Errorf("a member asks for the roots: %s (%v)", out, err)
	}
	if out, err := awsCLI(t, s, customer)("organizations", "describe-organization"); err == nil || !strings.Contains(out, "(AWSOrganizationsNotInUseException)") {
		t.Errorf("an account without an organization: %s (%v)", out, err)
	}
}
