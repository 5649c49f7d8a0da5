// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command schema prints the provider's schemas as `terraform providers schema -json`
// does, from the provider's own protocol responses. Documentation is generated from its
// output: that needs no engine, and includes list resources and actions, which engines
// before Terraform 1.14 omit.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/xacct/terraform-provider-xacct/internal/provider"
)

// name is the provider's name in the output; tfplugindocs looks for it.
const name = "xacct"

func main() {
	text, err := schemas(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
	fmt.Println(string(text))
}

// schemas returns the provider's schemas as JSON.
func schemas(ctx context.Context) ([]byte, error) {
	server, err := providerserver.NewProtocol6WithError(provider.New("dev")())()
	if err != nil {
		return nil, err
	}
	told, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, err
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return nil, err
	}
	for _, d := range append(told.Diagnostics, identities.Diagnostics...) {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			return nil, errors.New(d.Summary + ": " + d.Detail)
		}
	}
	one := providerSchemas{
		Provider: newSchema(told.Provider), Resources: newSchemas(told.ResourceSchemas), DataSources: newSchemas(told.DataSourceSchemas),
		EphemeralResources: newSchemas(told.EphemeralResourceSchemas), ListResources: newSchemas(told.ListResourceSchemas),
		Functions: map[string]functionSignature{}, Identities: map[string]identitySchema{}, Actions: map[string]actionSchema{},
	}
	for typ, s := range told.ActionSchemas {
		one.Actions[typ] = actionSchema{newBlock(s.Schema.Block)}
	}
	for name, f := range told.Functions {
		one.Functions[name] = newFunction(f)
	}
	for typ, s := range identities.IdentitySchemas {
		one.Identities[typ] = newIdentity(s)
	}
	return json.Marshal(map[string]any{"format_version": "1.0", "provider_schemas": map[string]providerSchemas{name: one}})
}
