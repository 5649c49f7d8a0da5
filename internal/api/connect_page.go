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
	"strings"
	"sync"
	"unicode"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

//go:embed pages
var files embed.FS

var pages = sync.OnceValue(func() *template.Template { return template.Must(template.ParseFS(files, "pages/*.html")) })

// registerConnect adds the connect page.
func (s *Server) registerConnect() {
	s.mux.HandleFunc("GET /connect/page.css", s.asset("pages/page.css", "text/css; charset=utf-8"))
	s.mux.HandleFunc("GET /connect/page.js", s.asset("pages/page.js", "text/javascript; charset=utf-8"))
	s.mux.HandleFunc("GET /connect/color/{color}/brand.css", s.colored("text/css; charset=utf-8", css))
	s.mux.HandleFunc("GET /connect/color/{color}/icon.svg", s.colored("image/svg+xml", icon))
	s.mux.HandleFunc("GET /connect/{token}", s.publicHandler(s.open))
	s.mux.HandleFunc("POST /connect/{token}", s.publicHandler(s.startSession))
	s.mux.HandleFunc("GET /connect", s.publicHandler(s.page))
	s.mux.HandleFunc("GET /connect/status", s.publicHandler(s.status))
	s.mux.HandleFunc("POST /connect/account", s.publicHandler(s.nameAccount))
}

func (s *Server) asset(name, kind string) http.HandlerFunc {
	text, _ := files.ReadFile(name) // it is embedded
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(text)
	}
}

// publicHandler returns a handler that limits the requests of each address and refuses forms
// from other sites.
func (s *Server) publicHandler(serve http.HandlerFunc) http.HandlerFunc {
	var foreign http.CrossOriginProtection
	if public := s.config.ConnectURL; public != nil {
		// Behind a proxy the Host may be another than that of the page's address, with
		// which older browsers would be taken for another site.
		if err := foreign.AddTrustedOrigin(public.Scheme + "://" + strings.ToLower(public.Host)); err != nil {
			s.config.Logger.Warn("forms of older browsers may be refused", "connect_url", public.Redacted(), "error", err)
		}
	}
	return func(w http.ResponseWriter, r *http.Request) {
		pageHeaders(w.Header(), "")
		if !s.visitors.allow(address(r)) {
			w.Header().Set("Retry-After", "2")
			s.showMessage(w, r, http.StatusTooManyRequests, "Too many requests", "Please wait a few seconds, and load this page again.")
			return
		}
		if err := foreign.Check(r); err != nil {
			s.showMessage(w, r, http.StatusForbidden, "This came from another site", "Please open the link that you were given once more.")
			return
		}
		serve(w, r)
	}
}

// pageHeaders sets a content security policy that allows the page's own files, and
// images of the logo's origin if logo is not empty.
func pageHeaders(h http.Header, logo string) {
	images := strings.TrimSpace("'self' " + logo)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src "+images+"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
}

// open shows the page with the vendor's request. It changes nothing, because mail
// scanners also open links.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	v, err := s.byToken(r.Context(), r.PathValue("token"))
	if errors.Is(err, errTokenUsed) {
		if _, own := s.bySession(r); own == nil {
			http.Redirect(w, r, "/connect", http.StatusSeeOther)
			return
		}
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.show(w, r, http.StatusOK, v, "/connect/"+r.PathValue("token"), func(*pageData) {})
}

// startSession exchanges the token for a session, and saves the account that the customer
// entered if the link asks for one.
func (s *Server) startSession(w http.ResponseWriter, r *http.Request) {
	v, err := s.byToken(r.Context(), r.PathValue("token"))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if s.asksAccount(v) && !s.saveAccount(w, r, v, "/connect/"+r.PathValue("token")) {
		return
	}
	cookie, err := s.exchange(r.Context(), v.token)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, "/connect", http.StatusSeeOther)
}

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	v, err := s.bySession(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.show(w, r, http.StatusOK, v, "/connect/account", func(d *pageData) { d.HasSession = true })
}

// status serves the part of the page that changes, for the script.
func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	v, err := s.bySession(r)
	var data pageData
	if err == nil {
		data, err = s.data(r, v)
	}
	switch {
	case isEnded(err):
		w.WriteHeader(http.StatusUnauthorized) // the script then reloads the page, which shows the reason
	case err != nil:
		s.config.Logger.Error("the state of a connection could not be read", "request_id", requestID(r.Context()), "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		data.HasSession, data.Action = true, "/connect/account"
		w.Header().Set("ETag", data.Version())
		w.Header().Set("Retry-After", data.pollSeconds())
		s.write(w, http.StatusOK, "status", data)
	}
}

