// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// level is the severity of a problem, as monitoring systems rank it.
type level string

const (
	levelOK       level = "ok"
	levelWarning  level = "warning"
	levelCritical level = "critical"
)

// statusReport is the health of a hub, as --json prints it.
type statusReport struct {
	Hub       string `json:"hub"`
	Region    string `json:"region"`
	AccountID string `json:"account_id"`
	State     string `json:"state"`
	Level     level  `json:"level"`

	Problems    []problem                `json:"problems"`
	Registrars  []registrarView          `json:"registrars"`
	Queue       *queueView               `json:"queue,omitempty"`
	DeadLetters *int                     `json:"dead_letters,omitempty"`
	Retiring    []retiringView           `json:"retiring_regions,omitempty"`
	LastRound   *onboarding.RoundSummary `json:"last_round,omitempty"`
	NextRoundAt *time.Time               `json:"next_round_at,omitempty"`
	Customers   customerCounts           `json:"customers"`
	Trouble     []troubledCustomer       `json:"trouble"`
	NotRead     int                      `json:"trouble_not_read,omitempty"`
}

type problem struct {
	Level level  `json:"level"`
	Text  string `json:"text"`
}

type registrarView struct {
	ID          string     `json:"id"`
	LastHeardAt time.Time  `json:"last_heard_at"`
	Alive       bool       `json:"alive"`
	OldestAt    *time.Time `json:"oldest_message_at,omitempty"`
}

type queueView struct {
	Waiting    int        `json:"waiting"`
	InProgress int        `json:"in_progress"`
	OldestAt   *time.Time `json:"oldest_message_at,omitempty"`
	OldestAge  *int       `json:"oldest_message_age_seconds,omitempty"`
}

type retiringView struct {
	Region  string     `json:"region"`
	Since   *time.Time `json:"since,omitempty"`
	MutedAt *time.Time `json:"muted_at,omitempty"`
}

type customerCounts struct {
	Total        int `json:"total"`
	Pending      int `json:"pending"`
	Active       int `json:"active"`
	Degraded     int `json:"degraded"`
	Disconnected int `json:"disconnected"`
	Outdated     int `json:"outdated"`
	Blocked      int `json:"blocked"`
	OpenLinks    int `json:"open_links"`
	ExpiredLinks int `json:"expired_links"`
	ClosedLinks  int `json:"closed_links"`
}

type troubledCustomer struct {
	CustomerID string     `json:"customer_id"`
	AccountID  string     `json:"account_id,omitempty"`
	Status     string     `json:"status"`
	Since      *time.Time `json:"since,omitempty"`
	Reason     string     `json:"reason"`
}

const (
	// registrarSilence is the time without a heartbeat after which a registrar
	// counts as stopped. Registrars send one every minute.
	registrarSilence = 5 * time.Minute
	// leftRecently is how long a customer who disconnected is shown as a problem.
	leftRecently = 7 * 24 * time.Hour
	// lateRound is how long a round may be overdue before it is a problem. Rounds are
	// daily, and registrars check every half hour whether one is due.
	lateRound = 24 * time.Hour
)

// newStatusReport returns the report on a snapshot, with the most severe
// problems first.
func newStatusReport(s snapshot) statusReport {
	r := statusReport{
		Hub: s.record.Name, Region: s.record.Region.String(), AccountID: s.record.Account.String(), State: string(s.record.State), Level: levelOK,
		Problems: []problem{}, Registrars: []registrarView{}, Trouble: []troubledCustomer{},
		LastRound: s.lastRound, NextRoundAt: known(s.nextRound), NotRead: s.unread,
	}
	if s.record.State != registry.HubReady {
		r.add(levelCritical, "the hub is %s: the operation that creates or deletes it has not finished; run it again", s.record.State)
	}
	r.addRegistrars(s)
	r.addQueues(s)
	r.addRetiring(s)
	r.addRound(s)
	r.addCustomers(s)
	if s.record.Recovering(s.now) {
		r.add(levelWarning, "the table was restored on %s: rounds of proofs look for forgotten roles for a week; blocks that were set after the restore point are lost", s.record.RestoredAt.Format(time.DateOnly))
	}
	slices.SortStableFunc(r.Problems, func(a, b problem) int { return rank[b.Level] - rank[a.Level] })
	return r
}

var rank = map[level]int{levelOK: 0, levelWarning: 1, levelCritical: 2}

func (r *statusReport) add(l level, format string, args ...any) {
	r.Problems = append(r.Problems, problem{l, fmt.Sprintf(format, args...)})
	if rank[l] > rank[r.Level] {
		r.Level = l
	}
}

func (r *statusReport) addRegistrars(s snapshot) {
	alive := false
	for _, beat := range s.beats {
		if beat.Registrar == trialID {
			continue
		}
		one := registrarView{ID: beat.Registrar, LastHeardAt: beat.At.UTC(), Alive: s.now.Sub(beat.At) < registrarSilence}
		if one.Alive {
			alive, one.OldestAt = true, known(beat.Oldest)
		}
		r.Registrars = append(r.Registrars, one)
	}
	if alive {
		return
	}
	last := "none has sent a heartbeat in the last day"
	if len(r.Registrars) > 0 {
		last = "the last heartbeat is of " + r.Registrars[0].LastHeardAt.Format(time.DateTime) + " UTC"
	}
	r.add(levelCritical, "no registrar is alive (%s): customers' stacks wait until they fail; start `xacct registrar --hub %s`", last, r.Hub)
}

