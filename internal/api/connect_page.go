// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

//go:embed pages
var files embed.FS

var pages = sync.OnceValue(func() *template.Template { return template.Must(template.ParseFS(files, "pages/*.html")) })

// Brand is how the connect page looks.
type Brand struct {
	LogoURL *url.URL // https; nil: none
	Color   string   // #rrggbb; empty: a plain blue
}

var colorPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^#[0-9a-fA-F]{6}$") })

// Check returns what is wrong with a brand.
func (b Brand) Check() error {
	if b.Color != "" && !colorPattern().MatchString(b.Color) {
		return fmt.Errorf("%q is not a colour such as #0b5fff", b.Color)
	}
	if b.LogoURL != nil && (b.LogoURL.Scheme != "https" || b.LogoURL.Host == "" || strings.ContainsAny(b.LogoURL.String(), " ;,'\"")) {
		return fmt.Errorf("%q is not the address of a picture: it begins with https://", b.LogoURL)
	}
	return nil
}

// css defines the brand's colour, and black or white for text on it, whichever is
// easier to read.
func (b Brand) css() string {
	color := b.Color
	if color == "" {
		color = "#0b5fff"
	}
	n, _ := strconv.ParseUint(color[1:], 16, 32)
	luminance := (299*(n>>16&255) + 587*(n>>8&255) + 114*(n&255)) / 1000
	on := "#ffffff"
	if luminance > 140 {
		on = "#000000"
	}
	return fmt.Sprintf(":root{--brand:%s;--on-brand:%s}\n", color, on)
}

// pageData is what the page shows.
type pageData struct {
	Vendor, Support, Logo string
	CustomerID            string
	State                 State
	Reason                string
	AccountID             string
	Asks                  bool // the customer may say which account is theirs
	Entered, Problem      string
	LaunchURL             string
	SignedUntil           string
	RoleARN               string
	ReturnURL             string
	Words                 permissionset.Words
	RoleName              string
	Expires               string
	Action                string // where the form goes
	Begun                 bool   // there is a session
	Refresh               bool
	Title                 string
}

// registerConnect adds the connect page.
func (s *Server) registerConnect() {
	s.mux.HandleFunc("GET /connect/page.css", s.asset("pages/page.css", "text/css; charset=utf-8"))
	s.mux.HandleFunc("GET /connect/page.js", s.asset("pages/page.js", "text/javascript; charset=utf-8"))
	s.mux.HandleFunc("GET /connect/brand.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write([]byte(s.config.Brand.css()))
	})
	s.mux.HandleFunc("GET /connect/{token}", s.guest(s.open))
	s.mux.HandleFunc("POST /connect/{token}", s.guest(s.enter))
	s.mux.HandleFunc("GET /connect", s.guest(s.page))
	s.mux.HandleFunc("GET /connect/status", s.guest(s.status))
	s.mux.HandleFunc("POST /connect/account", s.guest(s.nameAccount))
}

func (s *Server) asset(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		text, _ := files.ReadFile(name) // it is embedded
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(text)
	}
}

// guest bounds how often one address asks, and refuses forms of other sites.
func (s *Server) guest(serve http.HandlerFunc) http.HandlerFunc {
	var foreign http.CrossOriginProtection
	return func(w http.ResponseWriter, r *http.Request) {
		s.pageHeaders(w.Header())
		if !s.guests.allow(address(r)) {
			w.Header().Set("Retry-After", "2")
			s.sorry(w, http.StatusTooManyRequests, "Too many requests", "Please wait a few seconds, and load this page again.")
			return
		}
		if err := foreign.Check(r); err != nil {
			s.sorry(w, http.StatusForbidden, "This came from another site", "Please open the link that you were given once more.")
			return
		}
		serve(w, r)
	}
}

