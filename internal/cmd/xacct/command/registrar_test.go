// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// testWorld returns the world of a script for a test in Go, and sets this process's
// environment to that of its vendor.
func testWorld(t *testing.T) *world {
	t.Helper()
	box := trial.Sandbox(t)
	environment, err := box.Environment(sandbox.VendorAccount, home)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range environment {
		t.Setenv(name, value)
	}
	w := &world{box: box}
	if err := w.makeHub(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// running is a daemon that runs in this process.
type running struct {
	lines chan map[string]any // of its log
	stop  context.CancelFunc
	ended chan error
}

func (d daemon) start(t *testing.T) *running {
	t.Helper()
	in, err := (&hubFlags{hub: "acme"}).open(t.Context(), thisTest, interactiveAttempts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	r := &running{lines: make(chan map[string]any, 100), stop: cancel, ended: make(chan error, 1)}
	go func() {
		r.ended <- d.run(ctx, in, write)
		_ = write.Close()
	}()
	go func() {
		defer close(r.lines)
		for lines := bufio.NewScanner(read); lines.Scan(); {
			var line map[string]any
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Errorf("the log has a line that is not JSON: %s", lines.Text())
			}
			r.lines <- line
		}
	}()
	return r
}

// line returns the next line of the log with a message.
func (r *running) line(t *testing.T, message string) map[string]any {
	t.Helper()
	for {
		select {
		case line, more := <-r.lines:
			if !more {
				t.Fatalf("the log ended before %q", message)
			}
			if line["msg"] == message {
				return line
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("the log never said %q", message)
		}
	}
}

// end stops the daemon and waits for it.
func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	r.line(t, "stopped")
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url) //nolint:noctx // a test of its own server
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func defaults() daemon {
	return daemon{concurrency: 4, listen: listenAddress{address: "127.0.0.1:0", explicit: true}, verifyEvery: 24 * time.Hour, drain: 10 * time.Second}
}

func TestARegistrarServesItsHealthAndMetrics(t *testing.T) {
	w := testWorld(t)
	r := defaults().start(t)
	at, _ := r.line(t, "listening")["watch"].(string)
	w.launchOne(t)
	line := r.line(t, "answered")
	if line["customer"] != "globex" || line["outcome"] != "registered" || line["hub"] != "acme" || line["account"] != "222222222222" {
		t.Errorf("the decision's line is %v", line)
	}
	if status, text := fetch(t, "http://"+at+"/healthz"); status != http.StatusOK || !strings.Contains(text, `"status":"ok"`) {
		t.Errorf("%d: %s", status, text)
	}
	_, figures := fetch(t, "http://"+at+"/metrics")
	for _, figure := range []string{
		`xacct_answers_total{hub="acme",status="SUCCESS",type="Create"} 1`,
		`xacct_requests_decided_total{hub="acme",outcome="registered",type="Create"} 1`,
		`xacct_answer_seconds_count{hub="acme",type="Create"} 1`,
	} {
		if !strings.Contains(figures, figure) {
			t.Errorf("there is no %s in\n%s", figure, figures)
		}
	}
	r.end(t)
	if _, err := net.DialTimeout("tcp", at, time.Second); err == nil {
		t.Error("the metrics are still served after the registrar has stopped")
	}
}

func TestRolesAreProvenAgainByOneOfTheRegistrars(t *testing.T) {
	w := testWorld(t)
	first := defaults().start(t)
	if line := first.line(t, "proved all roles again"); line["roles"] != float64(0) {
		t.Errorf("%v", line)
	}
	second := defaults().start(t)
	second.line(t, "listening")
	second.end(t)
	first.end(t)
	queries := 0
	for _, call := range w.box.Journal().Since(0) {
		if call.Action == "Query" || call.Action == "Scan" {
			queries++
		}
	}
	if queries != 2 { // a small hub has one partition of links and one of registrations
		t.Errorf("the customers were read by %d queries, not once by two", queries)
	}
}

func TestASecondRegistrarOnAMachineWorksWithoutMetrics(t *testing.T) {
	testWorld(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	d := defaults()
	d.listen = listenAddress{address: taken.Addr().String()}
	r := d.start(t)
	r.line(t, "no metrics and no health page: the address is in use; set --listen to another")
	r.end(t)

	d.listen.explicit = true
	r = d.start(t)
	if err := <-r.ended; err == nil || !strings.Contains(err.Error(), "--listen "+taken.Addr().String()) {
		t.Errorf("with --listen it ended with %v", err)
	}
	r.stop()
}

// launchOne launches a link as customer globex, waits for the stack, and
// returns its ID.
func (w *world) launchOne(t *testing.T) (stackID string) {
	t.Helper()
	link, err := w.inviteOne(t.Context(), "globex", "222222222222")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.box.OpenAccount("222222222222", "aws"); err != nil {
		t.Fatal(err)
	}
	id, err := w.box.LaunchURL(t.Context(), link, "222222222222", sandbox.LaunchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stack, err := w.box.WaitStack(t.Context(), id)
	if err != nil || stack.Status != "CREATE_COMPLETE" {
		t.Fatalf("%s: %s (%v)", stack.Status, stack.StatusReason, err)
	}
	return id
}

func TestARegistrarSendsTracesIfOpenTelemetryIsConfigured(t *testing.T) {
	w := testWorld(t)
	got := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- string(body)
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	_, err := w.clients.SQS(w.clients.Region).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &w.record.QueueURL, MessageBody: aws.String("no phone-home")})
	if err != nil {
		t.Fatal(err)
	}
	r := daemon{concurrency: 1, drain: time.Second, listen: listenAddress{address: "127.0.0.1:0"}}.start(t)
	r.line(t, "message sent to the dead-letter queue")
	r.stop()
	if err := <-r.ended; err != nil {
		t.Fatal(err)
	}
	sent := <-got
	for _, wanted := range []string{"phone-home", "decode", "dead_letter", "xacct-registrar", "acme"} {
		if !strings.Contains(sent, wanted) {
			t.Errorf("the traces do not contain %q: %q", wanted, sent)
		}
	}
}
