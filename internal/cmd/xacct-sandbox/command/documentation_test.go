// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"testing"

	"github.com/spf13/cobra"

	"github.com/xacct/terraform-provider-xacct/internal/trial/snippets"
)

// TestEveryCommandInTheDocsIsValid parses the command lines in the documentation as
// the program would.
func TestEveryCommandInTheDocsIsValid(t *testing.T) {
	t.Parallel()
	snippets.ParsedBy(t, "../../../..", "xacct-sandbox", 1, func() *cobra.Command { return newRootCommand("test") })
}
