// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"testing"

	"github.com/spf13/cobra"

	"github.com/xacct/terraform-provider-xacct/internal/trial/snippets"
)

// TestEveryCommandInTheDocsIsOneOfOurs parses what the documentation tells people
// to enter, as the program would.
func TestEveryCommandInTheDocsIsOneOfOurs(t *testing.T) {
	t.Parallel()
	snippets.ParsedBy(t, "../../../..", "xacct-conformance", 4, func() *cobra.Command { return newRootCommand("test") })
}
