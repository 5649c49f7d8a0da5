// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
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
Terraform, with no stack. If the customer launches the link later, the stack takes over.

If the customer deletes an adopted role, only a round of proofs notices it
(` + "`xacct verify`" + `, or the registrar's own): the role becomes degraded. --release
releases the role; so does destroying the link.`,
		Example: `  xacct adopt globex --hub acme --role-arn arn:aws:iam::222222222222:role/monitoring`,
		Args:    cli.Exactly(1, "CUSTOMER: its ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.open(cmd.Context(), p, patience)
			if err != nil {
				return err
			}
			said, err := a.run(cmd.Context(), in, args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), said)
			if err := in.tell(cmd.Context()); err != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "Events wait for the next registrar:", oneLine(err))
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
	for range linkAttempts {
		found, err := in.records.Customer(ctx, customer)
		if errors.Is(err, registry.ErrNoLink) {
			return "", noCustomer(customer, a.hub)
		}
		if err != nil {
			return "", in.explain(err)
		}
		decide := a.adopt
		if a.release {
			decide = a.giveUp
		}
		reg, entry, err := decide(ctx, in, found, in.clock().UTC())
		if err != nil {
			return "", err
		}
		_, err = in.records.PutHealth(ctx, reg, *entry)
		switch {
		case errors.Is(err, registry.ErrConflict):
			continue // the registration has changed meanwhile: read it again
		case err != nil:
			return "", in.explain(err)
		case a.release:
			return fmt.Sprintf("Role %s of customer %s is released.", reg.Role, customer), nil
		}
		return fmt.Sprintf("Role %s of customer %s is proven and registered.", reg.Role, customer), nil
	}
	return "", fmt.Errorf("the registration of customer %q of hub %q kept changing: try again", customer, a.hub)
}

func (a *adoption) adopt(ctx context.Context, in *intake, customer onboarding.Customer, now time.Time) (onboarding.Registration, *onboarding.HistoryEntry, error) {
	role := customer.Link.Role(in.clients.Partition())
	if a.roleARN != "" {
		var err error
		if role, err = account.ParseRoleARN(a.roleARN); err != nil {
			return onboarding.Registration{}, nil, cli.Usage("--role-arn: %w", err)
		}
	}
	if role.Account.IsZero() {
		return onboarding.Registration{}, nil, cli.Usage("the link of customer %s names no account: give --role-arn", customer.Link.CustomerID)
	}
	var before *onboarding.Registration
	for i, reg := range customer.Registrations {
		if reg.Account == role.Account {
			before = &customer.Registrations[i]
		}
	}
	proof := in.prover().Prove(ctx, onboarding.Probe{
		CustomerID: customer.Link.CustomerID, Role: role, ExternalID: customer.Link.ExternalID, Principals: customer.Link.TrustedPrincipals,
	})
	return onboarding.Adopt(customer.Link, before, role, proof, now)
}

func (a *adoption) giveUp(_ context.Context, _ *intake, customer onboarding.Customer, now time.Time) (onboarding.Registration, *onboarding.HistoryEntry, error) {
	for _, reg := range customer.Registrations {
		if released, entry := onboarding.Release(reg, now); entry != nil && (a.roleARN == "" || reg.Role.String() == a.roleARN) {
			return released, entry, nil
		}
	}
	return onboarding.Registration{}, nil, fmt.Errorf("customer %s of hub %s has no adopted role", customer.Link.CustomerID, a.hub)
}
