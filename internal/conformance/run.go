// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// Limits for one check.
const (
	limit     = 20 * time.Minute
	slowLimit = 100 * time.Minute
)

// Run runs checks one after another and calls tell with each result. It ends early if
// ctx is done; then the remaining checks are not tried. It deletes nothing: see Clean.
func Run(ctx context.Context, w *World, checks []Check, version string, tell func(Result)) Report {
	report := Report{
		Version: version, Run: w.Run, Started: w.Now().UTC(), Endpoint: w.Vendor.Endpoint("sts"), Libraries: libraries(),
	}
	for _, region := range w.Regions {
		report.Regions = append(report.Regions, region.String())
	}
	for _, check := range checks {
		result := w.try(ctx, check)
		report.Results = append(report.Results, result)
		tell(result)
	}
	report.Ended = w.Now().UTC()
	return report
}

func (w *World) try(ctx context.Context, check Check) Result {
	result := Result{ID: check.ID, Title: check.Title, Place: check.Place, Started: w.Now().UTC()}
	t := &trial{World: w}
	err := w.missing(check)
	if err == nil && ctx.Err() != nil {
		err = notTried("the run was interrupted")
	}
	if err == nil {
		most := limit
		if check.Slow {
			most = slowLimit
		}
		inner, cancel := context.WithTimeout(ctx, most)
		err = safely(func() error { return check.run(inner, t) })
		cancel()
		if err != nil && errors.Is(ctx.Err(), context.Canceled) {
			err = notTried("the run was interrupted")
		}
	}
	result.Outcome, result.Seen, result.Evidence, result.Ended = outcomeOf(err), t.seen, t.evidence, w.Now().UTC()
	if err != nil {
		result.Seen = err.Error()
	}
	redact := w.redactor()
	result.Seen = redact.text(result.Seen)
	for i := range result.Evidence {
		result.Evidence[i].Raw = redact.text(result.Evidence[i].Raw)
	}
	return result
}

// safely converts a panic of one check to an error, so that the other checks still
// run.
func safely(run func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("the check panicked: %v\n%s", reason, debug.Stack())
		}
	}()
	return run()
}

// missing returns a *notTriedError that names what a check needs and the world doesn't
// have; nil if it has everything.
func (w *World) missing(check Check) error {
	var missing []string
	for _, need := range check.Needs {
		have := w.Config.Extra[need].Region != "" || w.Extra[need] != nil
		switch need {
		case TwoRegions:
			have = len(w.Regions) > 1
		case ClosedAccount:
			have = w.Closed != ""
		case Engine:
			have = w.Provider != "" && w.Terraform != ""
		}
		if !have {
			missing = append(missing, string(need))
		}
	}
	if len(missing) > 0 {
		return notTried("needs %s", strings.Join(missing, ", and "))
	}
	return nil
}
