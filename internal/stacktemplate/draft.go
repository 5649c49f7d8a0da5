// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

// A draft is a template in the making. Its resources are goformation's types. The
// sections around them are not: goformation's package of sections imports the
// types of every resource that CloudFormation has, and decodes any of them, so a
// program with it carries them all, a third of what the provider was.
type draft struct {
	AWSTemplateFormatVersion string
	Description              string         `json:",omitempty"`
	Metadata                 map[string]any `json:",omitempty"`
	Parameters               parameterMap   `json:",omitempty"`
	Mappings                 map[string]any `json:",omitempty"`
	Conditions               map[string]any `json:",omitempty"`
	Resources                resourceMap    `json:",omitempty"`
	Outputs                  outputMap      `json:",omitempty"`
}

type (
	parameterMap map[string]parameter
	resourceMap  map[string]resource
	outputMap    map[string]output
)

// parameter is what a customer is asked for, or a link fills in.
type parameter struct {
	Type                  string
	Description           *string `json:",omitempty"`
	Default               any     `json:",omitempty"`
	AllowedPattern        *string `json:",omitempty"`
	AllowedValues         []any   `json:",omitempty"`
	ConstraintDescription *string `json:",omitempty"`
	MaxLength             *int    `json:",omitempty"`
	MinLength             *int    `json:",omitempty"`
}

// output is a value that the stack shows.
type output struct {
	Value       any
	Description *string `json:",omitempty"`
	Condition   *string `json:",omitempty"`
}

// resource is any of goformation's, or a customResource.
type resource interface{ AWSCloudFormationType() string }

// customResource is one that a program of the vendor's answers.
type customResource struct {
	Type       string
	Properties map[string]any
	DependsOn  []string `json:",omitempty"`
}

// AWSCloudFormationType returns the type of the resource.
func (r *customResource) AWSCloudFormationType() string { return r.Type }

// newDraft returns a template without anything in it.
func newDraft() *draft {
	return &draft{
		AWSTemplateFormatVersion: "2010-09-09",
		Metadata:                 map[string]any{},
		Parameters:               parameterMap{},
		Mappings:                 map[string]any{},
		Conditions:               map[string]any{},
		Resources:                resourceMap{},
		Outputs:                  outputMap{},
	}
}
