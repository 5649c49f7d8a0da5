// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

var _ function.Function = (*trustPolicyFunction)(nil)

// trustPolicyFunction returns the trust policy of the provider's templates, for roles
// that none of its stacks creates.
type trustPolicyFunction struct{}

func newTrustPolicyFunction() function.Function { return trustPolicyFunction{} }

func (trustPolicyFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "trust_policy"
}

func (trustPolicyFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The trust policy of a customer's role",
		MarkdownDescription: "The trust policy that a customer's role needs, as JSON: the vendor's account may assume it with the external ID, and if roles are named, only they may. " +
			"Templates have the same policy; use it if a customer creates the role by other means.",
		Parameters: []function.Parameter{
			function.StringParameter{Name: "vendor_account_id", MarkdownDescription: "The vendor's AWS account, such as `xacct_hub.this.account_id`."},
			function.StringParameter{Name: "region", MarkdownDescription: "Any Region of the vendor, such as `xacct_hub.this.region`: it determines the partition of the ARNs (`aws`, `aws-us-gov`, `aws-cn`, `aws-eusc`)."},
			function.StringParameter{Name: "external_id", MarkdownDescription: "External ID that the role requires."},
		},
		VariadicParameter: function.StringParameter{
			Name:                "trusted_principal_arns",
			MarkdownDescription: "Full ARNs of the vendor's roles that may assume it; if none are given, all principals that the vendor's account allows.",
		},
		Return: function.StringReturn{},
	}
}

func (trustPolicyFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var vendorID, regionName, externalIDText string
	var arns []string
	if resp.Error = req.Arguments.Get(ctx, &vendorID, &regionName, &externalIDText, &arns); resp.Error != nil {
		return
	}
	vendor, err := account.ParseID(vendorID)
	region, regionErr := account.ParseRegion(regionName)
	external, externalErr := account.ParseExternalID(externalIDText)
	for i, err := range []error{err, regionErr, externalErr} {
		if err != nil {
			resp.Error = function.NewArgumentFuncError(int64(i), err.Error())
			return
		}
	}
	var principals []account.RoleARN
	for i, arn := range arns {
		if err := validRoleARN().find(arn); err != nil {
			resp.Error = function.NewArgumentFuncError(int64(3+i), err.Error())
			return
		}
		role, _ := account.ParseRoleARN(arn) // the caller has parsed it already
		if role.Account != vendor || role.Partition != region.Partition() {
			resp.Error = function.NewArgumentFuncError(int64(3+i), fmt.Sprintf(
				"Role %s is not one of the vendor's account %s in partition %s, and could never assume the role", arn, vendor, region.Partition()))
			return
		}
		principals = append(principals, role)
	}
	resp.Error = resp.Result.Set(ctx, iampolicy.Trust{
		Partition: region.Partition(), Accounts: []account.ID{vendor}, Principals: principals,
	}.Document(external.String()).String())
}
