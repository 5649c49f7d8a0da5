// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package trial is the common base of the project's tests and trials: a sandbox
// with a vendor's clients, programs that are built, run and stopped, Terraform
// or OpenTofu in a folder, and a clock that stands still. acctest and e2e use
// it, and so do the commands chaos, crash, demo and figures.
//
// It imports no package of the project but sandbox and awsclient, so that the
// tests of all others may use it.
package trial

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// Sandbox starts a sandbox that stops with the test.
func Sandbox(t testing.TB, options ...sandbox.Option) *sandbox.Sandbox {
	t.Helper()
	box, err := sandbox.Start(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	return box
}

// Endpoints returns the arguments of a provider's endpoints block that replace AWS's
// addresses with a sandbox's URL.
func Endpoints(url string) map[string]string {
	return map[string]string{"sns": url, "sqs": url, "s3": url, "sts": url, "dynamodb": url, "eventbridge": url}
}

// Clients returns clients with the credentials of an account's administrator in a
// sandbox. Each of changes may change their configuration.
func Clients(ctx context.Context, box *sandbox.Sandbox, accountID, region string, changes ...func(*awsclient.Config)) (*awsclient.Clients, error) {
	keys, err := box.Credentials(accountID)
	if err != nil {
		return nil, err
	}
	return ClientsAs(ctx, box, keys, region, changes...)
}

// ClientsAs is Clients with any credentials of the sandbox.
func ClientsAs(ctx context.Context, box *sandbox.Sandbox, keys sandbox.Credentials, region string, changes ...func(*awsclient.Config)) (*awsclient.Clients, error) {
	forgetBundle()
	config := awsclient.Config{
		Region: region, AccessKey: keys.AccessKeyID, SecretKey: keys.SecretAccessKey, Token: keys.SessionToken, Endpoints: Endpoints(box.URL()),
	}
	for _, change := range changes {
		change(&config)
	}
	clients, diagnostics := awsclient.Load(ctx, config)
	if clients == nil {
		return nil, fmt.Errorf("make clients for %s: %v", keys.AccessKeyID, diagnostics)
	}
	return clients, nil
}

// machineBundle is the bundle of root certificates in the environment at the start of
// this process.
var machineBundle = os.Getenv(awsclient.BundleVariable)

// forgetBundle unsets the machine's bundle, but not one that a test has set. The SDK
// would parse the bundle for every client, although the sandbox uses HTTP.
func forgetBundle() {
	if machineBundle != "" && os.Getenv(awsclient.BundleVariable) == machineBundle {
		_ = os.Unsetenv(awsclient.BundleVariable)
	}
}

// Environment returns this process's environment, with the variables that make
// a program use the sandbox as the vendor's administrator.
func Environment(box *sandbox.Sandbox, region string) ([]string, error) {
	settings, err := box.Environment(sandbox.VendorAccount, region)
	if err != nil {
		return nil, err
	}
	environment := os.Environ()
	for name, value := range settings {
		environment = append(environment, name+"="+value)
	}
	return environment, nil
}

// Story returns a stack's events as its owner reads them, one per line.
func Story(box *sandbox.Sandbox, stackID string) string {
	var b strings.Builder
	for _, e := range box.StackEvents(stackID) {
		fmt.Fprintf(&b, "%s %s %s %s\n", e.Timestamp.Format("15:04:05"), e.LogicalResourceID, e.ResourceStatus, e.ResourceStatusReason)
	}
	return b.String()
}

// Messages returns the number of messages in a queue, including those that are
// in flight and those that are delayed.
func Messages(ctx context.Context, client *sqs.Client, queueURL string) (int, error) {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(queueURL), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return 0, err
	}
	total := 0
	for _, name := range []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	} {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("%s of queue %s: %w", name, queueURL, err)
		}
		total += n
	}
	return total, nil
}
