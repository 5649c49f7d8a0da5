// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Screen is a terminal that output is shown on. The zero value is a file or a
// pipe.
type Screen struct {
	Width    int  // columns; 0: no terminal, so lines may have any length
	Coloured bool // colours may be used
}

// ScreenOf returns the terminal that a writer writes to, or the zero Screen. It has
// no colours if NO_COLOR is set (https://no-color.org), or if TERM is dumb.
func ScreenOf(out io.Writer) Screen {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return Screen{}
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	return Screen{Width: width, Coloured: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// Terminal reports whether the screen is a terminal.
func (s Screen) Terminal() bool { return s.Width > 0 }

// Colour is an ANSI SGR code. The zero value leaves text as it is.
type Colour string

// The SGR codes that are used.
const (
	Bold   Colour = "1"
	Dim    Colour = "2"
	Red    Colour = "31"
	Green  Colour = "32"
	Yellow Colour = "33"
)

// Paint returns a text in a colour, or unchanged if the screen has no colours.
func (s Screen) Paint(text string, c Colour) string {
	if !s.Coloured || c == "" || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}
