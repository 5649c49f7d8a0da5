// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// completion returns the candidates with which a shell may complete a word. A
// shell can call it on every keystroke, so it stops after completionTimeout,
// and returns no candidates if there is an error.
type completion = func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective)

// completionTimeout limits how long the AWS calls of a completion may take.
const completionTimeout = 3 * time.Second

// maxCompletions is the maximum number of candidates.
const maxCompletions = 200

// completeFlag registers the completion of a flag's values. It panics if the
// command does not have the flag.
func completeFlag(cmd *cobra.Command, flag string, with completion) {
	if err := cmd.RegisterFlagCompletionFunc(flag, with); err != nil {
		panic(fmt.Sprintf("%s: %v", cmd.Name(), err)) // the command has no such flag
	}
}

// completeValues registers the values that a flag may have as its completion.
func completeValues(cmd *cobra.Command, flag string, values ...string) {
	completeFlag(cmd, flag, completeList(values))
}

// completeList returns the completion of one of values, or of the last one in a
// comma-separated list.
func completeList(values []string) completion {
	return func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		before := word[:strings.LastIndex(word, ",")+1]
		found := beginningWith(values, word[len(before):])
		for i := range found {
			found[i] = before + found[i]
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeRegions completes the name of an AWS Region.
func completeRegions(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	return completeList(account.KnownRegions())(nil, nil, word)
}

// onlyFirst returns a completion for the first argument only.
func onlyFirst(with completion) completion {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return with(cmd, args, word)
	}
}

// completeCustomers returns the completion of customer IDs, with the status of
// the link as their description.
func (f *hubFlags) completeCustomers(p process) completion {
	return func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		before := word[:strings.LastIndex(word, ",")+1] // earlier values of a list
		found := f.customersFor(cmd.Context(), p, word[len(before):])
		for i := range found {
			found[i] = before + found[i]
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeLinks returns the completion of HUB/CUSTOMER.
func (f *hubFlags) completeLinks(p process) completion {
	return func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		on, prefix := *f, ""
		if name, customer, ok := strings.Cut(word, "/"); ok {
			on.hub, word, prefix = name, customer, name+"/"
		}
		found := on.customersFor(cmd.Context(), p, word)
		for i := range found {
			found[i] = prefix + found[i]
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

func (f *hubFlags) customersFor(ctx context.Context, p process, word string) []string {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	in, err := f.open(ctx, p, 1)
	if err != nil {
		return nil
	}
	customers, err := in.records.Customers(ctx)
	if err != nil {
		return nil
	}
	var words []string
	for _, c := range customers {
		if status := c.Link.Status(p.clock()); status != onboarding.LinkClosed {
			words = append(words, c.Link.CustomerID+"\t"+string(status))
		}
	}
	return beginningWith(words, word)
}

// beginningWith returns the words that have the prefix begin, at most
// maxCompletions.
func beginningWith(words []string, begin string) []string {
	var found []string
	for _, word := range words {
		if strings.HasPrefix(word, begin) && len(found) < maxCompletions {
			found = append(found, word)
		}
	}
	return found
}

// completeSets returns the completion of the names of the hub's permission
// sets.
func (f *hubFlags) completeSets(p process) completion {
	return func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		in, err := f.open(ctx, p, 1)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list, err := in.records.PermissionSets(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, set := range list {
			if !set.Retired() {
				names = append(names, set.Name)
			}
		}
		return beginningWith(names, word), cobra.ShellCompDirectiveNoFileComp
	}
}
