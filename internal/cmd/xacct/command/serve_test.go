// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/api"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// served is `xacct serve` in its own process.
type served struct {
	t       *testing.T
	process *trial.Process
	base    string // of the API
	watch   string // of its metrics
	token   string
}

func serve(t *testing.T, more ...string) *served {
	t.Helper()
	token, line, err := api.NewToken(rand.Reader, "backend", []api.Scope{api.Read, api.Write})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable() // the test binary, which acts as xacct if it has that name
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Args = append([]string{"xacct", "serve", "--hub", "acme", "--token-file", path, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"}, more...)
	s := &served{t: t, token: token}
	started := make(chan map[string]any, 1)
	s.process, err = trial.Start(cmd, func(line string) {
		var told map[string]any
		if json.Unmarshal([]byte(line), &told) == nil && told["msg"] == "serving" {
			started <- told
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.process.Kill)
	select {
	case told := <-started:
		s.base, s.watch = fmt.Sprint("http://", told["address"]), fmt.Sprint("http://", told["watch"])
	case <-s.process.Done():
		t.Fatalf("xacct serve has ended:\n%s", s.process.Output())
	case <-time.After(time.Minute):
		t.Fatalf("xacct serve did not start to serve:\n%s", s.process.Output())
	}
	return s
}

// get sends a request with the backend's token and these headers. The test's
// cleanup closes the body.
func (s *served) get(path string, headers ...string) *http.Response {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	s.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.process.Output())
	}
	s.t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func TestOneProcessServesTheAPIAndAnswersCustomersUntilSIGTERM(t *testing.T) {
	w := testWorld(t)
	s := serve(t, "--with-registrar", "--drain", "20s")
	if status := s.get("/v1/customers", "Authorization", "Bearer xacct_guess").StatusCode; status != http.StatusUnauthorized {
		t.Errorf("without its token: %d", status)
	}
	if status := s.get("/v1/customers", "X-Long", strings.Repeat("x", 40<<10)).StatusCode; status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("oversized headers: %d", status)
	}
	w.launchOne(t) // the registrar of the same process answers
	beats, err := registry.New(w.clients.DynamoDB(), "acme", w.box.Clock().Now).Heartbeats(t.Context())
	if err != nil || !slices.ContainsFunc(beats, func(b registry.Heartbeat) bool { return b.Registrar == trialID }) {
		t.Errorf("the registrar began without its trial transaction, unlike that of xacct registrar: %v, %v", beats, err)
	}
	events := bufio.NewScanner(s.get("/v1/customers/globex/events").Body)
	for events.Scan() && !strings.Contains(events.Text(), `"state":"connected"`) { // the commit follows the answer
	}
	response := s.get("/v1/customers/globex")
	var seen api.CustomerView
	if err := json.NewDecoder(response.Body).Decode(&seen); err != nil || seen.State != api.Connected {
		t.Errorf("%d, %v: %+v", response.StatusCode, err, seen)
	}
	_, figures := fetch(t, s.watch+"/metrics")
	for _, figure := range []string{
		`xacct_api_requests_total{hub="acme",route="GET /v1/customers/{customer_id}",status="200"} 1`,
		`xacct_answers_total{hub="acme",status="SUCCESS",type="Create"} 1`,
	} {
		if !strings.Contains(figures, figure) {
			t.Errorf("there is no %s in\n%s", figure, figures)
		}
	}

	// After SIGTERM a request in flight is answered, and a stream ends.
	stream := s.get("/v1/customers/globex/events")
	lines := bufio.NewReader(stream.Body)
	if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "retry: ") {
		t.Fatalf("the stream begins with %q, %v", line, err)
	}
	var held atomic.Bool
	holds, release := make(chan struct{}), make(chan struct{})
	w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Service == "dynamodb" && c.Action == "Query" && held.CompareAndSwap(false, true) {
			close(holds)
			<-release
		}
		return nil
	})
	answered := make(chan int, 1)
	go func() { answered <- s.get("/v1/customers").StatusCode }()
	<-holds
	stopped := make(chan error, 1)
	go func() { stopped <- s.process.Stop() }()
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Errorf("the stream did not end properly: %v", err)
	}
	close(release)
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the request in flight: %d", status)
	}
	if err := <-stopped; err != nil || !strings.Contains(s.process.Output(), `"msg":"stopped"`) {
		t.Errorf("%v\n%s", err, s.process.Output())
	}
	for line := range strings.Lines(s.process.Output()) {
		if strings.Count(line, `"hub":`) > 1 {
			t.Errorf("a line of the log has a name twice: %s", line)
		}
	}
}

func TestTheAPIRemovesPublishersThatNoLinkNeeds(t *testing.T) {
	w := testWorld(t)
	if _, err := w.inviteOne(t.Context(), "globex", "222222222222"); err != nil {
		t.Fatal(err)
	}
	p := process{"test", w.box.Clock().Now}
	in, err := (&hubFlags{hub: "acme"}).open(t.Context(), p, interactiveAttempts)
	if err != nil {
		t.Fatal(err)
	}
	manager, err := hub.New(in.clients, "acme", p.clock, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mayPublish := func() bool {
		t.Helper()
		if err := in.tidyPublishers(t.Context(), manager); err != nil {
			t.Fatal(err)
		}
		shard, err := in.records.Shard(t.Context(), "SHARD#0")
		if err != nil {
			t.Fatal(err)
		}
		_, there := shard.Accounts[must(account.ParseID("222222222222"))]
		return there
	}
	if !mayPublish() {
		t.Error("an open link's account may not publish")
	}
	found, err := in.records.Customer(t.Context(), "globex")
	if err != nil {
		t.Fatal(err)
	}
	found.Link.Closed, found.Link.ClosedAt = true, p.clock()
	if _, err := in.records.UpdateLink(t.Context(), found.Link); err != nil {
		t.Fatal(err)
	}
	if !mayPublish() {
		t.Error("the account may not publish right after the link was closed")
	}
	w.box.Clock().Advance(8 * 24 * time.Hour)
	mayPublish() // the first reconciliation may only record the date
	if mayPublish() {
		t.Error("the account may publish a week after the link was closed")
	}
}

// TestTheAddressOfTheConnectPageIsAnOriginAlone: the page's own links begin at the root.
func TestTheAddressOfTheConnectPageIsAnOriginAlone(t *testing.T) {
	t.Parallel()
	for address, sound := range map[string]bool{
		"": true, "https://connect.acme.example": true, "https://connect.acme.example/": true, "https://connect.acme.example:8443": true, "http://localhost:8420": true,
		"http://connect.acme.example": false, "connect.acme.example": false, "https://": false, "https:///": false, "https://connect.acme.example/onboarding": false,
		"https://connect.acme.example?a=b": false, "https://connect.acme.example/#a": false, "https://me:secret@connect.acme.example": false, "mailto:me@acme.example": false,
	} {
		s := newAPIServer()
		s.address, s.connectURL = "127.0.0.1:8420", address
		var config api.Config
		err := s.addresses(&config)
		if (err == nil) != sound {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && (cli.ExitCode(err) != 2 || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%q: exit code %d, %v", address, cli.ExitCode(err), err)
		}
	}
}
