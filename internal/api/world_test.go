// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

var update = flag.Bool("update", false, "rewrite openapi.json")

const home = "us-east-1"

// world is a sandbox with a hub that has permission sets, and a server of its API.
type world struct {
	t       *testing.T
	box     *sandbox.Sandbox
	clients *awsclient.Clients
	hub     *hub.Manager
	record  registry.HubRecord
	spec    hub.Spec
	server  *Server
	http    *httptest.Server
	tokens  map[string]string // tokens by name
	log     *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t *testing.T, changes ...func(*hub.Spec)) *world {
	t.Helper()
	return newWorldOn(t, func(_ *world, spec *hub.Spec) {
		for _, change := range changes {
			change(spec)
		}
	})
}

// newWorldOn is newWorld for a hub whose specification uses the sandbox.
func newWorldOn(t *testing.T, change func(*world, *hub.Spec)) *world {
	t.Helper()
	w := &world{t: t, box: trial.Sandbox(t), tokens: map[string]string{}, log: &lockedBuffer{}}
	var err error
	w.clients, err = trial.Clients(t.Context(), w.box, sandbox.VendorAccount, home)
	w.must(err)
	spec := hub.Spec{
		DisplayName: "Acme", SupportURL: "https://acme.example/support", Regions: []account.Region{region(home), region("eu-central-1")},
		PublisherScope: onboarding.KnownAccounts, TemplateAccess: onboarding.TemplatesPublic, ResponseTimeout: 15 * time.Minute, Capacity: 1500, Shards: 1,
		SkipSignatures: true, // signatures are tested with the registrar
	}
	change(w, &spec)
	w.spec = spec
	w.hub = w.manager()
	state, err := w.hub.Create(t.Context(), spec)
	w.must(err)
	w.record = state.Record
	w.set("readonly", func(*permissionset.Set) {})
	w.set("more", func(s *permissionset.Set) {
		s.Role.InlinePolicies = permissionset.Policies{"more": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::reports/*"}]}`}
		s.OptionalPermissions = map[string]permissionset.OptionalPermission{"restart_hosts": {
			Description: "Restart hosts that hang, after asking you", InlinePolicies: permissionset.Policies{"restart": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:RebootInstances","Resource":"*"}]}`},
		}}
	})
	w.serve(func(*Config) {})
	return w
}

func (w *world) manager() *hub.Manager {
	manager, err := hub.New(w.clients, "acme", w.now, rand.Reader)
	w.must(err)
	return manager
}

// serve starts the server again.
func (w *world) serve(change func(*Config)) {
	w.t.Helper()
	config := Config{
		Hub: w.hub, Surfaces: Surfaces{API: true, Connect: true}, Auth: w.tokenFile(), Version: "test", Rate: 10_000,
		Prover: func(record registry.HubRecord) health.Prover { return registrar.NewProver(w.clients, record) },
		Clock:  w.now, Random: rand.Reader, Logger: slog.New(slog.NewJSONHandler(w.log, nil)), PollInterval: 20 * time.Millisecond,
	}
	config.ConnectURL, _ = url.Parse("http://localhost")
	w.http = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.server.Handler().ServeHTTP(rw, r) }))
	w.http.Start()
	w.t.Cleanup(w.http.Close)
	config.ConnectURL, _ = url.Parse(strings.Replace(w.http.URL, "127.0.0.1", "localhost", 1))
	change(&config)
	var err error
	w.server, err = New(config)
	w.must(err)
}

func (w *world) tokenFile() Authenticator {
	var lines strings.Builder
	for name, scopes := range map[string][]Scope{"backend": {Read, Write}, "viewer": {Read}, "operator": {Operate}} {
		token, line, err := NewToken(rand.Reader, name, scopes)
		w.must(err)
		w.tokens[name] = token
		lines.WriteString(line + "\n")
	}
	path := filepath.Join(w.t.TempDir(), "tokens")
	w.must(os.WriteFile(path, []byte(lines.String()), 0o600))
	file, err := OpenTokenFile(path, w.now)
	w.must(err)
	return file
}

func (w *world) now() time.Time { return w.box.Clock().Now() }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w.log)
	}
}

func region(name string) account.Region {
	found, err := account.ParseRegion(name)
	if err != nil {
		panic(err)
	}
	return found
}

// set creates a permission set, as Terraform would.
func (w *world) set(name string, change func(*permissionset.Set)) {
	w.t.Helper()
	set := permissionset.Set{Role: permissionset.Role{Path: "/", MaxSessionDuration: 3600, ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit"}}}
	change(&set)
	spec, problems := declaration.Specification(w.record.Hub, set)
	if len(problems) > 0 {
		w.t.Fatal(problems)
	}
	template, err := stacktemplate.Render(spec)
	w.must(err)
	address, err := w.hub.PublishTemplate(w.t.Context(), w.record, template.JSON())
	w.must(err)
	_, err = w.hub.Registry().CreatePermissionSet(w.t.Context(), onboarding.PermissionSet{
		Hub: "acme", Name: name, RolePath: "/", TemplateVersion: stacktemplate.Version(spec), TemplateURL: address,
		TemplateParameters: template.LinkParameters(), Rendered: declaration.Rendering(spec), Declared: declaration.EncodeSet(set), CreatedAt: w.now(),
	})
	w.must(err)
}

// answer is an HTTP response.
type answer struct {
	status int
	header http.Header
	text   string
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.text), v); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.text, err)
	}
}

func (a answer) customer(t *testing.T) (v CustomerView) { t.Helper(); a.into(t, &v); return v }

func (a answer) problem(t *testing.T) (p Problem) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("%d, %s is not a problem: %s", a.status, got, a.text)
	}
	a.into(t, &p)
	return p
}

// call calls the API with one of the tokens.
func (w *world) call(as, method, path, body string, headers ...string) answer {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.http.URL+path, strings.NewReader(body))
	w.must(err)
	if token := w.tokens[as]; token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return w.do(request)
}

func (w *world) do(request *http.Request) answer {
	w.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	w.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	w.must(err)
	return answer{response.StatusCode, response.Header, string(text)}
}

// want fails the test unless the response has a status.
func (w *world) want(a answer, status int) answer {
	w.t.Helper()
	if a.status != status {
		w.t.Fatalf("got %d %s, want %d\n%s", a.status, a.text, status, w.log)
	}
	return a
}

// listen runs a registrar until the test ends.
func (w *world) listen() {
	w.t.Helper()
	r, err := registrar.Open(w.clients, w.hub.Registry(), w.record, registrar.Config{Clock: w.now, Logger: slog.New(slog.NewJSONHandler(w.log, nil))})
	w.must(err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.Run(ctx) }()
	w.t.Cleanup(func() { stop(); <-done })
}
