// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// newcomer is a customer who signs up in the vendor's own product, which does not
// know their account.
var newcomer = customer{id: "hooli", account: "555555555555"}

// product acts as the vendor's own product, which calls the onboarding API, and as
// the newcomer's browser, which opens the connect page.
type product struct {
	*stage
	server  *trial.Process
	address string
	token   string
	cookie  string
}

// signUp serves the onboarding API, and acts as a customer who signs up.
func signUp(ctx context.Context, s *stage) error {
	title("A customer signs up in the vendor's product: the API, and the page")
	p := &product{stage: s}
	s.product = p
	if err := p.serve(ctx); err != nil {
		return err
	}
	fmt.Println()
	say("The product makes one call when hooli signs up, and gets a page for them:")
	if _, err := p.call(ctx, "PUT", "/v1/customers/hooli", `{"permission_set": "readonly", "ask_account_id": true}`, "state", "owner"); err != nil {
		return err
	}
	made, err := p.call(ctx, "POST", "/v1/customers/hooli/connect", `{}`, "expires_at")
	if err != nil {
		return err
	}
	page, err := url.Parse(fmt.Sprint(made["url"]))
	if err != nil {
		return err
	}
	fmt.Println()
	say("The customer opens it, and reads:")
	text, err := p.visit(ctx, http.MethodGet, page.Path, nil)
	if err != nil {
		return err
	}
	for _, line := range []string{"Connect your AWS account to Acme Observability", "Which AWS account?", "What the role may do", "See metrics, alarms and logs", "S3 (files)"} {
		if !strings.Contains(text, line) {
			return fmt.Errorf("the page does not contain %q:\n%s", line, text)
		}
		fmt.Printf("    %s\n", line)
	}
	say("They paste 5555-5555-5555, and the page gives them the button to AWS.")
	if _, err := p.visit(ctx, http.MethodPost, page.Path, url.Values{"account_id": {"5555-5555-5555"}}); err != nil {
		return err
	}
	if text, err = p.visit(ctx, http.MethodGet, "/connect", nil); err != nil {
		return err
	}
	button := regexp.MustCompile(`id="launch"[^>]* href="([^"]+)"`).FindStringSubmatch(text)
	if button == nil {
		return errors.New("the page has no button to AWS:\n" + text)
	}
	return p.connect(ctx, html.UnescapeString(button[1]))
}

// connect launches the page's link, and polls the page until its heading is
// Connected.
func (p *product) connect(ctx context.Context, link string) error {
	launched := make(chan error, 1)
	fmt.Println()
	printCommand("xacct-sandbox launch <button of the page> --account " + newcomer.account)
	go func() { launched <- p.follow(p.command(ctx, p.sandbox, "launch", link, "--account", newcomer.account)) }()
	heading := regexp.MustCompile(`<h2[^>]*>([^<]+)</h2>`)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	said := ""
	for limit := time.After(time.Minute); said != "Connected"; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-limit:
			return fmt.Errorf("the page still says %q after a minute", said)
		}
		text, err := p.visit(ctx, http.MethodGet, "/connect/status", nil)
		if err != nil {
			return err
		}
		if found := heading.FindStringSubmatch(text); found != nil && found[1] != said {
			said = found[1]
			showTogether("", []byte("the page now shows: "+said))
		}
	}
	if err := <-launched; err != nil {
		return fmt.Errorf("%s launches: %w", newcomer.id, err)
	}
	fmt.Println()
	view, err := p.call(ctx, "GET", "/v1/customers/hooli", "", "state", "account_id")
	if err == nil && (view["state"] != "connected" || view["account_id"] != newcomer.account) {
		err = fmt.Errorf("the API says %v", view)
	}
	return err
}

// serve starts the API on a free port of this machine.
func (p *product) serve(ctx context.Context) error {
	var printed, token strings.Builder
	cmd := p.command(ctx, p.xacct, "serve", "token", "backend", "--scopes", "read,write")
	cmd.Stdout, cmd.Stderr = &printed, &token
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("make a token: %w\n%s", err, token.String())
	}
	lines := strings.Fields(token.String())
	p.token = lines[len(lines)-1]
	tokens := filepath.Join(p.dir, "tokens")
	if err := os.WriteFile(tokens, []byte(printed.String()), 0o600); err != nil {
		return err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.address = free.Addr().String()
	_ = free.Close() // only its port is needed
	printCommand("xacct serve token backend --scopes read,write >> tokens")
	printCommand("xacct serve --hub acme --token-file tokens   (in the background)")
	serving := make(chan struct{})
	cmd = p.command(ctx, p.xacct, "serve", "--token-file", tokens, "--listen", p.address, "--metrics", "off", "--console", p.setting("TF_VAR_console"))
	p.server, err = p.begin(cmd, func(line string) {
		if strings.Contains(line, `"msg":"serving"`) {
			close(serving)
		}
	})
	if err != nil {
		return err
	}
	return until(ctx, p.server, serving)
}

// setting returns the value of a variable of the environment; empty if it is not set.
func (s *stage) setting(name string) string {
	for _, setting := range s.Env {
		if value, found := strings.CutPrefix(setting, name+"="); found {
			return value
		}
	}
	return ""
}

// call calls the API as the product, prints the call with some fields of the
// response, and returns the response.
func (p *product) call(ctx context.Context, method, path, body string, fields ...string) (map[string]any, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+p.address+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	status, text, err := p.send(request)
	if err != nil {
		return nil, err
	}
	printCommand(strings.TrimSpace(method + " " + path + " " + body))
	var answer map[string]any
	if status >= http.StatusBadRequest {
		return nil, fmt.Errorf("%s %s: %d %s", method, path, status, text)
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	parts := []string{fmt.Sprint(status)}
	for _, field := range fields {
		parts = append(parts, fmt.Sprintf("%s: %v", field, answer[field]))
	}
	fmt.Printf("  %s\n", strings.Join(parts, ", "))
	return answer, nil
}

// visit requests a page as the customer's browser, with its cookie, and returns its
// text.
func (p *product) visit(ctx context.Context, method, path string, form url.Values) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+p.address+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if p.cookie != "" {
		request.Header.Set("Cookie", p.cookie)
	}
	status, text, err := p.send(request)
	if err == nil && status >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %d\n%s", method, request.URL.Path, status, text)
	}
	return text, err
}

func (p *product) send(request *http.Request) (status int, text string, err error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	if set, _, found := strings.Cut(response.Header.Get("Set-Cookie"), ";"); found {
		p.cookie = set
	}
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// leave deletes the newcomer's stack, closes their link through the API, and stops
// the API.
func (p *product) leave(ctx context.Context) error {
	if err := p.deleteStack(ctx, newcomer); err != nil {
		return err
	}
	if _, err := p.call(ctx, "DELETE", "/v1/customers/hooli", "", "link_status"); err != nil {
		return err
	}
	return p.server.Stop()
}
