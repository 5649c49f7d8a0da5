// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func newAdoptCommand(p process) *cobra.Command {
	var a adoption
	cmd := &cobra.Command{
		Use:   "adopt CUSTOMER --hub NAME",
		Short: "Register a role that exists already, without a stack",
		Long: `Register a role that a customer created before there was a link, by hand or with one
of your tools. The customer needs a link first, with external_id set to the one that
the role requires.

The role goes through the same proof as any other role: it must be assumable with the
external ID, and refused without it and with a wrong one. It is then active in
Terraform, with no stack. If the customer launches the link later, the stack's role
replaces it.

If the customer deletes an adopted role, only a round of proofs notices it
(` + "`xacct verify`" + `, or the registrar's own): the role becomes degraded. --release
releases the role; so does destroying the link.`,
		Example: `  xacct adopt globex --hub acme \
    --role-arn arn:aws:iam::222222222222:role/monitoring`,
		Args: cli.Exactly(1, "CUSTOMER: its ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.open(cmd.Context(), p, patience)
			if err != nil {
				return err
			}
			said, err := a.run(cmd.Context(), in, args[0])
			if err != nil {
				return err
			}
			cli.Say(cmd.OutOrStdout(), "%s\n", said)
			if err := in.tell(cmd.Context()); err != nil {
				cli.Say(cmd.ErrOrStderr(), "Events wait for the next registrar: %s\n", oneLine(err))
			}
			return nil
		},
	}
	a.addTo(cmd)
	cmd.ValidArgsFunction = onlyFirst(a.completeCustomers(p))
	cmd.Flags().StringVar(&a.roleARN, "role-arn", "", "ARN of the role (default: the one that the link's stack would create)")
	cmd.Flags().BoolVar(&a.release, "release", false, "release the adopted role: the customer is disconnected")
	return cmd
}

// adoption holds the command's flags.
type adoption struct {
	hubFlags
	roleARN string
	release bool
}

// run adopts or releases, and returns the message to print.
func (a *adoption) run(ctx context.Context, in *intake, customer string) (string, error) {
	var role account.RoleARN
	if a.roleARN != "" {
		var err error
		if role, err = account.ParseRoleARN(a.roleARN); err != nil {
			return "", cli.Usage("--role-arn: %w", err)
		}
	}
	adopting := customers.Adoption{Registry: in.records, Prover: in.prover(), Partition: in.clients.Partition(), Clock: in.clock}
	change, said := adopting.Adopt, "Role %s of customer %s is proven and registered."
	if a.release {
		change, said = adopting.Release, "Role %s of customer %s is released."
	}
	reg, err := change(ctx, customer, role)
	var refused *customers.NotAdoptableError
	switch {
	case errors.As(err, &refused):
		return "", err
	case errors.Is(err, registry.ErrNoLink):
		return "", noCustomer(customer, a.hub)
	case errors.Is(err, customers.ErrNoAccount):
		return "", cli.Usage("the link of customer %s names no account: give --role-arn", customer)
	case errors.Is(err, customers.ErrNotAdopted):
		return "", fmt.Errorf("customer %s of hub %s has no adopted role", customer, a.hub)
	case errors.Is(err, registry.ErrConflict):
		return "", fmt.Errorf("the registration of customer %q of hub %q kept changing: try again", customer, a.hub)
	case err != nil:
		return "", in.explain(err)
	}
	return fmt.Sprintf(said, reg.Role, customer), nil
}
