// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package declaration

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// The records are as the first release wrote them. They are never rewritten, so a field that was added
// later must be absent when they are read, and must not appear when they are written.
func TestRecordsOfTheFirstReleaseAreUnchanged(t *testing.T) {
	for name, want := range map[string]Declaration{
		"everything": firstRelease(),
		"minimum":    minimum(),
		"empty":      empty(),
	} {
		t.Run(name, func(t *testing.T) {
			record, err := os.ReadFile(filepath.Join("testdata", "first-release", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			record = bytes.TrimSpace(record)
			got, err := Of(onboarding.Link{Declared: record})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the record reads differently (-want +got):\n%s", diff)
			}
			if written := got.Encode(); !bytes.Equal(written, record) {
				t.Errorf("the record is written differently:\n got %s\nwant %s", written, record)
			}
		})
	}
}
