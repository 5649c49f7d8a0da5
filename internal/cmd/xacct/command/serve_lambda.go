// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"

	"github.com/spf13/pflag"

	"github.com/xacct/terraform-provider-xacct/internal/api/lambda"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
)

// surfaceVariable is the environment variable for --surface. If it is set, a
// Lambda function is the onboarding API instead of the registrar.
const surfaceVariable = servePrefix + "SURFACE"

// serveFunction serves the onboarding API as a Lambda function behind a URL.
func serveFunction(ctx context.Context, p process) error {
	handler, err := openFunction(ctx, p)
	if err != nil {
		return err
	}
	handler.Start(ctx)
	return errors.New("Lambda's runtime API has ended")
}

// openFunction returns the handler of the function. It is called once, before
// the first event, and validates the environment like flags.
func openFunction(ctx context.Context, p process) (lambda.Handler, error) {
	s := newAPIServer()
	s.function = true
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	s.addTo(flags)
	if err := fromEnvironment(flags); err != nil {
		return lambda.Handler{}, err
	}
	if s.registrar {
		return lambda.Handler{}, cli.Usage("--with-registrar: a Lambda function does nothing between two requests; deploy the registrar as another one")
	}
	if err := s.check(); err != nil {
		return lambda.Handler{}, err
	}
	in, err := (&hubFlags{}).open(ctx, p, interactiveAttempts)
	if err != nil {
		return lambda.Handler{}, err
	}
	logger := slog.New(slog.NewJSONHandler(cli.SafeJSON(os.Stderr), nil)).With("hub", in.record.Name)
	manager, err := hub.New(in.clients, in.record.Name, in.clock, rand.Reader)
	if err != nil {
		return lambda.Handler{}, err
	}
	server, err := s.server(ctx, in, manager, logger, nil)
	if err != nil {
		return lambda.Handler{}, err
	}
	return lambda.Handler{HTTP: server.Handler()}, nil
}
