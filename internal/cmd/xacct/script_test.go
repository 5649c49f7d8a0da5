// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"context"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the golden parts of testdata/script")

// now is the time of the commands in most scripts, for the sake of ages in
// their goldens. A script that unsets the variable gets the real one.
const (
	nowVariable = "XACCT_TEST_NOW"
	now         = "2026-05-10T12:00:00Z"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"xacct": func() { os.Exit(run(scriptClock())) }})
}

func scriptClock() func() time.Time {
	fixed, err := time.Parse(time.RFC3339, os.Getenv(nowVariable))
	if err != nil {
		return time.Now
	}
	return func() time.Time { return fixed }
}

// TestCommands runs the scripts of testdata/script, each with a sandbox of its
// own in which the vendor has a hub named acme. `go test -update` rewrites what
// they compare with.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setUp,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"as":           (*world)(nil).script((*world).as),
			"people":       (*world)(nil).script((*world).people),
			"role":         (*world)(nil).script((*world).role),
			"invite":       (*world)(nil).script((*world).invite),
			"organization": (*world)(nil).script((*world).organization),

			"letter":    (*world)(nil).script((*world).letter),
			"queue":     (*world)(nil).script((*world).queue),
			"fail":      (*world)(nil).script((*world).fail),
			"hasten":    (*world)(nil).script((*world).hasten),
			"newer":     (*world)(nil).script((*world).newer),
			"capture":   (*world)(nil).script((*world).capture),
			"normalize": (*world)(nil).script((*world).normalize),

			"template-access": (*world)(nil).script((*world).templateAccess),
		},
	})
}

func TestASandboxServesUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	printed, out := io.Pipe()
	cmd := newRootCommand(time.Now)
	cmd.SetArgs([]string{"sandbox", "--listen", "127.0.0.1:0", "--region", "eu-central-1"})
	cmd.SetOut(out)
	done := make(chan error, 1)
	go func() {
		done <- cmd.ExecuteContext(ctx)
		_ = out.Close()
	}()
	exported := map[string]string{}
	for lines := bufio.NewScanner(printed); lines.Scan(); {
		if name, value, found := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "="); found {
			exported[name] = value
		}
		if strings.Contains(lines.Text(), "Ctrl-C") {
			stop()
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if exported["AWS_REGION"] != "eu-central-1" || !strings.HasPrefix(exported["AWS_ENDPOINT_URL"], "http://127.0.0.1:") {
		t.Errorf("exported %v", exported)
	}
}
