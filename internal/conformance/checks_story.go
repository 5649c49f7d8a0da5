// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
)

// storyChecks test the project's own main workflow.
var storyChecks = []Check{
	{
		ID: "story", Title: "Hub, permission set, link, launch from the link's parameters, proof, update, deletion, and nothing is left",
		Place: "the whole project", Makes: "a hub, a stack, roles", run: wholeStory,
	},
	{
		ID: planner, Title: "The same with Terraform: applies, a launch from the link, a waiting role, a data source, update, deletion, destroy, and empty plans between them",
		Place: "the whole project", Makes: "a hub, a stack, a role", Needs: []Need{Engine}, run: throughTerraform,
	},
}

func wholeStory(ctx context.Context, t *trial) error {
	s, err := t.runStory(ctx)
	if err != nil {
		return err
	}
	for _, err := range s.failed {
		return instead("the workflow failed: %v", err)
	}
	return nil
}
