// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// What the demo prints: titles, the commands that a person would type, and
// their output. Colours are used only on a terminal that supports them.

var acts int

func title(text string) {
	acts++
	fmt.Printf("\n%s\n\n", bold(fmt.Sprintf("%d. %s", acts, text)))
}

func say(text string) { fmt.Printf("  %s\n", text) }

func shown(command string) { fmt.Printf("%s\n", dim("$ "+command)) }

var together sync.Mutex

// showTogether prints a command with all of its output in one piece, because
// several programs print at once.
func showTogether(command string, printed []byte) {
	together.Lock()
	defer together.Unlock()
	if command != "" {
		shown(command)
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

func bold(text string) string { return styled("1", text) }
func dim(text string) string  { return styled("2", text) }

var colorful = sync.OnceValue(func() bool {
	info, err := os.Stdout.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
})

func styled(code, text string) string {
	if !colorful() {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
