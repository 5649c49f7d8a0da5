// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/cli"
)

// titles counts the titles that were printed.

var titles int

func title(text string) {
	titles++
	fmt.Printf("\n%s\n\n", bold(fmt.Sprintf("%d. %s", titles, text)))
}

func say(text string) { cli.Say(os.Stdout, "  %s\n", text) }

// printCommand prints a command as a person would type it, on two lines if it is too
// long for the terminal.
func printCommand(command string) {
	const least = 80 // if there is no terminal
	if at := strings.LastIndex(command, " --"); len("$ "+command) > cmp.Or(cli.ScreenOf(os.Stdout).Width, least) && at > 0 {
		command = command[:at] + " \\\n   " + command[at:]
	}
	fmt.Printf("%s\n", dim("$ "+command))
}

var together sync.Mutex

// showTogether prints a command with all of its output in one piece, because
// several programs print at once.
func showTogether(command string, printed []byte) {
	together.Lock()
	defer together.Unlock()
	if command != "" {
		printCommand(command)
	}
	fmt.Print(indent(string(printed)))
}

func indent(text string) string {
	var b strings.Builder
	if text == "" {
		return ""
	}
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		b.WriteString("  " + line)
	}
	return b.String()
}

func bold(text string) string { return cli.ScreenOf(os.Stdout).Paint(text, cli.Bold) }
func dim(text string) string  { return cli.ScreenOf(os.Stdout).Paint(text, cli.Dim) }