func (r *statusReport) addQueues(s snapshot) {
	for _, err := range s.queueTrouble {
		r.add(levelCritical, "%s", oneLine(err))
	}
	if len(s.queueTrouble) > 0 {
		return
	}
	r.Queue, r.DeadLetters = &queueView{Waiting: s.queue.waiting, InProgress: s.queue.inProgress}, new(s.deadLetters.waiting+s.deadLetters.inProgress)
	for _, one := range r.Registrars {
		if one.OldestAt != nil && (r.Queue.OldestAt == nil || one.OldestAt.Before(*r.Queue.OldestAt)) {
			r.Queue.OldestAt = one.OldestAt
		}
	}
	if r.Queue.OldestAt != nil {
		age := max(0, s.now.Sub(*r.Queue.OldestAt))
		r.Queue.OldestAge = new(int(age / time.Second))
		if age > s.record.ResponseTimeout/2 {
			r.add(levelCritical, "the oldest message is %s old, and stacks fail after %s: read the registrars' logs", age.Round(time.Second), s.record.ResponseTimeout)
		}
	}
	if n := *r.DeadLetters; n > 0 {
		r.add(levelWarning, "%s: `xacct dead-letters list --hub %s` shows why", onboarding.Counted(n, "dead letter"), r.Hub)
	}
}

func (r *statusReport) addRetiring(s snapshot) {
	for _, region := range s.record.Retiring {
		retirement := s.record.Retirements[region]
		r.Retiring = append(r.Retiring, retiringView{region.String(), known(retirement.Since), known(retirement.PublishersRemovedAt)})
		if retirement.PublishersRemovedAt.IsZero() && s.now.Sub(retirement.Since) > onboarding.Grace {
			r.add(levelWarning, "the grace period of retiring Region %s has ended: apply the hub once more to continue", region)
		}
	}
}

func (r *statusReport) addRound(s snapshot) {
	if !s.nextRound.IsZero() && s.now.Sub(s.nextRound) > lateRound {
		r.add(levelWarning, "a round of proofs has been due since %s UTC: no registrar makes rounds; see --verify-every", s.nextRound.Format(time.DateTime))
	}
	switch last := s.lastRound; {
	case last == nil:
	case last.Withheld > 0:
		r.add(levelCritical, "in the last round of proofs, all %d roles of a group were refused: check the permissions of the vendor's own principal", last.Withheld)
	case last.Unknown > 0:
		r.add(levelWarning, "the last round of proofs could not determine the state of %s", onboarding.Counted(last.Unknown, "role"))
	}
}

func (r *statusReport) addCustomers(s snapshot) {
	open := 0
	for _, c := range s.customers {
		live := len(c.Live()) > 0
		switch c.Link.Status(s.now) {
		case onboarding.LinkOpen:
			r.Customers.OpenLinks++
		case onboarding.LinkExpired:
			r.Customers.ExpiredLinks++
		case onboarding.LinkClosed:
			r.Customers.ClosedLinks++
			if !live {
				continue // offboarded
			}
		}
		r.Customers.Total++
		if c.Link.Blocked {
			r.Customers.Blocked++
		}
		for _, role := range rolesOf(s.record, c, s.now) {
			r.count(role)
			if t, troubled := troubleOf(role, s); troubled {
				r.Trouble = append(r.Trouble, t)
			}
		}
		for _, reg := range c.Live() {
			if reg.Open {
				open++
			}
		}
	}
	r.Trouble = sortedTrouble(r.Trouble)
	if n := r.Customers.Degraded; n > 0 {
		r.add(levelWarning, "%s degraded", onboarding.Counted(n, "role"))
	}
	if open > 0 {
		r.add(levelWarning, "%s can be assumed without the external ID, or with a wrong one: tell the customers at once", onboarding.Counted(open, "role"))
	}
	waiting := 0
	for _, t := range r.Trouble {
		if t.Status == string(onboarding.Pending) {
			waiting++
		}
	}
	if waiting > 0 {
		r.add(levelWarning, "%s could not connect", onboarding.Counted(waiting, "customer"))
	}
}

func (r *statusReport) count(role customerRole) {
	switch onboarding.RegistrationStatus(role.Status) {
	case onboarding.Pending:
		r.Customers.Pending++
	case onboarding.Active:
		r.Customers.Active++
	case onboarding.Degraded:
		r.Customers.Degraded++
	case onboarding.Disconnected:
		r.Customers.Disconnected++
	}
	if role.Outdated {
		r.Customers.Outdated++
	}
}

// troubleOf returns the problem of a role, and whether it has one.
func troubleOf(role customerRole, s snapshot) (troubledCustomer, bool) {
	t := troubledCustomer{CustomerID: role.CustomerID, AccountID: role.AccountID, Status: role.Status, Since: role.ChangedAt, Reason: role.Reason}
	switch onboarding.RegistrationStatus(role.Status) {
	case onboarding.Degraded:
		return t, true
	case onboarding.Disconnected:
		return t, role.LinkStatus == string(onboarding.LinkOpen) && role.ChangedAt != nil && s.now.Sub(*role.ChangedAt) < leftRecently
	case onboarding.Pending:
		last, found := lastRequest(s.histories[role.CustomerID])
		t.Since, t.Reason = known(last.At), historyView{Reason: last.Detail, Cause: last.Cause}.why()
		return t, found && (last.Refused || last.Waiting) && t.Reason != ""
	case onboarding.Active:
	}
	return t, false
}

// lastRequest returns the latest history entry that is not a change by the
// vendor, and whether there is one.
func lastRequest(history []onboarding.HistoryEntry) (onboarding.HistoryEntry, bool) {
	for _, entry := range slices.Backward(history) {
		if entry.By == "" {
			return entry, true
		}
	}
	return onboarding.HistoryEntry{}, false
}
