// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/xacct/terraform-provider-xacct/internal/api"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// apiServer has the settings of a process that serves the onboarding API.
type apiServer struct {
	address    string
	surface    string
	connectURL string
	console    string
	callers    callerFlags
	rate       float64
	drain      time.Duration
	page       onboarding.ConnectPage // overrides the hub's connect_page
	registrar  bool
	watch      listenAddress
	daemon     daemon
	function   bool // runs as a Lambda function behind a URL
}

// surfaces are the values of --surface.
var surfaces = []string{"api", "connect", "both"}

func newAPIServer() apiServer {
	return apiServer{daemon: daemon{concurrency: 16, verifyEvery: 24 * time.Hour}, watch: listenAddress{address: defaultListen}}
}

func newServeCommand(p process) *cobra.Command {
	var on hubFlags
	s := newAPIServer()
	cmd := &cobra.Command{
		Use:   "serve --hub NAME",
		Short: "Serve the onboarding API until stopped",
		Long: `Serve the onboarding API, with which your own product issues links for customers and
follows them: see http://127.0.0.1:8420/openapi.json.

It listens on the loopback address unless --listen is set: put a proxy in front
of it that terminates TLS. Callers authenticate with a JWT of --oidc-issuer that is for
--oidc-audience, or with a token of --token-file, which ` + "`xacct serve token`" + ` makes;
one of the two is required.

--with-registrar runs the registrar in the same process. A registrar
reads untrusted messages, and the API decides who may publish: prefer two processes with
separate identities. xacct policy api prints the policy that this one needs.

After SIGTERM or Ctrl-C requests have --drain to end. One JSON line per request goes to
standard error; http://` + defaultListen + `/metrics has metrics for Prometheus.

Every flag can also be set by an environment variable: --oidc-issuer by
` + servePrefix + `OIDC_ISSUER.
As a Lambda function (runtime provided.al2023) the same program is the API or the page,
as ` + servePrefix + `SURFACE says, of the hub that ` + hubVariable + ` names; callers may be IAM's
principals then.`,
		Example: `  xacct serve token backend --scopes read,write >> tokens
  xacct serve --hub acme --token-file tokens
  xacct serve --hub acme --oidc-issuer https://login.acme.example \
    --oidc-audience https://onboarding.acme.example`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if err := s.check(); err != nil {
				return err
			}
			in, err := on.open(cmd.Context(), p, 0)
			if err != nil {
				return err
			}
			return s.run(cmd.Context(), in, cmd.ErrOrStderr())
		},
	}
	cmd.AddCommand(newTokenCommand())
	on.addTo(cmd)
	s.addTo(cmd.Flags())
	completeValues(cmd, "surface", surfaces...)
	return cmd
}

func (s *apiServer) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&s.address, "listen", "127.0.0.1:8420", "address to serve on")
	s.callers.addTo(flags)
	flags.StringVar(&s.console, "console", "", "base URL of the console, for the sandbox (default: the AWS console's)")
	flags.StringVar(&s.surface, "surface", "both", "what to serve: api, connect (the page that customers see), or both")
	flags.StringVar(&s.connectURL, "connect-url", "", "public address of the connect page (default: http://localhost and the port of --listen)")
	flags.StringSliceVar(&s.page.ReturnURLs, "return-url", nil, "https address of yours that the connect page may lead back to, with all below it (default: those of the hub's connect_page)")
	flags.StringVar(&s.page.LogoURL, "logo-url", "", "https address of your logo, for the connect page (default: that of the hub's connect_page)")
	flags.StringVar(&s.page.Color, "color", "", "colour of the connect page, such as #0b5fff (default: that of the hub's connect_page)")
	flags.Float64Var(&s.rate, "rate", 100, "maximum requests per second of one caller")
	flags.DurationVar(&s.drain, "drain", 20*time.Second, "how long requests in flight may take after SIGTERM")
	s.daemon.webhook.addTo(flags)
	flags.BoolVar(&s.registrar, "with-registrar", false, "run the hub's registrar in the same process")
	flags.Var(&s.watch, "metrics", "address for /metrics and /healthz, or off")
}

func (s apiServer) check() error {
	switch {
	case !slices.Contains(surfaces, s.surface):
		return cli.Usage("invalid --surface %q: must be one of api, connect, both", s.surface)
	case s.rate < 1:
		return cli.Usage("--rate %g: must be at least 1", s.rate)
	case s.drain <= 0:
		return cli.Usage("--drain %s: must be positive", s.drain)
	}
	if _, _, err := net.SplitHostPort(s.address); err != nil {
		return cli.Usage("--listen %q is not host:port, such as 127.0.0.1:8420", s.address)
	}
	if err := s.page.Check(); err != nil {
		return cli.Usage("--return-url, --logo-url, --color: %w", err)
	}
	return s.callers.check(s.surface, s.function)
}

