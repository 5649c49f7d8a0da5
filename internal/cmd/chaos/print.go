// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/s3"
)

// print prints the figures, with the promises beside them.
func (r *report) print(out io.Writer) {
	seconds := r.took.Seconds()
	asked := r.asked["Create"] + r.asked["Update"] + r.asked["Delete"]
	fmt.Fprintf(out, "\n%d stacks were launched: %d connected, %d correctly refused, %d cancelled part-way, %d second ones beside a connected one.\n",
		r.launched, r.done.connected, r.done.refused, r.done.cancelled, r.done.second)
	fmt.Fprintf(out, "%d updates were accepted, %d correctly refused; %d connected stacks were deleted, %d of them without a message.\n",
		r.done.updated, r.done.refusedUpdates, r.done.deleted+r.done.forgotten, r.done.forgotten)
	fmt.Fprintf(out, "CloudFormation asked %d times (%d Create, %d Update, %d Delete), got %d answers and %d repeated ones, through %d SIGKILLs.\n",
		asked, r.asked["Create"], r.asked["Update"], r.asked["Delete"], r.answered, r.again, r.kills)
	fmt.Fprintf(out, "Its buckets refused right answers %d times with %s, %d times with %s and %d times with %s.\n\n",
		r.refusals[s3.RequestTimeout], s3.RequestTimeout, r.refusals[s3.OperationAborted], s3.OperationAborted, r.refusals[s3.AccessDenied], s3.AccessDenied)

	for _, promise := range []struct {
		broken []string
		what   string
	}{
		{r.lost, "lost"},
		{r.wrong, "wrong registrations"},
		{r.stuck, "stuck stacks"},
		{r.different, "double answers with different content"},
		{r.faulty, "valid requests refused, or invalid ones accepted"},
	} {
		fmt.Fprintf(out, "%6d  %s\n", len(promise.broken), promise.what)
	}

	fmt.Fprintf(out, "\n%s, %.1f stacks and %.1f answers a second\n", r.took.Round(time.Second), float64(r.launched)/seconds, float64(r.answered)/seconds)
	fmt.Fprintf(out, "From message to answer, with up to %s of delay between topic and queue:\n", r.delay)
	percentiles(out, "by the customers' clock", r.latencies, time.Second)
	percentiles(out, "by the machine's clock", r.machine, time.Millisecond)
	fmt.Fprintf(out, "The slowest was %s\n", r.slowest)
}

func percentiles(out io.Writer, clock string, sorted []time.Duration, unit time.Duration) {
	fmt.Fprintf(out, "  %-23s", clock)
	for _, p := range []struct {
		name  string
		share float64
	}{{"median", 0.5}, {"95 %", 0.95}, {"99 %", 0.99}, {"99.9 %", 0.999}, {"longest", 1}} {
		fmt.Fprintf(out, "  %s %s", p.name, percentile(sorted, p.share).Round(unit))
	}
	fmt.Fprintln(out)
}
