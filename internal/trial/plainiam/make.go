// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package plainiam

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/zclconf/go-cty/cty"
)

// make creates one resource and returns the attributes that others refer to.
func (w *work) make(kind string, values map[string]cty.Value) (made cty.Value, err error) {
	text := func(name string) *string {
		if v, given := values[name]; given && !v.IsNull() {
			return aws.String(v.AsString())
		}
		return nil
	}
	made = cty.EmptyObjectVal
	switch kind {
	case "aws_iam_role":
		if err = w.makeRole(values, text); err == nil {
			made = cty.ObjectVal(map[string]cty.Value{"id": values["name"], "name": values["name"]})
		}
	case "aws_iam_role_policy":
		_, err = w.Client.PutRolePolicy(w.ctx, &iam.PutRolePolicyInput{RoleName: text("role"), PolicyName: text("name"), PolicyDocument: text("policy")})
	case "aws_iam_policy":
		var out *iam.CreatePolicyOutput
		out, err = w.Client.CreatePolicy(w.ctx, &iam.CreatePolicyInput{PolicyName: aws.String(*text("name_prefix") + "1"), Path: text("path"), PolicyDocument: text("policy")})
		if err == nil {
			made = cty.ObjectVal(map[string]cty.Value{"arn": cty.StringVal(*out.Policy.Arn)})
		}
	case "aws_iam_role_policy_attachment":
		_, err = w.Client.AttachRolePolicy(w.ctx, &iam.AttachRolePolicyInput{RoleName: text("role"), PolicyArn: text("policy_arn")})
	default:
		err = fmt.Errorf("it is not known here")
	}
	return made, err
}

func (w *work) makeRole(values map[string]cty.Value, text func(string) *string) error {
	input := &iam.CreateRoleInput{
		RoleName: text("name"), Path: text("path"), Description: text("description"),
		AssumeRolePolicyDocument: text("assume_role_policy"), PermissionsBoundary: text("permissions_boundary"),
	}
	if v, given := values["max_session_duration"]; given {
		seconds, _ := v.AsBigFloat().Int64()
		input.MaxSessionDuration = aws.Int32(int32(seconds))
	}
	if v, given := values["tags"]; given {
		for key, value := range v.AsValueMap() {
			input.Tags = append(input.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value.AsString())})
		}
	}
	_, err := w.Client.CreateRole(w.ctx, input)
	return err
}
