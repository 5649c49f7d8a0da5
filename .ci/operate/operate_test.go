// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package operate holds what is shipped for operating registrars against the
// programs that read it: Prometheus, Grafana and Kubernetes. It is a module of
// its own, so that the project does not depend on them.
package operate

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const examples = "../../examples/"

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(examples + file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func rules(t *testing.T) map[string]rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.Parse(read(t, "monitoring/prometheus-rules.yaml"), false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	all := map[string]rulefmt.Rule{}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			all[rule.Alert] = rule
		}
	}
	return all
}

// alarms are, for each alert, the figures under which it fires and those under
// which it does not, an hour of them, one a minute.
var alarms = map[string]struct{ fires, silent string }{
	"XacctCustomerWaits": {
		`xacct_oldest_message_age_seconds{hub="acme"} 301+0x60`,
		`xacct_oldest_message_age_seconds{hub="acme"} 299+0x60`,
	},
	"XacctNoRegistrar": {
		`xacct_last_receive_timestamp_seconds{hub="acme"} 0+0x60`,
		`xacct_last_receive_timestamp_seconds{hub="acme"} 0+60x60`,
	},
	"XacctRegistrarGone": {
		`up{job="other"} 1+0x60`,
		`xacct_build_info{hub="acme"} 1+0x60`,
	},
	"XacctAnswersRefused": {
		`xacct_refused_in_a_row_customers{hub="acme"} 3+0x60`,
		`xacct_refused_in_a_row_customers{hub="acme"} 2+0x60`,
	},
	"XacctRolesRefused": {
		`xacct_roles_refused_in_a_row_customers{hub="acme"} 3+0x60`,
		`xacct_roles_refused_in_a_row_customers{hub="acme"} 2+0x60`,
	},
	"XacctPermissionMissing": {
		`xacct_proofs_total{hub="acme",outcome="not_permitted"} 0+1x60`,
		`xacct_proofs_total{hub="acme",outcome="proven"} 0+1x60`,
	},
	"XacctDeadLetters": {
		`xacct_messages_dead_total{hub="acme"} 0+1x60`,
		`xacct_messages_dead_total{hub="acme"} 7+0x60`,
	},
	"XacctForgeries": {
		`xacct_answers_refused_total{hub="acme",type="Create",why="forged"} 0+1x60`,
		`xacct_answers_refused_total{hub="acme",type="Create",why="expired"} 0+1x60`,
	},
	"XacctCustomersFail": {
		"xacct_answers_total{hub=\"acme\",type=\"Create\",status=\"FAILED\"} 0+1x60\n  xacct_answers_total{hub=\"acme\",type=\"Create\",status=\"SUCCESS\"} 0+0x60",
		"xacct_answers_total{hub=\"acme\",type=\"Create\",status=\"FAILED\"} 0+1x60\n  xacct_answers_total{hub=\"acme\",type=\"Create\",status=\"SUCCESS\"} 0+2x60",
	},
	"XacctAnswersSlow": {
		"xacct_answer_seconds_bucket{hub=\"acme\",type=\"Create\",le=\"120\"} 0+1x60\n  xacct_answer_seconds_bucket{hub=\"acme\",type=\"Create\",le=\"300\"} 0+2x60\n  xacct_answer_seconds_bucket{hub=\"acme\",type=\"Create\",le=\"+Inf\"} 0+2x60",
		"xacct_answer_seconds_bucket{hub=\"acme\",type=\"Create\",le=\"120\"} 0+2x60\n  xacct_answer_seconds_bucket{hub=\"acme\",type=\"Create\",le=\"300\"} 0+2x60\n  xacct_answer_seconds_bucket{hub=\"acme\",type=\"Create\",le=\"+Inf\"} 0+2x60",
	},
}

func TestEveryAlertFiresWhenItShouldAndNotBefore(t *testing.T) {
	all := rules(t)
	if len(all) != len(alarms) {
		t.Errorf("there are %d alerts, and figures for %d", len(all), len(alarms))
	}
	for name, figures := range alarms {
		rule, there := all[name]
		if !there {
			t.Errorf("there is no alert %s", name)
			continue
		}
		for text, want := range map[string]bool{figures.fires: true, figures.silent: false} {
			if got := fires(t, rule.Expr, text); got != want {
				t.Errorf("%s: fires: %t, want %t\n%s", name, got, want, text)
			}
		}
	}
}

