// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// divide returns a policy document as the documents of managed policies: the document
// itself, or, if it exceeds IAM's limit for one policy, as few documents as possible,
// each with some of its statements. The order of the statements of a role's policies
// has no meaning in IAM, so the parts together grant what the whole does. The same
// document always has the same parts. A reference counts as the longest value that it
// may represent.
func (c Choices) divide(document string) ([]string, error) {
	filled := c.longest().inPolicy(document)
	size, err := iampolicy.Size(filled)
	if err != nil || size <= iampolicy.MaxManagedSize {
		return []string{document}, err
	}
	whole, err := readStatements(document)
	if err != nil {
		return nil, err
	}
	atMost, err := readStatements(filled)
	if err != nil {
		return nil, err
	}
	room := iampolicy.MaxManagedSize - whole.frame()
	sizes := make([]int, len(whole.statements))
	for i, s := range atMost.statements {
		if sizes[i], err = iampolicy.Size(string(s)); err != nil {
			return nil, err
		}
		if sizes[i] > room {
			return nil, fmt.Errorf("statement %s has %d characters by itself, and IAM allows %d in a managed policy: share its actions between several statements",
				whole.label(i), sizes[i], room)
		}
		sizes[i]++ // the comma that follows the statement
	}
	if least := leastBins(sizes, room+1); least > maxManagedPolicies {
		return nil, fmt.Errorf("it needs at least %d managed policies, and a role can have %d: use wildcards, or request fewer permissions", least, maxManagedPolicies)
	}
	var parts []string
	for _, chosen := range pack(sizes, room+1) { // no comma follows the last statement
		parts = append(parts, whole.with(chosen))
	}
	return parts, nil
}

// statements is a document with its statements separated.
type statements struct {
	version, id json.RawMessage
	statements  []json.RawMessage
}

func readStatements(document string) (statements, error) {
	var raw struct{ Version, ID, Statement json.RawMessage }
	if err := json.Unmarshal([]byte(document), &raw); err != nil {
		return statements{}, err
	}
	s := statements{version: raw.Version, id: raw.ID}
	if len(raw.Statement) > 0 && raw.Statement[0] == '{' {
		s.statements = []json.RawMessage{raw.Statement}
		return s, nil
	}
	err := json.Unmarshal(raw.Statement, &s.statements)
	return s, err
}

// label returns a name with which a person finds statement i.
func (s statements) label(i int) string {
	var named struct{ Sid string }
	if json.Unmarshal(s.statements[i], &named) == nil && named.Sid != "" {
		return fmt.Sprintf("%q", named.Sid)
	}
	return fmt.Sprint(i)
}

// frame returns the size of the document without its statements.
func (s statements) frame() int {
	size, _ := iampolicy.Size(s.with(nil)) // it was read from JSON
	return size
}

// with returns the document with only the chosen statements.
func (s statements) with(chosen []int) string {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, m := range []struct {
		name  string
		value json.RawMessage
	}{{"Version", s.version}, {"Id", s.id}} {
		if m.value != nil {
			fmt.Fprintf(&b, "%q:%s,", m.name, m.value)
		}
	}
	b.WriteString(`"Statement":[`)
	for n, i := range chosen {
		if n > 0 {
			b.WriteByte(',')
		}
		b.Write(s.statements[i])
	}
	b.WriteString("]}")
	return b.String()
}

// maxSearch is the maximum number of steps of the search for a division into one
// number of bins. Its first descent is "first fit, the largest first", which needs few
// more bins than the best division.
const maxSearch = 100_000

// pack distributes items of the given sizes over as few bins as possible, each with at
// most capacity; no size exceeds capacity. Each bin contains the indexes of its items.
// pack keeps the order of the items if that needs no more bins. It gives up a search
// for fewer bins that takes too many steps.
func pack(sizes []int, capacity int) [][]int {
	least := leastBins(sizes, capacity)
	best := inOrder(sizes, capacity)
	order := make([]int, len(sizes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
	for n := least; n < len(best); n++ {
		search := packing{sizes: sizes, capacity: capacity, order: order, loads: make([]int, n), bins: make([][]int, n), steps: maxSearch}
		if search.fits(0) {
			best = search.bins
			for _, bin := range best {
				slices.Sort(bin)
			}
			slices.SortFunc(best, slices.Compare)
		}
	}
	return best
}

// leastBins returns a lower bound for the number of bins.
func leastBins(sizes []int, capacity int) int {
	sum, large := 0, 0
	for _, size := range sizes {
		sum += size
		if 2*size > capacity {
			large++ // no two of these fit into one
		}
	}
	return max((sum+capacity-1)/capacity, large)
}

// inOrder fills one bin after the other, in the order of the items.
func inOrder(sizes []int, capacity int) [][]int {
	var bins [][]int
	load := capacity
	for i, size := range sizes {
		if load+size > capacity {
			bins, load = append(bins, nil), 0
		}
		last := len(bins) - 1
		bins[last], load = append(bins[last], i), load+size
	}
	return bins
}

// packing is a search for a division into a given number of bins.
type packing struct {
	sizes    []int
	capacity int
	order    []int // indexes of the items, the largest first
	loads    []int
	bins     [][]int
	steps    int // remaining steps
}

// fits puts all items from order[from] on into bins, and reports whether they fit.
// Bins with the same load are equivalent, so it tries only the first of them.
func (p *packing) fits(from int) bool {
	if from == len(p.order) {
		return true
	}
	i := p.order[from]
	for b, load := range p.loads {
		if p.steps--; p.steps < 0 {
			return false
		}
		if load+p.sizes[i] > p.capacity || slices.Contains(p.loads[:b], load) {
			continue
		}
		p.loads[b] += p.sizes[i]
		p.bins[b] = append(p.bins[b], i)
		if p.fits(from + 1) {
			return true
		}
		p.bins[b] = p.bins[b][:len(p.bins[b])-1]
		p.loads[b] = load
	}
	return false
}
