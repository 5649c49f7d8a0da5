// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package browser drives a real browser in tests of pages: Chromium or Chrome,
// without a window. `make test-browser` names the browser's program in
// XACCT_BROWSER; without it the tests of pages are skipped.
package browser

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Variable names the environment variable with the path of the browser.
const Variable = "XACCT_BROWSER"

// patience is how long a page may take to show the expected content.
const patience = 30 * time.Second

// Browser is a browser process that ends with the test.
type Browser struct {
	ctx context.Context
}

// Start starts a browser, or skips the test if none is named.
func Start(t *testing.T) *Browser {
	t.Helper()
	path := os.Getenv(Variable)
	if path == "" {
		t.Skip("needs a browser: make test-browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // root, as in a container, has no sandbox of its own; the pages are ours
		chromedp.DisableGPU,
		chromedp.Flag("disable-lcd-text", true), // screenshots are the same everywhere, and small
		chromedp.Flag("lang", "en-US"),
	)
	allocated, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocated)
	t.Cleanup(func() { end(); stop() })
	if _, err := chromedp.Run(ctx, chromedp.Title()); err != nil {
		t.Fatalf("%s does not start: %v", path, err)
	}
	return &Browser{ctx}
}

// Tab is a tab in a browser. It shares no cookies with other tabs, except those that
// it opened.
type Tab struct {
	t      *testing.T
	ctx    context.Context
	mu     sync.Mutex
	said   []string
	served fetch.FulfillRequestParams // the answer of Serve
	opened <-chan target.ID
}

// Tab opens a tab of 1000 by 900 pixels, in light colours and with JavaScript.
func (b *Browser) Tab(t *testing.T) *Tab {
	t.Helper()
	return newTab(t, b.ctx, chromedp.WithNewBrowserContext())
}

func newTab(t *testing.T, parent context.Context, options ...chromedp.ContextOption) *Tab {
	t.Helper()
	tab := &Tab{t: t}
	var cancel context.CancelFunc
	tab.ctx, cancel = chromedp.NewContext(parent, append(options, chromedp.WithListener(tab.hear))...)
	t.Cleanup(cancel)
	tab.opened = chromedp.WaitNewTarget(tab.ctx, func(info *target.Info) bool { // it is told of other tests' tabs too
		return info.OpenerID == chromedp.FromContext(tab.ctx).Target.TargetID
	})
	tab.Size(1000, 900)
	tab.Scheme("light")
	return tab
}

// hear records what the browser's console would show: messages of scripts,
// exceptions, failed requests, and violations of the page's security policy.
func (tab *Tab) hear(event any) {
	var text string
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Source == log.EntrySourceRendering && e.Entry.Level == log.EntryLevelInfo {
			return // such as that autofocus came after the test had chosen a field
		}
		text = fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *fetch.EventRequestPaused:
		go tab.answer(e)
		return
	case *runtime.EventExceptionThrown:
		text = "exception: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		text = "console." + string(e.Type)
	default:
		return
	}
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.said = append(tab.said, text)
}

// Console returns the lines of the browser's console so far.
func (tab *Tab) Console() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return append([]string{}, tab.said...)
}

// do fails the test if an action fails, or takes too long.
func (tab *Tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		tab.t.Fatalf("%s: %v\n%s\nconsole: %s", what, err, tab.Text(), strings.Join(tab.Console(), "\n"))
	}
}

// Size sets the size of the page, in CSS pixels.
func (tab *Tab) Size(width, height int64) {
	tab.t.Helper()
	tab.do("size", chromedp.EmulateViewport(width, height))
}

// Scheme sets the user's preferred colours, light or dark, and reduced motion.
func (tab *Tab) Scheme(scheme string) {
	tab.t.Helper()
	tab.do("scheme", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	}))
}

// WithoutScripts switches JavaScript off.
func (tab *Tab) WithoutScripts() {
	tab.t.Helper()
	tab.do("no scripts", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// Serve answers requests for an address instead of the network, for example for a
// host that does not exist. A resource that the page's security policy refuses is
// never requested.
func (tab *Tab) Serve(address, kind, body string) {
	tab.t.Helper()
	tab.mu.Lock()
	tab.served = fetch.FulfillRequestParams{ResponseCode: 200, ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: kind}}, Body: []byte(body)}
	tab.mu.Unlock()
	tab.do("serve "+address, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: address}}})
		return err
	}))
}