// fires reports whether an expression has a result after an hour of figures.
func fires(t *testing.T, expr, figures string) bool {
	t.Helper()
	storage := promqltest.LoadedStorage(t, "load 1m\n  "+figures+"\n")
	defer storage.Close()
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, 1e6)
	query, err := engine.NewInstantQuery(context.Background(), storage, nil, expr, time.Unix(3600, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	vector, err := query.Exec(context.Background()).Vector()
	if err != nil {
		t.Fatal(err)
	}
	return len(vector) > 0
}

var variable = regexp.MustCompile(`\$__rate_interval`)

func TestTheDashboardIsOneOfGrafanas(t *testing.T) {
	text := read(t, "monitoring/grafana-dashboard.json")
	var d dashboard.Dashboard
	// An empty list of mistakes is an error that is not nil there.
	if err := d.UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
		t.Fatal(err)
	}
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	var plain struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, panel := range plain.Panels {
		if ids[panel.ID] {
			t.Errorf("two panels have the ID %d", panel.ID)
		}
		ids[panel.ID] = true
		for x := panel.GridPos.X; x < panel.GridPos.X+panel.GridPos.W; x++ {
			for y := panel.GridPos.Y; y < panel.GridPos.Y+panel.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q lies over %q, or beyond the edge", panel.Title, other)
				}
				taken[[2]int{x, y}] = panel.Title
			}
		}
		if len(panel.Targets) == 0 {
			t.Errorf("panel %q shows nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(variable.ReplaceAllString(target.Expr, "5m")); err != nil {
				t.Errorf("panel %q: %v", panel.Title, err)
			}
		}
	}
}

// kinds are the types of what the manifests have.
var kinds = map[string]func() any{
	"v1/ServiceAccount":                  func() any { return new(core.ServiceAccount) },
	"apps/v1/Deployment":                 func() any { return new(apps.Deployment) },
	"policy/v1/PodDisruptionBudget":      func() any { return new(policy.PodDisruptionBudget) },
	"networking.k8s.io/v1/NetworkPolicy": func() any { return new(networking.NetworkPolicy) },
}

func TestTheManifestsAreOfKubernetesAPI(t *testing.T) {
	found := 0
	for _, document := range bytes.Split(read(t, "registrar-kubernetes/registrar.yaml"), []byte("\n---\n")) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(document, &head); err != nil {
			t.Fatal(err)
		}
		made := kinds[head.APIVersion+"/"+head.Kind]
		if made == nil {
			t.Errorf("a manifest is of kind %s %s, which this test doesn't know", head.APIVersion, head.Kind)
			continue
		}
		object := made()
		if err := yaml.UnmarshalStrict(document, object); err != nil {
			t.Errorf("%s: %v", head.Kind, err)
		}
		if deployment, is := object.(*apps.Deployment); is {
			checkDeployment(t, deployment)
		}
		found++
	}
	if found != len(kinds) {
		t.Errorf("there are %d manifests, want %d", found, len(kinds))
	}
}

// checkDeployment holds what strict decoding can't see: names that lead to each
// other, and that the pod has longer to stop than the registrar takes.
func checkDeployment(t *testing.T, d *apps.Deployment) {
	t.Helper()
	pod := d.Spec.Template
	for key, value := range d.Spec.Selector.MatchLabels {
		if pod.Labels[key] != value {
			t.Errorf("the selector's %s=%s is no label of the pods", key, value)
		}
	}
	container := pod.Spec.Containers[0]
	named := map[string]bool{}
	for _, port := range container.Ports {
		named[port.Name] = true
	}
	if !named[container.LivenessProbe.TCPSocket.Port.StrVal] || !named[container.ReadinessProbe.HTTPGet.Port.StrVal] {
		t.Error("a probe asks a port that the container doesn't have")
	}
	drain, err := time.ParseDuration(container.Args[len(container.Args)-1])
	if err != nil || container.Args[len(container.Args)-2] != "--drain" {
		t.Fatalf("the arguments don't end with --drain: %s", strings.Join(container.Args, " "))
	}
	if grace := time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second; grace <= drain {
		t.Errorf("pods are killed after %s, and --drain is %s", grace, drain)
	}
}
