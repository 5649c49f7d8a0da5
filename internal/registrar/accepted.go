// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"reflect"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// acceptances remember which answers CloudFormation has taken that are not
// committed yet, because the registry can't be reached. When it is back, the
// address of the answer may have run out, and then nothing else can tell. A
// registrar that restarts has forgotten: that is what onboarding.Settle has
// its late rules for.
type acceptances struct {
	mu    sync.Mutex
	taken map[string]phonehome.Response
}

// remember records that an answer was taken.
func (a *acceptances) remember(request string, response phonehome.Response) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.taken == nil {
		a.taken = map[string]phonehome.Response{}
	}
	if _, known := a.taken[request]; !known && len(a.taken) < mostRemembered {
		a.taken[request] = response
	}
}

// has reports whether just this answer was taken.
func (a *acceptances) has(request string, response phonehome.Response) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken, known := a.taken[request]
	return known && reflect.DeepEqual(taken, response)
}

func (a *acceptances) forget(request string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.taken, request)
}
