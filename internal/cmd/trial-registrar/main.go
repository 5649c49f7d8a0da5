// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command trial-registrar is xacct with the clock of the sandbox that
// AWS_ENDPOINT_URL names, for trials in which hours pass in minutes: deadlines
// are counted from the time that SNS wrote on a message, so the registrar must
// use the clock of the sandbox's SNS. Only the clock differs from the product,
// which has no way to move its own.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/xacct/terraform-provider-xacct/internal/cmd/xacct/command"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

func main() {
	clock, err := sandbox.Client{URL: os.Getenv("AWS_ENDPOINT_URL")}.Clock(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "trial-registrar: read the sandbox's clock:", err)
		os.Exit(1)
	}
	os.Exit(command.Run("trial", clock))
}
