// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command trial-registrar is xacct with the clock of the sandbox at AWS_ENDPOINT_URL,
// for trials in which hours pass in minutes: deadlines start at the time that SNS
// wrote in a message, so the registrar must use the clock of the sandbox's SNS. Only
// the clock differs from the product, whose clock can't be moved.
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
