// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package tfcore is a small Terraform Core in the process of a test: it reads a
// configuration, plans and applies it with the providers' own servers over their
// protocol, and validates their responses as Terraform does. A plan takes some
// milliseconds here, and some seconds with Terraform.
//
// It follows Terraform's rules (what is proposed to a provider, what a provider may
// plan, in which order resources are destroyed), and the tests of package steps
// compare it with Terraform. It supports root modules of one file. It returns errors
// for features that it does not support, so that no test passes because something was
// ignored.
package tfcore

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/zclconf/go-cty/cty/function"
)

// Version is the version of Terraform that providers and checks get.
const Version = "1.14.0"

// Factory returns a new server of a provider, as Terraform would start its process.
type Factory = func() (tfprotov6.ProviderServer, error)

// Core runs configurations with some providers. States belong to its workspaces.
type Core struct {
	factories map[string]Factory

	mu               sync.Mutex
	providers        map[string]*provider
	allFunctions     map[string]function.Function
	countedProviders int
}

// New returns a core with these providers, by their names in configurations, and with
// terraform_data.
func New(factories map[string]Factory) *Core {
	e := &Core{factories: map[string]Factory{"terraform": newBuiltin}, providers: map[string]*provider{}}
	for name, factory := range factories {
		e.factories[name] = factory
	}
	return e
}

// provider has the schemas and functions of a provider, which need no configuration.
type provider struct {
	name        string
	factory     Factory
	config      *schema
	schemas     map[mode]map[string]*schema
	identities  map[string]*identity
	operators   map[string]map[string]*schema // of list and action blocks, by their types
	functions   map[string]*tfprotov6.Function
	planDestroy bool
}

// String returns the provider's address in Terraform's messages.
func (p *provider) String() string {
	if p.name == "terraform" {
		return "terraform.io/builtin/terraform"
	}
	return "registry.terraform.io/hashicorp/" + p.name
}

// configured returns the provider's name in Terraform's messages about applies.
func (p *provider) configured() string { return fmt.Sprintf("provider[%q]", p) }

func (p *provider) schemaOf(a address) *schema { return p.schemas[a.mode][a.typ] }

// provider returns a provider, whose schemas are read once.
func (e *Core) provider(ctx context.Context, name string) (*provider, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.providers[name]; p != nil {
		return p, nil
	}
	factory := e.factories[name]
	if factory == nil {
		return nil, fmt.Errorf("there is no provider %q in this test", name)
	}
	server, err := factory()
	if err != nil {
		return nil, err
	}
	p := &provider{name: name, factory: factory, schemas: map[mode]map[string]*schema{}, identities: map[string]*identity{}, operators: map[string]map[string]*schema{"list": {}, "action": {}}}
	if err := p.ask(ctx, server); err != nil {
		return nil, fmt.Errorf("provider %s: %w", name, err)
	}
	e.providers[name] = p
	return p, nil
}

func (p *provider) ask(ctx context.Context, server tfprotov6.ProviderServer) error {
	resp, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return err
	}
	if err := received(resp.Diagnostics).Err(); err != nil {
		return err
	}
	p.functions = resp.Functions
	p.planDestroy = resp.ServerCapabilities != nil && resp.ServerCapabilities.PlanDestroy
	if p.config, err = newSchema("provider "+p.name, resp.Provider); err != nil {
		return err
	}
	for kind, told := range map[mode]map[string]*tfprotov6.Schema{
		managed: resp.ResourceSchemas, data: resp.DataSourceSchemas, ephemeral: resp.EphemeralResourceSchemas,
	} {
		p.schemas[kind] = map[string]*schema{}
		for typ, s := range told {
			if p.schemas[kind][typ], err = newSchema(typ, s); err != nil {
				return err
			}
			if kind != ephemeral && p.schemas[kind][typ].attributes.sensitive() {
				return fmt.Errorf("%s has sensitive attributes, and the in-process core does not follow sensitive values", typ)
			}
		}
	}
	for typ, s := range resp.ListResourceSchemas {
		if p.operators["list"][typ], err = newSchema("list "+typ, s); err != nil {
			return err
		}
	}
	for typ, s := range resp.ActionSchemas {
		if p.operators["action"][typ], err = newSchema("action "+typ, s.Schema); err != nil {
			return err
		}
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return err
	}
	if err := received(identities.Diagnostics).Err(); err != nil {
		return err
	}
	for typ, told := range identities.IdentitySchemas {
		if p.identities[typ], err = newIdentity(told); err != nil {
			return err
		}
	}
	return nil
}

// start returns a client of a new server. With Terraform, each configuration of a
// provider has its own process in each command.
func (p *provider) start() (*client, error) {
	server, err := p.factory()
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", p.name, err)
	}
	return &client{provider: p, server: server}, nil
}

// providerOf returns the provider of a configuration such as xacct or xacct.west.
func (e *Core) providerOf(ctx context.Context, key string) (*provider, error) {
	name, _, _ := strings.Cut(key, ".")
	return e.provider(ctx, name)
}
