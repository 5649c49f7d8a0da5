// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"errors"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// verify makes sure, once, that SNS has signed the message, unless the hub says
// not to; it gives a disposition where that is not sure. What was not signed is
// for a person to look at. Whether it was, nobody can say while the certificate
// cannot be had: then the message is kept, and answered in its last minute like
// in any outage, because an answer gives nothing to whoever forged a request.
//
// The hub is the one that was just read, so that the setting counts at once,
// also for a registrar that has run for years.
func (h *handling) verify(ctx context.Context, hub onboarding.Hub) *Disposition {
	if h.verified || hub.SkipSignatures {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	err := h.Verifier.Verify(limited, h.body)
	if err == nil {
		h.verified = true
		return nil
	}
	d := Disposition{}
	if errors.Is(err, phonehome.ErrForged) {
		d = h.putAside(err.Error())
	} else {
		d = h.outage(ctx, "the message's signature cannot be checked", err)
	}
	return &d
}
