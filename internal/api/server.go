// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package api serves the onboarding API, with which a vendor's own product issues and
// tracks links, and the connect page, which the vendor's customers see.
//
// The two are surfaces that may have separate addresses. Callers of the API
// authenticate every request; customers have a token for their own page only. Both
// change links through package customers, as Terraform does.
package api

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Surfaces selects what a server serves. At least one must be set.
type Surfaces struct{ API, Connect bool }

// Config is the configuration of a server.
type Config struct {
	Hub      *hub.Manager
	Prover   func(registry.HubRecord) health.Prover // tries customers' roles, for verify
	Surfaces Surfaces
	// Auth authenticates callers of the API. It is required if the API is served.
	Auth Authenticator
	// ConnectURL is the public address of the connect page, such as
	// https://connect.acme.example. It must be https, except on a loopback address,
	// because cookies require it. The API requires ConnectURL, to create addresses; for
	// a server with only the connect page nil means an https address.
	ConnectURL *url.URL
	// Page overrides the connect page of the hub's record.
	Page    onboarding.ConnectPage
	Console string // base URL of a console other than AWS's own
	Version string

	// Rate is the maximum number of requests per second of one caller; the limit for a
	// customer's IP address is a tenth of it. 0: 100.
	Rate float64
	// MaxConcurrent is the maximum number of concurrent calls; 0: 128. Further calls are
	// refused.
	MaxConcurrent int
	// PollInterval is the interval at which a stream of events reads the registry; 0: 2 s.
	PollInterval time.Duration
	// StreamDuration is the duration of a stream of events; 0: a minute.
	StreamDuration time.Duration
	// Buffered is set if responses are sent only when they are complete, as by a Lambda
	// function URL. Then a stream contains at most one event.
	Buffered bool

	Clock  func() time.Time
	Random io.Reader
	Logger *slog.Logger
	// Observe is called after every request; may be nil.
	Observe func(route string, status int, took time.Duration)
}

// Server serves the onboarding API and the connect page of one hub.
type Server struct {
	config   Config
	links    *customers.Service
	records  *registry.Registry
	api      huma.API
	mux      *http.ServeMux
	callers  *limiter
	visitors *limiter
	streams  chan struct{} // one element for each open stream
	working  chan struct{} // one element for each call in progress
	stopped  chan struct{} // closed when streams must end
	stop     sync.Once
}

// maxStreams is the maximum number of open streams of events.
const maxStreams = 200

// maxAtOnce is the default maximum number of concurrent calls of the API. With more
// calls than the machine can handle, all of them would exceed their time limits.
const maxAtOnce = 128

// New returns a server. It makes no call to AWS.
func New(config Config) (*Server, error) {
	switch {
	case !config.Surfaces.API && !config.Surfaces.Connect:
		return nil, errors.New("a server needs a surface: the API, the connect page, or both")
	case config.Surfaces.API && config.Auth == nil:
		return nil, errors.New("the API needs an authenticator: no request is allowed by default")
	case config.ConnectURL == nil && config.Surfaces.API:
		return nil, errors.New("the API needs the public address of the connect page")
	}
	if err := config.Page.Check(); err != nil {
		return nil, err
	}
	if config.Rate == 0 {
		config.Rate = 100
	}
	if config.PollInterval == 0 {
		config.PollInterval = 2 * time.Second
	}
	if config.StreamDuration == 0 {
		config.StreamDuration = time.Minute
	}
	s := &Server{
		config:   config,
		links:    customers.NewService(config.Hub, onboarding.OwnerAPI, config.Clock),
		records:  config.Hub.Registry(),
		mux:      http.NewServeMux(),
		callers:  newLimiter(config.Rate, config.Clock),
		visitors: newLimiter(config.Rate/10, config.Clock),
		streams:  make(chan struct{}, maxStreams),
		working:  make(chan struct{}, cmp.Or(config.MaxConcurrent, maxAtOnce)),
		stopped:  make(chan struct{}),
	}
	if config.Surfaces.API {
		s.api = humago.New(s.mux, describe(config.Version))
		s.api.UseMiddleware(s.authenticate)
		s.register()
		s.mux.HandleFunc("GET /openapi.json", s.openAPI)
	}
	if config.Surfaces.Connect {
		s.registerConnect()
	}
	s.mux.HandleFunc("/", s.notFound)
	return s, nil
}

// Stop ends the streams of events, whose clients then reconnect to another server.
// Other requests are not affected.
func (s *Server) Stop() { s.stop.Do(func() { close(s.stopped) }) }

// describe returns the configuration of huma with the general part of the OpenAPI
// document. The operations and errors in it are generated from the code.
func describe(version string) huma.Config {
	huma.NewErrorWithContext = newProblem
	huma.NewError = func(status int, detail string, errs ...error) huma.StatusError {
		return newProblem(nil, status, detail, errs...)
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "xacct onboarding API", Version: version,
				Description: "Issues onboarding links for a vendor's customers and follows them. Every error is an RFC 9457 problem, which names the field, the customer and what to do.",
				License:     &huma.License{Name: "MPL-2.0", Identifier: "MPL-2.0"},
			},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{bearer: {
					Type: "http", Scheme: "bearer",
					Description: "A token of the server's token file, or a JWT of the issuer that the server trusts. Scopes are read, write and operate. Behind a function URL with AWS_IAM, requests are signed with Signature Version 4 instead.",
				}},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
}

const bearer = "bearer"

// openAPI serves the OpenAPI document.
func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) {
	text, err := s.Document()
	if err != nil {
		writeProblem(w, newProblem(nil, http.StatusInternalServerError, err.Error()))
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(text)
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, newProblem(nil, http.StatusNotFound, "There is no "+r.Method+" at this path: /openapi.json has all calls."))
}

// customer returns the hub's record and one customer.
func (s *Server) customer(ctx context.Context, id string) (registry.HubRecord, onboarding.Customer, error) {
	record, err := s.records.Hub(ctx)
	if err != nil {
		return record, onboarding.Customer{}, err
	}
	found, err := s.records.Customer(ctx, id)
	return record, found, err
}
