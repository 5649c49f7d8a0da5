// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command terraform-provider-xacct serves the provider to Terraform or
// OpenTofu, which start it themselves.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/xacct/terraform-provider-xacct/internal/provider"
)

// version is set by the release's linker flags.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "wait for a debugger, and print how Terraform can reach this process")
	flag.Parse()
	if !*debug {
		if err := provider.DropUnreadLogs(); err != nil {
			log.Fatal(err)
		}
	}

	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: "registry.terraform.io/xacct/xacct",
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
