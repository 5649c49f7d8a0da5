// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

type verifyInput struct {
	OneCustomer
	Full bool `query:"full" doc:"Give every role the full proof: also without the external ID, and with a wrong one."`
}

type verifyOutput struct{ Body Verification }

// Verification is the result of the proofs of a customer's roles.
type Verification struct {
	CustomerID string    `json:"customer_id"`
	Roles      []Verdict `json:"roles" doc:"Every registered role; none if no stack is live."`
}

// Verdict is the result of the proof of one role.
type Verdict struct {
	RoleARN string `json:"role_arn"`
	Verdict string `json:"verdict" enum:"works,broken,unknown,withheld,moved" doc:"unknown: AWS did not say, and nothing was changed. moved: the customer changed the stack meanwhile."`
	Status  string `json:"status" enum:"active,degraded,disconnected" doc:"The role's status now."`
	Reason  string `json:"reason,omitempty"`
}

func (s *Server) verify(ctx context.Context, in *verifyInput) (*verifyOutput, error) {
	record, err := s.records.Hub(ctx)
	if err != nil {
		return nil, s.problem(requestID(ctx), in.CustomerID, err)
	}
	findings, err := health.Customer(ctx, health.Config{
		Registry: s.records, Prover: s.config.Prover(record), Clock: s.config.Clock, Full: in.Full,
	}, in.CustomerID)
	if err != nil {
		return nil, s.problem(requestID(ctx), in.CustomerID, err)
	}
	out := &verifyOutput{Verification{CustomerID: in.CustomerID, Roles: []Verdict{}}}
	for _, f := range findings {
		out.Body.Roles = append(out.Body.Roles, Verdict{
			RoleARN: f.Registration.Role.String(), Verdict: string(f.Verdict), Status: string(f.Registration.Status), Reason: f.Registration.Reason,
		})
	}
	return out, nil
}

type blockInput struct {
	OneCustomer
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"500" doc:"The reason, for the vendor: customers never read it."`
	}
}

func (s *Server) block(ctx context.Context, in *blockInput) (*customerOutput, error) {
	reason := strings.TrimSpace(in.Body.Reason)
	return s.edit(ctx, in.CustomerID, func(l *onboarding.Link) bool { return l.Block(reason, s.config.Clock()) })
}

func (s *Server) unblock(ctx context.Context, in *OneCustomer) (*customerOutput, error) {
	return s.edit(ctx, in.CustomerID, (*onboarding.Link).Unblock)
}

func (s *Server) edit(ctx context.Context, customer string, edit func(*onboarding.Link) bool) (*customerOutput, error) {
	if _, _, err := s.links.Edit(ctx, customer, edit); err != nil {
		return nil, s.problem(requestID(ctx), customer, err)
	}
	return s.get(ctx, &OneCustomer{customer})
}
