// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package console is the sandbox's AWS console: the page that a quick-create link
// opens, the page that an update link opens, and the page of a stack with its
// events. It shows the texts of the vendor's template, and escapes all of them.
//
// It has only what a customer needs there: no wizard and no change sets, and
// stacks are changed only through a link.
package console

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation"
)

// launcher creates stacks; the sandbox implements it.
type launcher interface {
	// Read parses the query of a quick-create or update link, as the console's
	// script does.
	Read(query string) (Page, error)
	Preview(ctx context.Context, account string, p Page) (cloudformation.Preview, error)
	Launch(ctx context.Context, account string, p Page, acknowledged bool) (stackID string, err error)
	DeleteStack(ctx context.Context, stackID string) error
}

// updater updates stacks to another template.
type updater interface {
	PreviewUpdate(ctx context.Context, stackID, templateURL string, edited map[string]string) (cloudformation.Preview, error)
	Update(ctx context.Context, stackID, templateURL string, edited map[string]string, acknowledged bool) error
}

// viewer shows stacks.
type viewer interface {
	Stack(stackID string) (cloudformation.Stack, bool)
	Stacks() []cloudformation.Stack
	Events(stackID string) []cloudformation.Event
}

// Cloud is what the console needs from the sandbox.
type Cloud interface {
	launcher
	updater
	viewer
}

// Page is the content of a quick-create link or an update link.
type Page struct {
	Region, TemplateURL, StackName string
	StackID                        string // of the stack to update
	Parameters                     map[string]string
}

//go:embed pages
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"tone":  tone,
	"clock": func(e cloudformation.Event) string { return e.Timestamp.Format("15:04:05") },
}).ParseFS(files, "pages/*.html"))

type console struct {
	cloud Cloud
	mux   *http.ServeMux
}

// New returns the handler of the pages under /console/.
func New(cloud Cloud) http.Handler {
	c := &console{cloud: cloud, mux: http.NewServeMux()}
	const base = "/console/cloudformation"
	c.mux.HandleFunc("GET /console/{$}", c.list)
	for name, kind := range map[string]string{"console.css": "text/css", "home.js": "text/javascript", "follow.js": "text/javascript", "icon.svg": "image/svg+xml"} {
		c.mux.HandleFunc("GET /console/"+name, asset(name, kind))
	}
	c.mux.HandleFunc("GET "+base+"/home", c.home)
	for _, route := range []string{"/stacks/quickcreate", "/stacks/create/review"} {
		c.mux.HandleFunc("GET "+base+route, c.review)
		c.mux.HandleFunc("POST "+base+route, c.create)
	}
	c.mux.HandleFunc("GET "+base+updateRoute, c.reviewUpdate)
	c.mux.HandleFunc("POST "+base+updateRoute, c.update)
	c.mux.HandleFunc("GET "+base+"/stacks/stackinfo", c.stack)
	c.mux.HandleFunc("POST "+base+"/stacks/delete", c.delete)
	c.mux.HandleFunc("/console/", c.unknown)
	return c
}

func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	// A page loads nothing from other origins, and no script of a template runs.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	c.mux.ServeHTTP(w, r)
}

func asset(name, kind string) http.HandlerFunc {
	text, _ := files.ReadFile("pages/" + name) // cannot fail: the file is embedded
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind+"; charset=utf-8")
		_, _ = w.Write(text)
	}
}

// show writes a page. It renders the whole page first, so that the response is
// never part of a page.
func (c *console) show(w http.ResponseWriter, status int, name string, data any) {
	var b strings.Builder
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, "the console could not render its page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprint(w, b.String())
}

func (c *console) list(w http.ResponseWriter, _ *http.Request) {
	stacks := c.cloud.Stacks()
	slices.Reverse(stacks)
	c.show(w, http.StatusOK, "list.html", stacks)
}

// home serves the page that a link leads to. The link's content follows the #,
// which browsers do not send to the server, so a script on the page moves it to
// the query.
func (c *console) home(w http.ResponseWriter, _ *http.Request) {
	c.show(w, http.StatusOK, "home.html", nil)
}

func (c *console) unknown(w http.ResponseWriter, r *http.Request) {
	c.problem(w, http.StatusNotFound, "The sandbox's console has no page "+r.URL.Path+".")
}

func (c *console) problem(w http.ResponseWriter, status int, text string) {
	c.show(w, status, "problem.html", text)
}

