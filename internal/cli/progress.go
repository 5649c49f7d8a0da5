// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// Progress is a progress bar. It is drawn only on a terminal. Its methods are safe
// for concurrent use.
type Progress struct {
	out    io.Writer
	screen Screen
	what   string
	total  int

	mu    sync.Mutex
	done  int
	drawn string
}

// NewProgress draws and returns a bar of total steps; what names their unit, such as
// customers.
func NewProgress(out io.Writer, what string, total int) *Progress {
	p := &Progress{out: out, screen: ScreenOf(out), what: what, total: total}
	p.draw()
	return p
}

// Step records that one step is done.
func (p *Progress) Step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.draw()
}

// End removes the bar.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn != "" {
		fmt.Fprint(p.out, "\r"+strings.Repeat(" ", len(p.drawn))+"\r")
		p.drawn = ""
	}
}

func (p *Progress) draw() {
	if !p.screen.Terminal() || p.total == 0 {
		return
	}
	if text := p.render(); text != p.drawn {
		fmt.Fprint(p.out, "\r"+text)
		p.drawn = text
	}
}

func (p *Progress) render() string {
	const widest = 40
	numbers := fmt.Sprintf(" %*d of %d %s", len(fmt.Sprint(p.total)), p.done, p.total, p.what)
	width := min(widest, p.screen.Width-len(numbers)-3)
	if width < 1 {
		return numbers[1:min(len(numbers), max(p.screen.Width, 1))]
	}
	full := width * p.done / p.total
	return "[" + strings.Repeat("#", full) + strings.Repeat(" ", width-full) + "]" + numbers
}
