// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"reflect"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// acceptances remembers the answers that CloudFormation has accepted and that are not
// committed yet, because the registry is unavailable. When the registry is available
// again, the URL of the answer may have expired, so that sending it again no longer
// shows that it was accepted. A registrar that restarts loses this memory;
// onboarding.Settle has rules for late answers for that case.
type acceptances struct {
	mu        sync.Mutex
	responses map[string]phonehome.Response
}

// remember records that an answer was accepted.
func (a *acceptances) remember(request string, response phonehome.Response) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.responses == nil {
		a.responses = map[string]phonehome.Response{}
	}
	if _, known := a.responses[request]; !known && len(a.responses) < maxRemembered {
		a.responses[request] = response
	}
}

// has reports whether exactly this answer was accepted.
func (a *acceptances) has(request string, response phonehome.Response) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken, known := a.responses[request]
	return known && reflect.DeepEqual(taken, response)
}

// forget removes the answer of a request that is finished.
func (a *acceptances) forget(request string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.responses, request)
}
