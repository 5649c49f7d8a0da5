// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package command is the command line of xacct, one command per file. It reads
// AWS configuration as every AWS program does: environment, shared files,
// profiles. The program is a main function that calls Run; cmd/trial-registrar
// is another one, whose clock can be moved.
package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/registrar/lambda"
)

// process is the program that the commands run in.
type process struct {
	version string
	clock   func() time.Time
}

// Run executes the command line of the process, and returns its exit code. In a
// Lambda function, which has no arguments, it is the registrar, or the onboarding API
// if the environment names its surface.
func Run(version string, clock func() time.Time) int {
	p := process{version, clock}
	work := newRootCommand(p).ExecuteContext
	if lambda.Detected() {
		work = func(ctx context.Context) error { return runFunction(ctx, p) }
		if os.Getenv(surfaceVariable) != "" {
			work = func(ctx context.Context) error { return serveFunction(ctx, p) }
		}
	}
	return cli.Run("xacct", work, oneLine)
}

func newRootCommand(p process) *cobra.Command {
	root := cli.NewRoot("xacct", "Onboard customers' AWS accounts: run a hub and its registrar, and manage customers", p.version)
	root.AddCommand(
		newRegistrarCommand(p),
		newServeCommand(p),
		newLinkCommand(p),
		newHubCommand(p),
		newPermissionSetCommand(p),
		newCustomersCommand(p),
		newStatusCommand(p),
		newBlockCommand(p),
		newUnblockCommand(p),
		newVerifyCommand(p),
		newAdoptCommand(p),
		newDeadLettersCommand(p),
		newPolicyCommand(p),
		newGenerateCommand(),
	)
	return root
}

// oneLine returns cli.OneLine of an error. For a missing permission it returns
// one sentence instead of the SDK's message, which is a paragraph.
func oneLine(err error) string {
	var denied *awsclient.PermissionError
	if errors.As(err, &denied) {
		return fmt.Sprintf("%s may not do %s on %s: allow it in a policy of that principal", denied.Caller, denied.Action, denied.Resource)
	}
	return cli.OneLine(err)
}