func (s *Server) nameAccount(w http.ResponseWriter, r *http.Request) {
	v, err := s.bySession(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if s.saveAccount(w, r, v, "/connect/account") {
		http.Redirect(w, r, "/connect", http.StatusSeeOther)
	}
}

// saveAccount saves the account that the customer entered, and reports whether it did.
// Otherwise it has written the response: the page with the reason, or a redirect to the
// page if the link does not ask for an account.
func (s *Server) saveAccount(w http.ResponseWriter, r *http.Request, v visit, action string) bool {
	typed := r.PostFormValue("account_id")
	again := func(status int, problem string) bool {
		s.show(w, r, status, v, action, func(d *pageData) {
			d.Entered, d.Problem, d.HasSession = clean(typed), problem, action == "/connect/account"
		})
		return false
	}
	id, err := account.ParseID(digits(typed))
	if err != nil {
		return again(http.StatusUnprocessableEntity, "This is not an AWS account ID: it has 12 digits, such as 1234-5678-9012.")
	}
	if !s.asksAccount(v) { // connected meanwhile, or a forged form: the page shows the state
		http.Redirect(w, r, "/connect", http.StatusSeeOther)
		return false
	}
	err = s.links.NameAccount(registry.OnBehalf(r.Context(), "the customer on the connect page"), v.token.CustomerID, id)
	var refusal *customers.Refusal
	switch problem := explain(s.config.Hub.Name(), v.token.CustomerID, err); {
	case err == nil:
		return true
	case errors.Is(err, customers.ErrTooManyAccounts):
		return again(http.StatusConflict, fmt.Sprintf("You have named %d accounts already. Please ask %s for a new link.", customers.MaxNamedAccounts, vendorName(v.record)))
	case errors.As(err, &refusal):
		return again(http.StatusConflict, "Another account is connected already: delete its stack first, or ask for another link.")
	case problem.Field == "account_id":
		return again(http.StatusUnprocessableEntity, "AWS knows no account with this number. Please check it.")
	}
	s.config.Logger.Error("a customer's account could not be saved", "request_id", requestID(r.Context()), "customer", v.token.CustomerID, "error", err)
	return again(http.StatusServiceUnavailable, "That did not work. Please try again in a minute.")
}

// digits removes the separators that people write between the digits of an account ID.
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

func (s *Server) asksAccount(v visit) bool {
	return v.customer.Link.AsksAccount && len(v.customer.Live()) == 0
}

func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, v visit, action string, change func(*pageData)) {
	data, err := s.data(r, v)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	data.Action = action
	change(&data)
	if !data.HasSession {
		data.LaunchURL = "" // only the browser that exchanged the token receives it
	}
	pageHeaders(w.Header(), s.brand(v.record).LogoOrigin())
	s.write(w, status, "page", data)
}

// refuse shows an error page. Without a valid token, it reveals nothing about any
// customer.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, errTokenUsed):
		s.showMessage(w, r, http.StatusGone, "This link was used already", "It opens the page once, in one browser. Go on there, or ask for a new link where you got this one.")
	case isEnded(err):
		s.showMessage(w, r, http.StatusGone, "This link is no longer valid", "Ask for a new one where you got this one.")
	default:
		s.config.Logger.Error("the connect page could not be shown", "request_id", requestID(r.Context()), "error", err)
		s.showMessage(w, r, http.StatusServiceUnavailable, "This does not work at the moment", "Please load this page again in a minute.")
	}
}

// isEnded reports whether an error indicates that an address or a session is not valid
// any more, rather than that AWS could not be reached.
func isEnded(err error) bool {
	return errors.Is(err, errTokenEnded) || errors.Is(err, registry.ErrNoToken) || errors.Is(err, registry.ErrNoLink)
}

// showMessage shows a page with a message, and with a link to retry if the status is
// temporary.
func (s *Server) showMessage(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	again := ""
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		again = "/connect"
		if r.PathValue("token") != "" {
			again = r.URL.Path
		}
	}
	s.write(w, status, "sorry", pageData{Title: title, Reason: text, Action: again, Color: colorOf(s.config.Page)})
}

// write renders the page completely before it sends anything, so that an error leaves
// no partial page.
func (s *Server) write(w http.ResponseWriter, status int, name string, data pageData) {
	var b bytes.Buffer
	if err := pages().ExecuteTemplate(&b, name, data); err != nil {
		s.config.Logger.Error("a page could not be rendered", "page", name, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
