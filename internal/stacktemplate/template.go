// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Template is a rendered template. The same specification always renders to the same
// bytes.
type Template struct{ body []byte }

// Render returns the template of a specification. If the specification is invalid, the
// error contains a permissionset.FieldError for each mistake.
func Render(s Specification) (Template, error) {
	if problems := Validate(s); len(problems) > 0 {
		errs := make([]error, len(problems))
		for i, p := range problems {
			errs[i] = p
		}
		return Template{}, errors.Join(errs...)
	}
	sections, err := build(s)
	if err != nil {
		return Template{}, fmt.Errorf("render the template of hub %s: %w", s.Hub, err)
	}
	return encode(sections)
}

func encode(s sections) (Template, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return Template{}, fmt.Errorf("encode the template: %w", err)
	}
	return Template{body: b.Bytes()}, nil
}

// sections are the sections of a template, in the order for readers.
type sections struct {
	AWSTemplateFormatVersion any
	Description              any
	Metadata                 any `json:",omitempty"`
	Parameters               any `json:",omitempty"`
	Rules                    any `json:",omitempty"`
	Mappings                 any `json:",omitempty"`
	Conditions               any `json:",omitempty"`
	Resources                any
	Outputs                  any `json:",omitempty"`
}

// JSON returns the template as it is published.
func (t Template) JSON() []byte { return bytes.Clone(t.body) }

// YAML returns the same template as YAML, which is easier to read.
func (t Template) YAML() ([]byte, error) {
	var raw struct {
		AWSTemplateFormatVersion, Description, Metadata, Parameters json.RawMessage
		Rules, Mappings, Conditions, Resources, Outputs             json.RawMessage
	}
	if err := json.Unmarshal(t.body, &raw); err != nil {
		return nil, fmt.Errorf("decode the template: %w", err)
	}
	var b bytes.Buffer
	for _, section := range []struct {
		name string
		body json.RawMessage
	}{
		{"AWSTemplateFormatVersion", raw.AWSTemplateFormatVersion}, {"Description", raw.Description},
		{"Metadata", raw.Metadata}, {"Parameters", raw.Parameters}, {"Rules", raw.Rules},
		{"Mappings", raw.Mappings}, {"Conditions", raw.Conditions}, {"Resources", raw.Resources}, {"Outputs", raw.Outputs},
	} {
		if section.body == nil {
			continue
		}
		text, err := json.Marshal(map[string]json.RawMessage{section.name: section.body})
		if err != nil {
			return nil, fmt.Errorf("encode section %s as YAML: %w", section.name, err)
		}
		if text, err = yaml.JSONToYAML(text); err != nil {
			return nil, fmt.Errorf("encode section %s as YAML: %w", section.name, err)
		}
		b.Write(text)
	}
	return b.Bytes(), nil
}

// LinkParameters returns the parameters, in addition to those of every template, that
// a link fills in, that the customer has to enter, or that decide which role is
// expected, sorted by name. See onboarding.Link.TemplateParameters.
func (t Template) LinkParameters() []string {
	var raw struct {
		Parameters map[string]struct{ Default *string }
	}
	_ = json.Unmarshal(t.body, &raw) // the package's own JSON
	var names []string
	for _, name := range sortedKeys(raw.Parameters) {
		typed := strings.HasPrefix(name, permissionset.InputPrefix) && raw.Parameters[name].Default == nil
		if typed || name == ParameterExpectedAccountID || name == ParameterPreviousExternalID || name == ParameterRolePath {
			names = append(names, name)
		}
	}
	return names
}

// Digest returns the SHA-256 hash of the JSON, from which the object's key in the
// bucket is made.
func (t Template) Digest() string {
	sum := sha256.Sum256(t.body)
	return hex.EncodeToString(sum[:])
}

// ObjectKey returns the key of the template in the hub's bucket. Because it contains
// the hash of the content, the template at a link's address can't change (aws-facts
// 4.4).
func (t Template) ObjectKey() string { return iampolicy.TemplatePrefix + t.Digest() + ".json" }
