// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/console"
)

// customers implements console.Cloud: the console acts as the admin of each
// customer's account.
type customers struct{ s *Sandbox }

var _ console.Cloud = customers{}

func (c customers) Read(query string) (console.Page, error) {
	q, err := readQuickCreate(query)
	return console.Page{Region: q.region, TemplateURL: q.templateURL, StackName: q.stackName, StackID: q.stackID, Parameters: q.parameters}, err
}

func (c customers) Preview(ctx context.Context, account string, p console.Page) (cloudformation.Preview, error) {
	principal, err := c.s.person(account, p.Region, nil)
	if err != nil {
		return cloudformation.Preview{}, err
	}
	return c.s.CloudFormation().Preview(ctx, principal, p.Region, p.TemplateURL, p.Parameters)
}

func (c customers) Launch(ctx context.Context, account string, p console.Page, acknowledged bool) (string, error) {
	q := quickCreate{region: p.Region, templateURL: p.TemplateURL, stackName: p.StackName, parameters: p.Parameters}
	return c.s.launch(ctx, q, account, LaunchOptions{Unacknowledged: !acknowledged})
}

func (c customers) PreviewUpdate(ctx context.Context, stackID, templateURL string, edited map[string]string) (cloudformation.Preview, error) {
	_, principal, err := c.s.owned(stackID, nil)
	if err != nil {
		return cloudformation.Preview{}, err
	}
	return c.s.CloudFormation().PreviewUpdate(ctx, principal, stackID, templateURL, edited)
}

func (c customers) Update(ctx context.Context, stackID, templateURL string, edited map[string]string, acknowledged bool) error {
	return c.s.UpdateStack(ctx, stackID, UpdateOptions{TemplateURL: templateURL, Parameters: edited, Unacknowledged: !acknowledged})
}

func (c customers) DeleteStack(ctx context.Context, stackID string) error {
	return c.s.DeleteStack(ctx, stackID)
}

func (c customers) Stack(stackID string) (Stack, bool) { return c.s.Stack(stackID) }
func (c customers) Stacks() []Stack                    { return c.s.Stacks() }
func (c customers) Events(stackID string) []StackEvent { return c.s.StackEvents(stackID) }
