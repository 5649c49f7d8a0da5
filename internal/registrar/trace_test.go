// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
)

// recorder is a Tracer that keeps spans, each with the names of its ancestors.
type recorder struct {
	mu    sync.Mutex
	spans []*recorded
}

type recorded struct {
	path  string
	about map[string]string
	ended bool
}

type spanKey struct{}

func (r *recorder) Start(ctx context.Context, name string) (context.Context, Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &recorded{path: name, about: map[string]string{}}
	if above, ok := ctx.Value(spanKey{}).(*recorded); ok {
		s.path = above.path + "/" + name
	}
	r.spans = append(r.spans, s)
	return context.WithValue(ctx, spanKey{}, s), s
}

func (s *recorded) Set(attributes ...slog.Attr) {
	for _, a := range attributes {
		s.about[a.Key] = a.Value.String()
	}
}

func (s *recorded) End() { s.ended = true }

func (r *recorder) paths() string {
	var all []string
	for _, s := range r.spans {
		all = append(all, s.path)
	}
	return strings.Join(all, "\n")
}

func TestATraceHasEachStepOfAPhoneHome(t *testing.T) {
	f := newFake(t)
	traced := &recorder{}
	r := f.registrar(func(c *Config) { c.Tracer = traced })
	if d := r.Handle(context.Background(), f.request("Create", "s1", "r1", "c1", nil)); d.Action != Done {
		t.Fatalf("%+v", d)
	}
	want := `phone-home
phone-home/decode
phone-home/limit_account
phone-home/load
phone-home/verify
phone-home/check_region
phone-home/decide
phone-home/decide/prove
phone-home/load
phone-home/verify
phone-home/check_region
phone-home/decide
phone-home/store
phone-home/send
phone-home/settle
phone-home/commit`
	if got := traced.paths(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	guide, err := os.ReadFile("../../docs/guides/registrar.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range traced.spans {
		if name := path.Base(s.path); !strings.Contains(string(guide), "`"+name+"`") {
			t.Errorf("the guide does not name the span %s", name)
		}
	}
	about := traced.spans[0].about
	for key, want := range map[string]string{
		"xacct.hub": "acme", "xacct.action": "done", "xacct.request_type": "Create", "xacct.customer": "c1", "xacct.answer": "SUCCESS",
	} {
		if about[key] != want {
			t.Errorf("%s is %q, want %q", key, about[key], want)
		}
	}
	if proof := traced.spans[7].about["xacct.proof"]; proof != "proven" {
		t.Errorf("the proof is %q", proof)
	}
	for _, s := range traced.spans {
		if text := fmt.Sprint(s.about); !s.ended || strings.Contains(text, "Signature") || strings.Contains(text, "https:") {
			t.Errorf("span %s, ended: %t, has the attributes %s", s.path, s.ended, text)
		}
	}
}

func TestATraceAlwaysEnds(t *testing.T) {
	f := newFake(t)
	traced := &recorder{}
	r := f.registrar(func(c *Config) { c.Tracer = traced })
	if d := r.Handle(context.Background(), []byte("no phone-home")); d.Action != DeadLetter {
		t.Fatalf("%+v", d)
	}
	if got := traced.paths(); got != "phone-home\nphone-home/decode" || traced.spans[0].about["xacct.action"] != "dead_letter" {
		t.Errorf("got\n%s\n%v", got, traced.spans[0].about)
	}
	f.sign = func([]byte) error { panic("a bug") }
	r.Work(context.Background(), Message{Body: f.request("Create", "s1", "r1", "c1", nil)})
	for _, s := range traced.spans {
		if !s.ended {
			t.Errorf("span %s never ended", s.path)
		}
	}
}