// pageHeaders let the page load its own files and the vendor's logo, and nothing
// else.
func (s *Server) pageHeaders(h http.Header) {
	images := "'self'"
	if s.config.Brand.LogoURL != nil {
		images += " " + s.config.Brand.LogoURL.Scheme + "://" + s.config.Brand.LogoURL.Host
		h.Set("Cross-Origin-Resource-Policy", "same-site")
	}
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src "+images+"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
}

// open shows who asks for what. It changes nothing: programs that look at mails
// open links too.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	v, err := s.byToken(r.Context(), r.PathValue("token"))
	if errors.Is(err, errSpent) {
		if _, own := s.bySession(r); own == nil {
			http.Redirect(w, r, "/connect", http.StatusSeeOther)
			return
		}
	}
	if err != nil {
		s.turnAway(w, r, err)
		return
	}
	s.show(w, r, http.StatusOK, v, "/connect/"+r.PathValue("token"), func(*pageData) {})
}

// enter exchanges the token for a session, with the account that the customer has
// named, if the link asks for one.
func (s *Server) enter(w http.ResponseWriter, r *http.Request) {
	v, err := s.byToken(r.Context(), r.PathValue("token"))
	if err != nil {
		s.turnAway(w, r, err)
		return
	}
	if s.asks(v) && !s.name(w, r, v, "/connect/"+r.PathValue("token")) {
		return
	}
	cookie, err := s.exchange(r.Context(), v.token)
	if err != nil {
		s.turnAway(w, r, err)
		return
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, "/connect", http.StatusSeeOther)
}

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	v, err := s.bySession(r)
	if err != nil {
		s.turnAway(w, r, err)
		return
	}
	s.show(w, r, http.StatusOK, v, "/connect/account", func(d *pageData) { d.Begun = true })
}

// status is the part of the page that changes, for the script.
func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	v, err := s.bySession(r)
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	data, err := s.data(r, v)
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	data.Begun, data.Action = true, "/connect/account"
	s.write(w, http.StatusOK, "status", data)
}

func (s *Server) nameAccount(w http.ResponseWriter, r *http.Request) {
	v, err := s.bySession(r)
	if err != nil {
		s.turnAway(w, r, err)
		return
	}
	if s.name(w, r, v, "/connect/account") {
		http.Redirect(w, r, "/connect", http.StatusSeeOther)
	}
}

// name takes the account that the customer has typed. If it can't, it shows the page
// with the reason and returns false.
func (s *Server) name(w http.ResponseWriter, r *http.Request, v visit, action string) bool {
	typed := r.PostFormValue("account_id")
	again := func(status int, problem string) bool {
		s.show(w, r, status, v, action, func(d *pageData) {
			d.Entered, d.Problem, d.Begun = clean(typed), problem, action == "/connect/account"
		})
		return false
	}
	id, err := account.ParseID(digits(typed))
	if err != nil {
		return again(http.StatusUnprocessableEntity, "This is not an AWS account ID: it has 12 digits, such as 1234-5678-9012. You find it in the console at the top right, under your name.")
	}
	err = s.desk.NameAccount(registry.OnBehalf(r.Context(), "the customer on the connect page"), v.token.CustomerID, id)
	var refusal *customers.Refusal
	switch problem := explain(s.config.Hub.Name(), v.token.CustomerID, err); {
	case err == nil:
		return true
	case errors.Is(err, customers.ErrAccountsUsedUp):
		return again(http.StatusConflict, fmt.Sprintf("You have named %d accounts already. Please ask %s for a new link.", customers.MostNamed, vendorName(v.record)))
	case errors.As(err, &refusal):
		return again(http.StatusConflict, "Another account is connected already: delete its stack first, or ask for another link.")
	case problem.Field == "account_id":
		return again(http.StatusUnprocessableEntity, "This account can't be let in. Please check the number.")
	}
	s.config.Logger.Error("an account can't be named", "request_id", requestID(r.Context()), "customer", v.token.CustomerID, "error", err)
	return again(http.StatusServiceUnavailable, "That did not work. Please try again in a minute.")
}

