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

// completion returns what a shell may complete a word with. It is asked on every
// press of a key, so it gives up soon, and ignores errors.
type completion = func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective)

// completionPatience is how long a person waits for a completion.
const completionPatience = 3 * time.Second

// mostCompletions is how many words a shell is given to choose from.
const mostCompletions = 200

// completeFlag makes a flag's values completed.
func completeFlag(cmd *cobra.Command, flag string, with completion) {
	if err := cmd.RegisterFlagCompletionFunc(flag, with); err != nil {
		panic(fmt.Sprintf("%s: %v", cmd.Name(), err)) // the flag was not added before
	}
}

// completeValues completes the values that a flag may have.
func completeValues(cmd *cobra.Command, flag string, values ...string) {
	completeFlag(cmd, flag, completeList(values))
}

// completeList completes a value, or the last one of several with commas between.
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

// onlyFirst completes the first argument, and nothing after it.
func onlyFirst(with completion) completion {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return with(cmd, args, word)
	}
}

// completeCustomers completes the ID of a customer of the hub, with the state of
// the link beside it.
func (f *hubFlags) completeCustomers(p process) completion {
	return func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		before := word[:strings.LastIndex(word, ",")+1] // of a flag that takes several
		found := f.customersFor(cmd.Context(), p, word[len(before):])
		for i := range found {
			found[i] = before + found[i]
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeLinks completes HUB/CUSTOMER.
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
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
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

// beginningWith returns the words that begin with another one, up to a number
// that a person can choose from.
func beginningWith(words []string, begin string) []string {
	var found []string
	for _, word := range words {
		if strings.HasPrefix(word, begin) && len(found) < mostCompletions {
			found = append(found, word)
		}
	}
	return found
}

// completeSets completes the name of a permission set of the hub.
func (f *hubFlags) completeSets(p process) completion {
	return func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
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
