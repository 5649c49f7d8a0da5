// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHelpIsInTheWidthOfTheTerminal(t *testing.T) {
	t.Parallel()
	text := `A paragraph that was written
for a wide terminal.

  id      the name of the customer
  reason  why it is so, and what
          can be done
  0  all is well
      --after string   only customers after it
  -h, --help           help

	a command   to copy, however long it is
Flags:
  --x  y
`
	want := `A paragraph that was written
for a wide terminal.

  id      the name of the
          customer
  reason  why it is so, and
          what can be done
  0  all is well
      --after string only
      customers after it
  -h, --help           help

	a command   to copy, however long it is
Flags:
  --x  y
`
	if diff := cmp.Diff(want, reflow(text, 28)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
