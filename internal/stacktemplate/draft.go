// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

// draft is a template that is being built. Its resources are goformation's types. The
// sections around them are not, because goformation's package for sections imports the
// types of all CloudFormation resources, and decodes any of them. A program that links
// this package contains them all: they were a third of the provider's size.
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

// parameter is a value that the customer enters, or that a link fills in.
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

// output is a value that the stack reports.
type output struct {
	Value       any
	Description *string `json:",omitempty"`
	Condition   *string `json:",omitempty"`
}

// resource is one of goformation's resource types, or a customResource.
type resource interface{ AWSCloudFormationType() string }

// customResource is a custom resource, which the vendor's registrar answers.
type customResource struct {
	Type       string
	Properties map[string]any
	DependsOn  []string `json:",omitempty"`
}

// AWSCloudFormationType returns the type of the resource.
func (r *customResource) AWSCloudFormationType() string { return r.Type }

// newDraft returns an empty template.
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