// run serves until ctx is done.
func (s apiServer) run(ctx context.Context, in *intake, logs io.Writer) error {
	plain := slog.New(slog.NewJSONHandler(cli.SafeJSON(logs), nil))
	logger := plain.With("hub", in.record.Name)
	monitor := newMonitor(in, s.registrar)
	manager, err := hub.New(in.clients, in.record.Name, in.clock, rand.Reader)
	if err != nil {
		return err
	}
	server, err := s.server(ctx, in, manager, logger, api.NewMetrics(in.record.Name, monitor.Registerer()).Observe)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", s.address, err)
	}
	watch, err := s.watch.serve(monitor.Handler(), logger)
	if err != nil {
		return err
	}
	defer watch.stop()
	web := &http.Server{
		Handler: server.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	logger.Info("serving", "address", listener.Addr().String(), "watch", watch.address, "with_registrar", s.registrar)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.drain)
		defer cancel()
		server.Stop()
		return web.Shutdown(stop)
	})
	group.Go(func() error {
		if s.surface != "connect" {
			in.keepTidy(ctx, manager, logger)
		}
		return nil
	})
	if s.registrar {
		s.daemon.drain = s.drain
		group.Go(func() error { return s.daemon.answer(ctx, in, plain, monitor, watch.address) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	logger.Info("stopped")
	return nil
}

func (s apiServer) server(ctx context.Context, in *intake, manager *hub.Manager, logger *slog.Logger, observe func(route string, status int, took time.Duration)) (*api.Server, error) {
	config := api.Config{
		Hub: manager, Surfaces: api.Surfaces{API: s.surface != "connect", Connect: s.surface != "api"},
		Buffered: s.function,
		Console:  s.console, Version: in.version, Rate: s.rate, Page: s.page,
		Prover: func(record registry.HubRecord) health.Prover { return registrar.NewProver(in.clients, record) },
		Clock:  in.clock, Random: rand.Reader, Logger: logger, Observe: observe,
	}
	var err error
	if config.Surfaces.API {
		if config.Auth, err = s.callers.open(ctx, in.clock, logger); err != nil {
			return nil, err
		}
	}
	if err := s.addresses(&config); err != nil {
		return nil, err
	}
	return api.New(config)
}

// addresses sets the addresses of config from the flags.
func (s apiServer) addresses(config *api.Config) (err error) {
	_, port, _ := net.SplitHostPort(s.address)
	address := cmp.Or(s.connectURL, "http://"+net.JoinHostPort("localhost", port))
	if s.function && s.connectURL == "" {
		if s.surface != "connect" {
			return cli.Usage("--connect-url is missing: in a Lambda function, " + servePrefix + "CONNECT_URL is the connect page's public address")
		}
		address = ""
	}
	if address != "" {
		if config.ConnectURL, err = url.Parse(address); err != nil {
			return cli.Usage("--connect-url: %w", err)
		}
	}
	if s.connectURL == "" {
		return nil
	}
	u := config.ConnectURL
	switch {
	case u.Scheme != "https" && u.Hostname() != "localhost":
		return cli.Usage("--connect-url %q does not begin with https://, which the page's cookie needs", u.Redacted())
	case u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return cli.Usage("--connect-url %q is not a host alone, such as https://connect.acme.example: the page's own addresses begin at its root", u.Redacted())
	}
	return nil
}

func newTokenCommand() *cobra.Command {
	var scopes []string
	cmd := &cobra.Command{
		Use:   "token NAME --scopes SCOPES",
		Short: "Make a token for a caller of the API",
		Long: `Make a token: standard output gets the line for the token file, which contains only its
hash; standard error gets the token itself, once. Give it to the caller, and keep it
nowhere else.

Scopes are read (see customers), write (issue, change and close links) and operate
(verify, block and unblock). To revoke the token, remove its line.`,
		Example: `  xacct serve token backend --scopes read,write >> tokens`,
		Args:    cli.Exactly(1, "NAME: of the caller, for the log"),
		RunE: func(cmd *cobra.Command, args []string) error {
			parsed, ok := api.ParseScopes(scopes)
			if !ok {
				return cli.Usage("invalid --scopes %q: one or more of read, write, operate", strings.Join(scopes, ","))
			}
			token, line, err := api.NewToken(rand.Reader, args[0], parsed)
			if err != nil {
				return cli.Usage("%w", err)
			}
			cli.Say(cmd.ErrOrStderr(), "The token of %s, which is shown only now:\n%s\n", args[0], token)
			_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
			return err
		},
	}
	cmd.Flags().StringSliceVar(&scopes, "scopes", nil, "what the caller may do: read, write, operate")
	completeValues(cmd, "scopes", string(api.Read), string(api.Write), string(api.Operate))
	return cmd
}