// digits leaves out what people write between the digits of an account ID.
func digits(typed string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || r == '.' {
			return -1
		}
		return r
	}, typed)
}

func clean(typed string) string {
	typed = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, typed)
	if runes := []rune(typed); len(runes) > 40 {
		return string(runes[:40])
	}
	return typed
}

func (s *Server) asks(v visit) bool {
	return v.customer.Link.AsksAccount && len(v.customer.Live()) == 0
}

func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, v visit, action string, change func(*pageData)) {
	data, err := s.data(r, v)
	if err != nil {
		s.turnAway(w, r, err)
		return
	}
	data.Action = action
	change(&data)
	if !data.Begun {
		data.LaunchURL = "" // what the token opens is for the one who has exchanged it
	}
	data.Refresh = data.Begun && data.State != AwaitingAccount && data.State != Connected
	s.write(w, status, "page", data)
}

// signedFor is how long a signed address of a template lives, which the page makes
// anew whenever it is shown.
const signedFor = time.Hour

func (s *Server) data(r *http.Request, v visit) (pageData, error) {
	link, now := v.customer.Link, s.config.Clock()
	d := pageData{
		Vendor: vendorName(v.record), Support: v.record.SupportURL, CustomerID: link.CustomerID, AccountID: link.Sole().String(), Asks: s.asks(v),
		ReturnURL: v.token.ReturnURL, RoleName: link.RoleName,
	}
	d.Title = "Connect your AWS account to " + d.Vendor
	if s.config.Brand.LogoURL != nil {
		d.Logo = s.config.Brand.LogoURL.String()
	}
	if !link.ExpiresAt.IsZero() {
		d.Expires = link.ExpiresAt.UTC().Format("2 January 2006 at 15:04 UTC")
	}
	d.State, d.Reason = stateOf(v.customer, v.last, now)
	if reg, ok := v.customer.SoleRegistration(); ok && reg.Live() {
		d.RoleARN, d.AccountID = reg.Role.String(), reg.Account.String()
	}
	declared, err := declaration.Of(link)
	if err != nil {
		return d, err
	}
	d.Words = declared.Set().InWords()
	if !mayLaunch(link, now) {
		return d, nil
	}
	if v.record.TemplateAccess.Signed() {
		signed, err := s.config.Hub.PresignTemplate(r.Context(), v.record, link, signedFor)
		if err != nil {
			return d, err
		}
		link.TemplateURL = signed.URL
	}
	d.LaunchURL, err = launch.URL(link, declared, s.config.Console)
	return d, err
}

func vendorName(record registry.HubRecord) string {
	if record.DisplayName != "" {
		return record.DisplayName
	}
	return record.Name
}

// turnAway says why the page is not shown. A visitor without a valid token learns nothing
// of any customer.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, errSpent):
		s.sorry(w, http.StatusGone, "This link was used already", "It opens the page once, in one browser. Go on there, or ask for a new link where you got this one.")
	case errors.Is(err, errEnded), errors.Is(err, registry.ErrNoToken), errors.Is(err, registry.ErrNoLink):
		s.sorry(w, http.StatusGone, "This link is no longer valid", "Ask for a new one where you got this one.")
	default:
		s.config.Logger.Error("the connect page can't be shown", "request_id", requestID(r.Context()), "error", err)
		s.sorry(w, http.StatusServiceUnavailable, "This does not work at the moment", "Please load this page again in a minute.")
	}
}

func (s *Server) sorry(w http.ResponseWriter, status int, title, text string) {
	s.write(w, status, "sorry", pageData{Title: title, Reason: text})
}

// write renders in full first, so that an error leaves no half page.
func (s *Server) write(w http.ResponseWriter, status int, name string, data pageData) {
	var b bytes.Buffer
	if err := pages().ExecuteTemplate(&b, name, data); err != nil {
		s.config.Logger.Error("a page can't be rendered", "page", name, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
