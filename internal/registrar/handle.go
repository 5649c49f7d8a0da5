// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Action is what to do with a message.
type Action string

// The actions.
const (
	Done       Action = "done"        // delete it
	Retry      Action = "retry"       // put it back for a while
	DeadLetter Action = "dead_letter" // put it aside for a person
)

// Disposition is what came of a message.
type Disposition struct {
	Action Action
	After  time.Duration // of a Retry
	Reason string        // of a DeadLetter
}

// Handle takes one message the whole way, or as far as it goes now: decode,
// load, decide, prove, store, answer, commit. Each step may be the last one
// that happens; the message comes again until Handle says Done, and the same
// request gets the same answer.
func (r *Registrar) Handle(ctx context.Context, body []byte) Disposition {
	request, err := phonehome.Decode(body)
	if err == nil {
		err = r.checkTopic(request.Topic)
	}
	if err != nil {
		r.Logger.Warn("a message went to the dead letters", "reason", err)
		return Disposition{Action: DeadLetter, Reason: err.Error()}
	}
	h := &handling{Registrar: r, body: body, request: request, proofs: map[account.RoleARN]onboarding.Proof{}}
	h.log = r.Logger.With("type", request.Type, "account", request.Stack.Account,
		"stack", request.Stack, "resource", request.LogicalID, "request", request.RequestID)
	leave, wait := r.turns.take(request, r.Clock())
	if leave == nil {
		h.log.Debug("many requests of this account are being worked on; this one waits for its turn", "wait", wait)
		return h.pace(Disposition{Action: Retry, After: wait})
	}
	defer leave()
	defer h.release()
	return h.pace(h.decide(ctx))
}

// checkTopic refuses what did not come through one of the hub's own topics.
func (r *Registrar) checkTopic(topic account.TopicARN) error {
	shard, ok := strings.CutPrefix(topic.Name, "xacct-"+r.Hub.Name+"-")
	if n, err := strconv.Atoi(shard); !ok || err != nil || n < 0 || strconv.Itoa(n) != shard || topic.Account != r.Hub.Account {
		return fmt.Errorf("topic %s is not one of hub %s", topic, r.Hub.Name)
	}
	return nil
}

// handling is one request on its way.
type handling struct {
	*Registrar
	body     []byte
	request  phonehome.Request
	verified bool // SNS signed it
	proofs   map[account.RoleARN]onboarding.Proof
	proving  string // the customer whose proof this handling holds; empty: none
	log      *slog.Logger
}

// attempts bounds how often one handling decides or applies anew because the
// registry moved; after that the message waits a little.
const attempts = 8

const soon = 5 * time.Second

func (h *handling) decide(ctx context.Context) Disposition {
	for range attempts {
		snapshot, err := h.load(ctx)
		if err != nil {
			return h.outage(ctx, "the registry cannot be reached", err)
		}
		if not := h.verify(ctx, snapshot.Hub); not != nil {
			return *not
		}
		if !slices.Contains(snapshot.Hub.Regions, h.request.Stack.Region) {
			// An invented Region has a bucket name that anybody can own (aws-facts 2.4).
			return h.putAside(fmt.Sprintf("hub %s has no topics in %s", h.Hub.Name, h.request.Stack.Region))
		}
		decision := onboarding.Decide(h.facts(snapshot), h.Clock())
		switch decision.Kind {
		case onboarding.DecideProve:
			if busy := h.prove(ctx, decision.Probe); busy != nil {
				return *busy
			}
		case onboarding.DecideLater:
			return h.later(decision)
		default:
			answer, err := h.store(ctx, snapshot, decision)
			if errors.Is(err, onboarding.ErrConflict) {
				continue
			}
			if err != nil {
				return h.outage(ctx, "the registry cannot be reached", err)
			}
			return h.send(ctx, snapshot, answer)
		}
	}
	h.log.Info("the registry kept changing; the request waits a little")
	return Disposition{Action: Retry, After: soon}
}

// callLimit is how long the registry, STS or SNS's certificates may take. The
// SDK tries on and on, and there has to be time left for an answer without them.
const callLimit = 12 * time.Second

func (h *handling) load(ctx context.Context) (onboarding.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return h.Registry.Load(ctx, h.request)
}

func (h *handling) facts(s onboarding.Snapshot) onboarding.Case {
	return onboarding.Case{Snapshot: s, Request: h.request, Proofs: h.proofs}
}

