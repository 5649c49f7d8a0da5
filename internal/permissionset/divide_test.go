// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

func TestADocumentThatFitsIsLeftAsItIs(t *testing.T) {
	text := "{\n" + readBuckets[1:] + strings.Repeat(" ", 7000) // whitespace does not count
	if parts, err := (Choices{}).divide(text); err != nil || !slices.Equal(parts, []string{text}) {
		t.Errorf("%q, %v", parts, err)
	}
}

// sized returns a statement of a number of characters.
func sized(sid string, size int) string {
	frame := fmt.Sprintf(`{"Sid":%q,"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::"}`, sid)
	return strings.Replace(frame, `:::"`, `:::`+strings.Repeat("x", size-len(frame))+`"`, 1)
}

func policy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// sids returns the Sids of the statements of each part, joined.
func sids(t *testing.T, parts []string) []string {
	t.Helper()
	var all []string
	for _, part := range parts {
		d := must(iampolicy.ParseIdentity(part))
		if size := must(iampolicy.Size(part)); size > iampolicy.MaxManagedSize || d.Version != iampolicy.Version2012 {
			t.Errorf("a part has %d characters and version %q", size, d.Version)
		}
		names := ""
		for _, s := range d.Statements {
			names += s.Sid
		}
		all = append(all, names)
	}
	return all
}

func TestADocumentIsDividedIntoAsFewPartsAsPossible(t *testing.T) {
	const frame = len(`{"Version":"2012-10-17","Statement":[]}`)
	for name, c := range map[string]struct {
		sizes []int
		want  []string
	}{
		"exactly filled":            {[]int{3000, iampolicy.MaxManagedSize - frame - 3000 - 1, 3000}, []string{"ab", "c"}},
		"one character too many":    {[]int{3000, iampolicy.MaxManagedSize - frame - 3000, 3000}, []string{"ac", "b"}},
		"in their order":            {[]int{1000, 2000, 3000, 4000, 1000}, []string{"abc", "de"}},
		"not in their order":        {[]int{4000, 4000, 2000, 2000}, []string{"ac", "bd"}},
		"in their order if it fits": {[]int{3000, 3000, 2000, 2000, 2000, 100}, []string{"ab", "cdef"}},
		"better than first fit":     {[]int{2600, 2600, 2100, 2100, 1300, 1300}, []string{"ace", "bdf"}},
		"one for each large one":    {[]int{5000, 5000, 5000}, []string{"a", "b", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			var statements []string
			for i, size := range c.sizes {
				statements = append(statements, sized(string(rune('a'+i)), size))
			}
			parts, err := Choices{}.divide(policy(statements...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, sids(t, parts)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAStatementThatIsTooLongIsNamed(t *testing.T) {
	for sid, want := range map[string]string{"Wide": `statement "Wide" has 7000 characters by itself, and IAM allows 6105`, "": "statement 1 has 7000"} {
		if _, err := (Choices{}).divide(policy(sized("first", 100), sized(sid, 7000))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := (Choices{}).divide(`{"Version":"2012-10-17","Statement":` + sized("Only", 7000) + `}`); err == nil {
		t.Error("one long statement without a list is accepted")
	}
}

// Whatever the statements are, none is lost or duplicated, IAM accepts every part, and there are no more
// parts than first fit makes.
func TestThePartsTogetherAreTheDocument(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(100, 6105), 1, 40).Draw(r, "sizes")
		statements := make([]string, len(sizes))
		for i, size := range sizes {
			statements[i] = sized(fmt.Sprintf("s%d", i), size)
		}
		whole := policy(statements...)
		parts, err := Choices{}.divide(whole)
		if err != nil {
			r.Fatal(err)
		}
		var together []string
		for _, part := range parts {
			if size := must(iampolicy.Size(part)); size > iampolicy.MaxManagedSize {
				r.Fatalf("a part has %d characters", size)
			}
			var d struct{ Statement []json.RawMessage }
			if err := json.Unmarshal([]byte(part), &d); err != nil {
				r.Fatal(err)
			}
			for _, s := range d.Statement {
				together = append(together, string(s))
			}
		}
		slices.Sort(together)
		slices.Sort(statements)
		if diff := cmp.Diff(statements, together); diff != "" {
			r.Fatal(diff)
		}
		if simple := firstFit(sizes); len(parts) > simple {
			r.Fatalf("%d parts, but first fit makes %d", len(parts), simple)
		}
		if again := must((Choices{}).divide(whole)); !slices.Equal(again, parts) {
			r.Fatal("the same document is divided differently")
		}
	})
}

// firstFit returns the number of parts of the obvious algorithm: largest first, each in the first part
// that has room.
func firstFit(sizes []int) int {
	sizes = slices.Sorted(slices.Values(sizes))
	slices.Reverse(sizes)
	var bins []int
	for _, size := range sizes {
		i := slices.IndexFunc(bins, func(load int) bool { return load+size+1 <= 6106 })
		if i < 0 {
			i, bins = len(bins), append(bins, 0)
		}
		bins[i] += size + 1
	}
	return len(bins)
}

// The vendor chooses the size of a document. A plan must not hang because of it, so a search that takes
// too long is aborted.
func TestALongSearchIsAborted(t *testing.T) {
	sizes := make([]int, 60)
	for i := range sizes {
		sizes[i] = 1500 + i*7%600
	}
	search := packing{sizes: sizes, capacity: 6106, order: make([]int, len(sizes)), loads: make([]int, 18), bins: make([][]int, 18), steps: 1000}
	for i := range search.order {
		search.order[i] = i
	}
	if search.fits(0) || search.steps > 0 {
		t.Errorf("it ended with %d steps left", search.steps)
	}
	if bins := pack(sizes, 6106); len(bins) > 20 {
		t.Errorf("%d bins", len(bins))
	}
}

func TestADocumentThatIsTooLargeForARoleIsRefusedBeforeAnySearch(t *testing.T) {
	if _, err := (Choices{}).divide(describing(10_000)); err == nil || !strings.Contains(err.Error(), "it needs at least 110 managed policies, and a role can have 20") {
		t.Error(err)
	}
}
