// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Patch returns a unified diff of aws-facts.md, whose content is facts, according to
// the reports: a mark becomes [O] with the date if each of its checks holds. Otherwise
// it becomes what was observed instead and which code is wrong. The diff is empty if
// nothing changes. A report of a sandbox changes nothing and is an error, because the
// sandbox is built on the same assumptions.
func Patch(path, facts string, reports ...Report) (string, error) {
	checks := map[string]Check{}
	for _, c := range All() {
		checks[c.ID] = c
	}
	found := map[string][]Result{} // by mark
	date := ""
	for _, report := range reports {
		if report.Endpoint != "" {
			return "", fmt.Errorf("run %s was against %s, and not against AWS: it shows nothing about AWS", report.Run, report.Endpoint)
		}
		date = max(date, report.Ended.Format("2006-01-02"))
		for _, result := range report.Results {
			if c, known := checks[result.ID]; known && c.Mark != "" && (result.Outcome == Holds || result.Outcome == Differs) {
				found[c.Mark] = append(found[c.Mark], result)
			}
		}
	}
	lines := strings.Split(facts, "\n")
	changed := slices.Clone(lines)
	var wrong []error
	for _, mark := range slices.Sorted(maps.Keys(found)) {
		at := slices.IndexFunc(changed, func(line string) bool { return strings.Contains(line, mark) })
		if at < 0 {
			wrong = append(wrong, fmt.Errorf("%s has no %q: it is of another version than this program", path, mark))
			continue
		}
		if new := verdict(mark, date, found[mark], checks); new != "" {
			changed[at] = strings.Replace(changed[at], mark, new, 1)
		}
	}
	return diff(path, lines, changed), errors.Join(wrong...)
}

// verdict returns the text that replaces a mark; empty if the mark stays because not
// all of its checks were tried.
func verdict(mark, date string, results []Result, checks map[string]Check) string {
	begin, end := markAt(mark)
	for _, r := range results {
		if r.Outcome == Differs {
			return mark[:begin] + fmt.Sprintf("[not so, %s: %s; wrong in %s]", date, strings.Join(strings.Fields(r.Seen), " "), checks[r.ID].Place) + mark[end:]
		}
	}
	for _, c := range checks {
		if c.Mark == mark && !slices.ContainsFunc(results, func(r Result) bool { return r.ID == c.ID }) {
			return ""
		}
	}
	note := ""
	for _, r := range results {
		if r.Seen != "" && !strings.Contains(note, r.Seen) {
			note += ": " + strings.Join(strings.Fields(r.Seen), " ")
		}
	}
	return mark[:begin] + "[O " + date + note + "]" + mark[end:]
}

// markAt returns the position of the brackets of a mark: the last ones, if it has
// several.
func markAt(mark string) (begin, end int) {
	for _, known := range []string{"[I, strong]", "[D/I]", "[R/I]", "[I]", "[R]", "[?]"} {
		if i := strings.LastIndex(mark, known); i >= 0 && i >= begin {
			begin, end = i, i+len(known)
		}
	}
	return begin, end
}

// around is how many unchanged lines surround a change.
const around = 3

// diff returns a unified diff of two texts that have the same number of lines.
func diff(path string, before, after []string) string {
	var b strings.Builder
	for i := 0; i < len(before); i++ {
		if before[i] == after[i] {
			continue
		}
		first, last := max(0, i-around), i
		for k := i; k < len(before) && k <= last+2*around; k++ {
			if before[k] != after[k] {
				last = k
			}
		}
		end := min(len(before), last+around+1)
		if end == len(before) && before[end-1] == "" {
			end-- // the end of the last line is not a line
		}
		if b.Len() == 0 {
			fmt.Fprintf(&b, "--- a/%s\n+++ b/%s\n", path, path)
		}
		fmt.Fprintf(&b, "@@ -%d,%d +%d,%d @@\n", first+1, end-first, first+1, end-first)
		for k := first; k < end; {
			if before[k] == after[k] {
				b.WriteString(" " + before[k] + "\n")
				k++
				continue
			}
			run := k
			for run < end && before[run] != after[run] {
				run++
			}
			b.WriteString("-" + strings.Join(before[k:run], "\n-") + "\n+" + strings.Join(after[k:run], "\n+") + "\n")
			k = run
		}
		i = end - 1
	}
	return b.String()
}