// reviewPage is the data of the quick-create page.
type reviewPage struct {
	Page
	form
	Account  string
	Accounts []string // suggestions
	Action   string
}

// form is the data of a page with parameters and a button.
type form struct {
	Preview  cloudformation.Preview
	Previous map[string]string // the stack's values; nil before it exists
	Refused  string            // the error of the last attempt
}

var accountID = regexp.MustCompile(`^\d{12}$`)

// review shows the quick-create page. The template is read with the permissions
// of an account, so the page first asks for the account.
func (c *console) review(w http.ResponseWriter, r *http.Request) {
	p, err := c.cloud.Read(r.URL.RawQuery)
	if err != nil {
		c.problem(w, http.StatusBadRequest, err.Error())
		return
	}
	c.showReview(w, r, http.StatusOK, reviewPage{Page: p, Account: r.URL.Query().Get("account")})
}

func (c *console) showReview(w http.ResponseWriter, r *http.Request, status int, page reviewPage) {
	page.Action = r.URL.Path
	page.Accounts = c.accounts()
	if !accountID.MatchString(page.Account) {
		c.show(w, status, "account.html", page)
		return
	}
	var err error
	if page.Preview, err = c.cloud.Preview(r.Context(), page.Account, page.Page); err != nil {
		c.problem(w, http.StatusBadRequest, err.Error())
		return
	}
	c.show(w, status, "review.html", page)
}

// accounts returns the account IDs to suggest: three examples, and those that have
// stacks.
func (c *console) accounts() []string {
	list := []string{"222222222222", "333333333333", "444444444444"}
	for _, st := range c.cloud.Stacks() {
		list = append(list, st.Account)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// create handles the button that creates the stack.
func (c *console) create(w http.ResponseWriter, r *http.Request) {
	if !c.readForm(w, r) {
		return
	}
	page := reviewPage{
		Page: Page{
			Region: r.PostForm.Get("region"), TemplateURL: r.PostForm.Get("templateURL"), StackName: r.PostForm.Get("stackName"),
			Parameters: formParameters(r.PostForm),
		},
		Account: r.PostForm.Get("account"),
	}
	id, err := c.cloud.Launch(r.Context(), page.Account, page.Page, r.PostForm.Get("acknowledged") != "")
	if err != nil {
		page.Refused = err.Error()
		c.showReview(w, r, http.StatusBadRequest, page)
		return
	}
	redirect(w, r, id)
}

// readForm parses the form of a request. If it returns false, it has written an
// error.
func (c *console) readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, 2<<20)
	err := r.ParseForm()
	if err != nil {
		c.problem(w, http.StatusBadRequest, "The form could not be read: "+err.Error())
	}
	return err == nil
}

// formParameters returns the template's parameters in a form.
func formParameters(posted url.Values) map[string]string {
	values := map[string]string{}
	for key := range posted {
		if name, found := strings.CutPrefix(key, "param_"); found {
			values[name] = posted.Get(key)
		}
	}
	return values
}

func redirect(w http.ResponseWriter, r *http.Request, stackID string) {
	http.Redirect(w, r, "/console/cloudformation/stacks/stackinfo?stackId="+url.QueryEscape(stackID), http.StatusSeeOther)
}

// stackPage is the data of a stack's page.
type stackPage struct {
	cloudformation.Stack
	Events  []cloudformation.Event // newest first
	Deleted bool
}

// stack shows a stack. The page updates itself while an operation is under way.
func (c *console) stack(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("stackId")
	st, found := c.cloud.Stack(id)
	if !found {
		c.problem(w, http.StatusNotFound, "There is no stack "+id+".")
		return
	}
	events := c.cloud.Events(id)
	slices.Reverse(events)
	c.show(w, http.StatusOK, "stack.html", stackPage{Stack: st, Events: events, Deleted: st.Status == "DELETE_COMPLETE"})
}

func (c *console) delete(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	id := r.PostFormValue("stackId")
	if err := c.cloud.DeleteStack(r.Context(), id); err != nil {
		c.problem(w, http.StatusBadRequest, err.Error())
		return
	}
	redirect(w, r, id)
}

// tone returns the CSS class of a status.
func tone(status string) string {
	switch {
	case strings.Contains(status, "FAILED") || strings.Contains(status, "ROLLBACK"):
		return "bad"
	case strings.HasSuffix(status, "_IN_PROGRESS"):
		return "busy"
	}
	return "good"
}
