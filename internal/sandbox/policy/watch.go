// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import "strings"

// Decision is one decision of the evaluator. The journal shows which calls were
// made; decisions show which permissions the calls needed. A transaction, or the
// creation of a table with tags, needs several, whose names differ from the
// call's.
type Decision struct {
	Principal string // ARN, a service's name, or "anonymous"
	Action    string // "sns:Publish", with the service in lower case
	Resource  string // ARN
	// Denied is the reason for a denial, in AWS's words, or "" for an allow.
	Denied string
	// ByIdentity means that the caller's own identity policies are the reason
	// for the denial.
	ByIdentity bool
}

// Watch passes every decision to watcher until stop is called. The watcher must
// not call AWS: services hold their locks while it runs.
func (e *Evaluator) Watch(watcher func(Decision)) (stop func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.watchers == nil {
		e.watchers = map[int]func(Decision){}
	}
	e.last++
	id := e.last
	e.watchers[id] = watcher
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.watchers, id)
	}
}

func (e *Evaluator) notify(q *question, v verdict) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	action := permission(q.Action)
	for _, watcher := range e.watchers {
		watcher(Decision{
			Principal: q.caller(), Action: action, Resource: q.Resource,
			Denied:     strings.ReplaceAll(string(v), "ACTION", action),
			ByIdentity: v == noIdentityAllow || v == deniedByIdentity,
		})
	}
}

// permission returns an action with its service in lower case: SNS writes its
// own in capitals, and policies ignore the case.
func permission(action string) string {
	service, name, _ := strings.Cut(action, ":")
	return strings.ToLower(service) + ":" + name
}
