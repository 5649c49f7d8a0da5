// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/xacct/terraform-provider-xacct/internal/api"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/outbound"
)

// callerFlags defines who may call the API.
type callerFlags struct {
	tokenFile string
	issuer    string
	audience  string
	claims    []string
	names     map[string]string // of the scopes in tokens
	iam       []string          // principals, each with its scopes
}

func (c *callerFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&c.tokenFile, "token-file", "", "file with the hashes of the tokens that callers may use")
	flags.StringVar(&c.issuer, "oidc-issuer", "", "OpenID Connect issuer whose JWTs callers may use, exactly as in the tokens' iss")
	flags.StringVar(&c.audience, "oidc-audience", "", "audience that a JWT must be for, such as https://api.acme.example")
	flags.StringSliceVar(&c.claims, "oidc-scope-claim", []string{"scope", "scp"}, "claims of a JWT that hold its scopes, as a string or a list")
	flags.StringToStringVar(&c.names, "oidc-scope", map[string]string{"read": "xacct:read", "write": "xacct:write", "operate": "xacct:operate"},
		"names of the scopes in JWTs, such as read=customers.read; a scope without a name is granted to no caller")
	flags.StringArrayVar(&c.iam, "iam-caller", nil, "ARN of a role or user with its scopes, such as arn:aws:iam::111111111111:role/backend=read,write; only as a Lambda function behind a URL with AWS_IAM")
}

func (c *callerFlags) check(surface string, function bool) error {
	switch {
	case surface == "connect":
		return nil
	case len(c.iam) > 0 && !function:
		return cli.Usage("--iam-caller works only in a Lambda function, whose URL has authenticated the caller")
	case len(c.iam) > 0 && surface != "api":
		return cli.Usage("--iam-caller needs --surface api: a function URL has one kind of authorization, and customers can't sign requests")
	case c.tokenFile == "" && c.issuer == "" && len(c.iam) == 0:
		return cli.Usage("--token-file or --oidc-issuer is missing (or --iam-caller in a Lambda function): by default no caller is allowed; `xacct serve token` makes a token and the line for its file")
	case (c.issuer == "") != (c.audience == ""):
		return cli.Usage("--oidc-issuer and --oidc-audience belong together: an issuer makes tokens for other services too")
	}
	if _, ok := api.ParseScopes(keysOf(c.names)); !ok {
		return cli.Usage("invalid --oidc-scope: the scopes are read, write and operate, such as read=customers.read")
	}
	return nil
}

func keysOf(names map[string]string) []string {
	keys := make([]string, 0, len(names))
	for key := range names {
		keys = append(keys, key)
	}
	return keys
}

// open returns the authenticator for the callers that the flags allow.
func (c *callerFlags) open(ctx context.Context, clock func() time.Time, logger *slog.Logger) (api.Authenticator, error) {
	var ways api.AnyOf
	if c.tokenFile != "" {
		file, err := api.OpenTokenFile(c.tokenFile, clock)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, cli.Usage("--token-file: there is no such file; `xacct serve token NAME --scopes SCOPES >> %s` creates it: %w", c.tokenFile, err)
		}
		if err != nil {
			return nil, err
		}
		ways = append(ways, file)
	}
	if c.issuer != "" {
		names := map[api.Scope]string{}
		for scope, name := range c.names {
			names[api.Scope(scope)] = name
		}
		issuer, err := api.OpenOIDC(ctx, api.OIDCConfig{
			Issuer: c.issuer, Audience: c.audience, Claims: c.claims, Names: names, Client: issuerClient(c.issuer), Clock: clock, Logger: logger,
		})
		if err != nil {
			return nil, cli.Usage("--oidc-issuer: %w", err)
		}
		ways = append(ways, issuer)
	}
	if len(c.iam) > 0 {
		principals, err := api.NewIAM(c.iam)
		if err != nil {
			return nil, cli.Usage("--iam-caller: %w", err)
		}
		ways = append(ways, principals)
	}
	return ways, nil
}

// issuerClient returns an HTTP client for an issuer, which may be in a private
// network. An issuer on the loopback address needs no TLS.
func issuerClient(issuer string) api.Doer {
	if address, err := url.Parse(issuer); err == nil && address.Scheme == "http" && api.Loopback(address) {
		return &http.Client{Timeout: 15 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return outbound.New(outbound.Options{Private: true})
}

// servePrefix is the prefix of the environment variables that set flags of
// serve, such as XACCT_SERVE_OIDC_ISSUER for --oidc-issuer. Values of a
// repeatable flag are separated by spaces if they may contain commas.
const servePrefix = "XACCT_SERVE_"

// fromEnvironment sets flags from their environment variables, except those on
// the command line. It returns a usage error for the first invalid value.
func fromEnvironment(flags *pflag.FlagSet) error {
	var problem error
	flags.VisitAll(func(f *pflag.Flag) {
		name := servePrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, there := os.LookupEnv(name)
		if !there || f.Changed || problem != nil {
			return
		}
		values := []string{value}
		if f.Value.Type() == "stringArray" { // one flag for each value, whose commas are its own
			values = strings.Fields(value)
		}
		for _, one := range values {
			if err := flags.Set(f.Name, one); err != nil {
				problem = cli.Usage("%s %q: %w", name, value, err)
			}
		}
	})
	return problem
}
