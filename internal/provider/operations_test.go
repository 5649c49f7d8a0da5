// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/provider"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// configuredOnce is a server that several operations share, like a server that `terraform test` (1.13 and
// later) starts for a provider block of a test file. Each operation validates the provider's
// configuration, but only the first one configures it.
type configuredOnce struct {
	tfprotov6.ProviderServer

	configure func() (*tfprotov6.ConfigureProviderResponse, error)
}

func (s *configuredOnce) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	if s.configure == nil {
		s.configure = sync.OnceValues(func() (*tfprotov6.ConfigureProviderResponse, error) {
			return s.ProviderServer.ConfigureProvider(ctx, req)
		})
	}
	return s.configure()
}

// An operation must not use what an earlier one in the same process has planned, counted or read.
func TestOperationsThatShareAProcessDoNotShareWhatTheyPlan(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	server, err := serverOf(provider.WithPollInterval(100 * time.Millisecond))()
	if err != nil {
		t.Fatal(err)
	}
	shared := &configuredOnce{ProviderServer: server}
	core := tfcore.New(map[string]tfcore.Factory{"xacct": func() (tfprotov6.ProviderServer, error) { return shared, nil }})
	s := state{core.Workspace(), t, w}
	base := hubHCL() + setHCL("readonly")
	s.apply(base)
	s.apply(base, referring(globex), referring(initech))
	s.apply(base, fleetHCL("main", twoCustomers[:1]))
	s.apply(base, referring(globex), roleHCL(globex))
	w.Launch("acme", "globex", acctest.Globex, "CREATE_COMPLETE")
	s.apply(base, referring(globex), roleHCL(globex, waits))
	s.wantEmptyPlan(base, referring(globex), roleHCL(globex, waits))
	s.apply(base, fleetHCL("main", twoCustomers))
	s.apply(base)
}
