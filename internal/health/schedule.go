// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package health

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Schedule defines how often there is a round, and which of several registrars makes
// it.
type Schedule struct {
	Every time.Duration
	// FullEvery is the number of rounds in which every role gets the full proof once;
	// default 7.
	FullEvery int
	Claims    Claims
	Log       *slog.Logger
	Round     Config // the schedule sets its Spread, and calls its OnFinding too
}

// Claims coordinates the registrars of a hub, so that one of them makes each round.
type Claims interface {
	// ClaimRound returns true to one caller if a round is due, and the number of
	// rounds that were finished before. The round is due again at until, even if the
	// caller has died.
	ClaimRound(ctx context.Context, until time.Time) (round int64, mine bool, err error)
	// EndRound records that a claimed round is over, with its result, and when the next
	// one is due.
	EndRound(ctx context.Context, round int64, found onboarding.RoundSummary, next time.Time) error
	// Restored returns the hub if its registry was recently restored, or nil.
	Restored(ctx context.Context) (*onboarding.Hub, error)
}

// Run makes a round each time that one is due, until ctx is done. The proofs of a
// round are spread over a quarter of the interval, so that they add no noticeable
// load. If a registrar dies in a round, another one starts the round again at the
// time at which it would have ended.
func Run(ctx context.Context, s Schedule) {
	s.Round.Spread = s.Every / 4
	r := newRound(s.Round)
	s.Round = r.Config
	for ctx.Err() == nil {
		s.runDue(ctx)
		look := s.Every / 48
		if r.Sleep(ctx, look/2+r.randomBelow(look)) != nil {
			return
		}
	}
}

// Once makes a round if one is due, without spreading it, for a process that is
// started for each round, such as a Lambda function.
func Once(ctx context.Context, s Schedule) {
	s.Round.Spread = 0
	s.Round = newRound(s.Round).Config
	s.runDue(ctx)
}

// fullEvery is the default of FullEvery: with daily rounds, each role has a full proof
// once a week.
const fullEvery = 7

// runDue makes a round, if one is due and no other registrar makes it.
func (s Schedule) runDue(ctx context.Context) {
	begun := s.Round.Clock()
	number, mine, err := s.Claims.ClaimRound(ctx, begun.Add(s.Round.Spread+s.Every/8))
	if err != nil {
		if ctx.Err() == nil {
			s.Log.Warn("cannot read whether a round of proofs is due", "error", err)
		}
		return
	}
	if !mine {
		return
	}
	if s.Round.Restored, err = s.Claims.Restored(ctx); err != nil {
		s.Log.Warn("this round does not look for roles that the registry lost in a restore", "error", err)
	}
	s.Round.Rounds = Rounds{Every: cmp.Or(s.FullEvery, fullEvery), Number: number}
	onFinding := s.Round.OnFinding
	s.Round.OnFinding = func(f Finding) {
		s.log(f)
		if onFinding != nil {
			onFinding(f)
		}
	}
	findings, err := Round(ctx, s.Round)
	counts := map[Verdict]int{}
	for _, f := range findings {
		counts[f.Verdict]++
	}
	switch {
	case errors.Is(err, context.Canceled):
		s.Log.Info("a round of proofs was interrupted; another one starts over", "roles", len(findings))
		return
	case err != nil:
		s.Log.Error("a round of proofs failed; it is tried again later", "roles", len(findings), "error", err)
		return
	}
	s.Log.Info("proved all roles again", "roles", len(findings), "works", counts[Works], "broken", counts[Broken],
		"unknown", counts[Unknown], "withheld", counts[Withheld], "moved", counts[Moved])
	if counts[Withheld] > 0 {
		s.Log.Error("every role was refused: check the permissions of the vendor's own principal before the customers' roles", "roles", counts[Withheld])
	}
	found := onboarding.RoundSummary{
		EndedAt: s.Round.Clock().UTC(), Works: counts[Works], Broken: counts[Broken],
		Unknown: counts[Unknown], Withheld: counts[Withheld], Moved: counts[Moved],
	}
	if err := s.Claims.EndRound(ctx, number, found, begun.Add(s.Every)); err != nil {
		s.Log.Warn("the next round of proofs may start early", "error", err)
	}
}

// log logs a finding: as a warning if the role's status has changed or is unknown.
func (s Schedule) log(f Finding) {
	args := []any{"customer", f.Registration.CustomerID, "account", f.Registration.Account, "role", f.Registration.Role,
		"status", f.Registration.Status, "verdict", f.Verdict}
	switch {
	case f.Before != f.Registration.Status:
		s.Log.Warn("the status of a role has changed", append(args, "before", f.Before, "reason", f.Registration.Reason)...)
	case f.Verdict == Unknown:
		s.Log.Warn("a role could not be proven again", append(args, "error", f.Err)...)
	default:
		s.Log.Debug("proved a role again", args...)
	}
}