func (tab *Tab) answer(e *fetch.EventRequestPaused) {
	tab.mu.Lock()
	answer := tab.served
	tab.mu.Unlock()
	answer.RequestID = e.RequestID
	_, _ = chromedp.Call(tab.ctx, fetch.FulfillRequest, answer) // the page may be closed
}

// Open loads an address.
func (tab *Tab) Open(address string) {
	tab.t.Helper()
	tab.do("open "+address, chromedp.Navigate(address))
}

// Click clicks with the mouse on the first element that a CSS selector matches.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	tab.drawn()
	at := Eval[[]float64](tab, fmt.Sprintf(`(e => { e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })(document.querySelector(%q))`, selector))
	tab.do("click "+selector, chromedp.MouseClickXY(at[0], at[1]))
}

// drawn waits until the page has its style. Its text can be read before the
// stylesheet is loaded, which changes positions and colours.
func (tab *Tab) drawn() {
	tab.t.Helper()
	tab.Until("the page has its style", func() bool { return Eval[string](tab, "document.readyState") == "complete" })
}

// Type types into the first element that a CSS selector matches, after its present
// content.
func (tab *Tab) Type(selector, text string) {
	tab.t.Helper()
	Eval[bool](tab, fmt.Sprintf(`(e => { e.focus(); e.setSelectionRange(e.value.length, e.value.length); return true; })(document.querySelector(%q))`, selector))
	tab.Press(text)
}

// Press presses keys, such as "\t" or "\r".
func (tab *Tab) Press(keys string) {
	tab.t.Helper()
	tab.do("press a key", chromedp.KeyEvent(keys))
}

// Eval returns the value of a JavaScript expression.
func Eval[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		tab.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// Text returns the visible text of the page, or the error if it can't be read.
func (tab *Tab) Text() string {
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body ? document.body.innerText : ''"))
	if err != nil {
		return err.Error()
	}
	return text
}

// Wait waits until the page shows a text, and fails the test if it does not within 30
// seconds.
func (tab *Tab) Wait(text string) {
	tab.t.Helper()
	tab.Until("the page shows "+text, func() bool { return strings.Contains(tab.Text(), text) })
}

// Until waits until a condition holds, and fails the test if it does not within 30
// seconds.
func (tab *Tab) Until(what string, holds func() bool) {
	tab.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); !holds(); {
		select {
		case <-tick.C:
		case <-limit:
			tab.t.Fatalf("waited without success until %s\n%s\nconsole: %s", what, tab.Text(), strings.Join(tab.Console(), "\n"))
		}
	}
}

// Front brings the tab to the front.
func (tab *Tab) Front() {
	tab.t.Helper()
	tab.do("bring to front", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, page.BringToFront, cdp.Empty{})
		return err
	}))
}

// Opened returns the tab that this one has opened, which shares its cookies.
func (tab *Tab) Opened() *Tab {
	tab.t.Helper()
	select {
	case id := <-tab.opened:
		return newTab(tab.t, tab.ctx, chromedp.WithTargetID(id))
	case <-time.After(patience):
		tab.t.Fatal("no tab was opened")
		return nil
	}
}

// Picture returns the whole page as a PNG.
func (tab *Tab) Picture() []byte {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		tab.t.Fatalf("screenshot: %v", err)
	}
	return picture
}

// Accessible returns the page's accessibility tree in the order of a screen reader: a
// role, a quoted name and the description, one line for each node.
func (tab *Tab) Accessible() string {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	var b strings.Builder
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		tree, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		for _, node := range tree.Nodes {
			if node.Ignored {
				continue
			}
			fmt.Fprintf(&b, "%s %s", unquoted(node.Role), quoted(node.Name))
			if d := unquoted(node.Description); d != "" {
				b.WriteString(" described " + quoted(node.Description))
			}
			for _, p := range node.Properties {
				fmt.Fprintf(&b, " %s=%s", p.Name, unquoted(p.Value))
			}
			b.WriteString("\n")
		}
		return err
	}))
	if err != nil {
		tab.t.Fatalf("accessibility tree: %v", err)
	}
	return b.String()
}

func quoted(v *accessibility.Value) string { return fmt.Sprintf("%q", unquoted(v)) }

func unquoted(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `"`)
}
