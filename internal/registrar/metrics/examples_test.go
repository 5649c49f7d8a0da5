// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package metrics

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	metricName  = regexp.MustCompile(`\bxacct_[a-z_]+`)
	description = regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)
	selector    = regexp.MustCompile(`(xacct_[a-z_]+)\{([^}]*)\}`)
	labelName   = regexp.MustCompile(`([a-z_]+)\s*[=!]~?`)
)

// shownIn are the files that show metrics to users.
var shownIn = []string{
	"examples/monitoring/*.yaml", "examples/monitoring/*.json", "examples/registrar-systemd/README.md", "templates/guides/*.tmpl",
}

// The names and labels of metrics in rules, dashboards and guides must be those of a registrar,
// and every metric must be in one of them.
func TestTheDocumentedMetricsExist(t *testing.T) {
	t.Parallel()
	labels := figures()
	shown := map[string]bool{}
	for _, pattern := range shownIn {
		files, err := filepath.Glob(filepath.Join("../../..", pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range metricName.FindAllString(string(text), -1) {
				base := histogram.ReplaceAllString(name, "")
				shown[name], shown[base] = true, true
				// In guides, Terraform's types have the same prefix.
				if _, there := labels[base]; !there && !strings.HasSuffix(file, ".tmpl") {
					t.Errorf("%s names %s, which no registrar has", file, name)
				}
			}
			for _, found := range selector.FindAllStringSubmatch(strings.ReplaceAll(string(text), `\"`, `"`), -1) {
				for _, label := range labelName.FindAllStringSubmatch(found[2], -1) {
					if have := labels[histogram.ReplaceAllString(found[1], "")]; !have[label[1]] && label[1] != "le" {
						t.Errorf("%s: %s has no label %s", file, found[1], label[1])
					}
				}
			}
		}
	}
	for name := range labels {
		if !shown[name] {
			t.Errorf("%s is in none of the files", name)
		}
	}
}

var histogram = regexp.MustCompile(`_(bucket|sum|count)$`)

// figures returns the labels of every metric of a registrar.
func figures() map[string]map[string]bool {
	m := New(Config{Hub: "acme", Version: "1", Clock: func() time.Time { return time.Time{} }})
	told := make(chan *prometheus.Desc)
	go func() {
		defer close(told)
		m.registry.Describe(told)
	}()
	all := map[string]map[string]bool{}
	for desc := range told {
		found := description.FindStringSubmatch(desc.String())
		if found == nil || !strings.HasPrefix(found[1], "xacct_") {
			continue
		}
		all[found[1]] = map[string]bool{"hub": true, "version": found[1] == "xacct_build_info"}
		for _, label := range strings.Split(found[2], ",") {
			all[found[1]][label] = true
		}
	}
	return all
}
