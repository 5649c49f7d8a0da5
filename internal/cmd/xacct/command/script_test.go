// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	customer "github.com/xacct/terraform-provider-xacct/internal/cmd/xacct-sandbox/command"
)

var update = flag.Bool("update", false, "rewrite the golden parts of testdata/script")

// now is the commands' time in most scripts, because their golden parts contain ages.
// A script that unsets nowVariable gets the real time.
const (
	nowVariable = "XACCT_TEST_NOW"
	now         = "2026-05-10T12:00:00Z"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"xacct":         func() { os.Exit(Run("test", scriptClock())) },
		"xacct-sandbox": func() { os.Exit(customer.Run("test")) },
	})
}

// thisTest is the process of tests in Go.
var thisTest = process{"test", time.Now}

func scriptClock() func() time.Time {
	fixed, err := time.Parse(time.RFC3339, os.Getenv(nowVariable))
	if err != nil {
		return time.Now
	}
	return func() time.Time { return fixed }
}

// TestCommands runs the scripts of testdata/script, each with its own sandbox
// in which the vendor has a hub named acme. `go test -update` rewrites their
// golden parts.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setUp,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"as-printed":     (*world)(nil).script((*world).asPrinted),
			"as":             (*world)(nil).script((*world).as),
			"seed-customers": (*world)(nil).script((*world).seedCustomers),
			"role":           (*world)(nil).script((*world).role),
			"invite":         (*world)(nil).script((*world).invite),
			"organization":   (*world)(nil).script((*world).organization),

			"deploy":    (*world)(nil).script((*world).deploy),
			"heartbeat": (*world)(nil).script((*world).heartbeat),
			"round":     (*world)(nil).script((*world).round),
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