// store writes the answer down before it is sent, so that whoever gets the
// message after us sends the same one.
func (h *handling) store(ctx context.Context, s onboarding.Snapshot, d onboarding.Decision) (onboarding.Answer, error) {
	if d.Replayed {
		return d.Answer, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	stored, err := h.Registry.StoreAnswer(ctx, s, d.Answer)
	if err == nil {
		h.Observer.Decided(h.request, stored.Outcome)
	}
	return stored, err
}

// send sends the stored answer. Whether the bucket took it is the proof that
// the request was CloudFormation's, or was not.
func (h *handling) send(ctx context.Context, s onboarding.Snapshot, a onboarding.Answer) Disposition {
	err := h.respond(ctx, a.Response)
	if a.State == onboarding.AnswerCommitted {
		h.log.Info("answered once more, as before", "outcome", a.Outcome, "error", err)
		return Disposition{Action: Done}
	}
	var refused *RefusedError
	if err != nil && !errors.As(err, &refused) {
		h.log.Warn("the answer could not be sent; trying again", "outcome", a.Outcome, "error", err)
		return Disposition{Action: Retry, After: soon}
	}
	return h.settle(ctx, s, a, err)
}

func (h *handling) respond(ctx context.Context, response phonehome.Response) error {
	err := h.Responder.Respond(ctx, h.request.ResponseURL, response)
	if err == nil {
		h.Observer.Answered(h.request, response.Status, h.Clock())
	}
	return err
}

// settle commits what the answer changes, or drops it, by what came of sending
// it. Where the registry has moved meanwhile, everything is looked at anew.
func (h *handling) settle(ctx context.Context, s onboarding.Snapshot, a onboarding.Answer, refused error) Disposition {
	for range attempts {
		s.Answer = &a
		decision := onboarding.Settle(h.facts(s), refused == nil, h.Clock())
		switch decision.Kind {
		case onboarding.DecideProve:
			if busy := h.prove(ctx, decision.Probe); busy != nil {
				return *busy
			}
			continue
		case onboarding.DecideLater:
			return h.later(decision)
		case onboarding.DecideDrop:
			return h.drop(ctx, a, decision.Outcome, refused)
		}
		transition := onboarding.Apply(s, a, h.Clock())
		err := h.commit(ctx, s, a, transition)
		if err == nil {
			h.tell(s.Hub, transition)
		}
		if err == nil || errors.Is(err, onboarding.ErrCommitted) {
			h.committed(a, transition, err == nil)
			return Disposition{Action: Done}
		}
		if errors.Is(err, onboarding.ErrConflict) {
			s, err = h.load(ctx)
		}
		if err != nil {
			h.log.Error("an accepted answer could not be committed; trying again", "outcome", a.Outcome, "error", err)
			return Disposition{Action: Retry, After: soon}
		}
	}
	h.log.Warn("the registry kept changing; the commit waits a little", "outcome", a.Outcome)
	return Disposition{Action: Retry, After: soon}
}

func (h *handling) commit(ctx context.Context, s onboarding.Snapshot, a onboarding.Answer, t onboarding.Transition) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return h.Registry.Commit(ctx, s, a, t)
}

// committed tells what came of an answer. Where somebody else has committed it,
// only they know whether it is what was decided.
func (h *handling) committed(a onboarding.Answer, t onboarding.Transition, ours bool) {
	level, customer, outcome := slog.LevelInfo, a.Change.CustomerID, a.Outcome
	if ours {
		outcome = t.Outcome(a)
	}
	if a.Outcome == onboarding.OutcomeStranger {
		level = slog.LevelWarn // a stack that phones home and that nobody knows
	}
	args := []any{"customer", customer, "outcome", outcome, "answer", a.Response.Status}
	if outcome != a.Outcome {
		args = append(args, "decided", a.Outcome)
	}
	if a.Response.Reason != "" {
		args = append(args, "reason", a.Response.Reason)
	}
	if t.Registration != nil {
		args = append(args, "status", t.Registration.Status)
	}
	h.log.Log(context.Background(), level, "answered", args...)
	if !t.Empty() {
		h.OnCommit(customer)
	}
}

func (h *handling) drop(ctx context.Context, a onboarding.Answer, outcome onboarding.Outcome, refused error) Disposition {
	if err := h.Registry.RefuseAnswer(ctx, a); err != nil {
		h.log.Warn("a refused answer could not be noted; trying again", "error", err)
		return Disposition{Action: Retry, After: soon}
	}
	if a.Change.Kind == onboarding.ChangeUpdate && !h.Clock().Before(a.Change.Deadline) {
		h.log.Error("nobody can tell whether an update was answered in time: compare the customer's stack with the registration",
			"customer", a.Change.CustomerID, "error", refused)
		return Disposition{Action: Done}
	}
	h.log.Warn("nothing was changed: the request was forged, or its answer came too late to count",
		"customer", a.Change.CustomerID, "decided", a.Outcome, "outcome", outcome, "error", refused)
	return Disposition{Action: Done}
}

// outage answers without what cannot be reached where waiting for it is not
// possible, and keeps the message until everything can be checked and stored.
func (h *handling) outage(ctx context.Context, what string, cause error) Disposition {
	if ctx.Err() != nil { // we are being stopped; whoever gets the message next goes on
		return Disposition{Action: Retry, After: soon}
	}
	h.log.Error(what+"; the request is kept", "error", cause)
	if response, now := onboarding.Fallback(h.Hub, h.request, h.Clock()); now {
		err := h.respond(ctx, response)
		h.log.Warn("answered all the same, and nothing changed", "answer", response.Status, "error", err)
	}
	return Disposition{Action: Retry, After: 15 * time.Second}
}

func (h *handling) later(d onboarding.Decision) Disposition {
	h.log.Info("not yet", "outcome", d.Outcome, "again_in", d.RetryAfter)
	return Disposition{Action: Retry, After: d.RetryAfter}
}

func (h *handling) putAside(reason string) Disposition {
	h.log.Warn("a request went to the dead letters", "reason", reason)
	return Disposition{Action: DeadLetter, Reason: reason}
}
