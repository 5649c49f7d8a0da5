// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

//go:embed testdata/forged.yaml
var forgedTable []byte

// forgery is one forged or broken message: how it is built from what the forger
// knows, and its expected outcome. The table's head explains the fields.
type forgery struct {
	Name       string         `json:"name"`
	About      string         `json:"about"`
	Type       string         `json:"type"`
	Topic      string         `json:"topic"`
	With       known          `json:"with"`
	URL        string         `json:"url"`
	Set        map[string]any `json:"set"`
	Properties map[string]any `json:"properties"`
	Text       *string        `json:"text"`
	Replace    [][2]string    `json:"replace"`
	Cut        int            `json:"cut"`
	Pad        int            `json:"pad"`
	Depth      int            `json:"depth"`
	Envelope   map[string]any `json:"envelope"`
	Raw        bool           `json:"raw"`
	Fate       string         `json:"fate"`
	Says       string         `json:"says"`
}

// The customers that a forgery may be about.
const (
	aboutLive    = "live"
	aboutRacing  = "racing"
	aboutInvited = "invited"
	aboutOwn     = "own"
	aboutReplay  = "replay"
)

// The possible outcomes of a forgery.
const (
	fateUnsent   = "unsent"   // SNS refuses it
	fateDead     = "dead"     // it goes to the dead-letter queue
	fateRefused  = "refused"  // CloudFormation's bucket refuses the answer
	fateAnswered = "answered" // the bucket accepts it: the URL was the forger's own
)

// forgeries parses the table.
func forgeries() ([]forgery, error) {
	var table []forgery
	if err := yaml.UnmarshalStrict(forgedTable, &table); err != nil {
		return nil, fmt.Errorf("read the table of forgeries: %w", err)
	}
	names := map[string]bool{}
	for i := range table {
		f := &table[i]
		if f.About == "" {
			f.About = aboutLive
		}
		if f.Type == "" {
			f.Type = "Create"
		}
		switch {
		case f.Name == "" || names[f.Name]:
			return nil, fmt.Errorf("forgery %d has no unique name: %q", i+1, f.Name)
		case !slices.Contains([]string{aboutLive, aboutRacing, aboutInvited, aboutOwn, aboutReplay}, f.About):
			return nil, fmt.Errorf("forgery %q is about %q, which is not a known customer", f.Name, f.About)
		case !slices.Contains([]string{fateUnsent, fateDead, fateRefused, fateAnswered}, f.Fate):
			return nil, fmt.Errorf("forgery %q has the unknown fate %q", f.Name, f.Fate)
		}
		names[f.Name] = true
	}
	return table, nil
}

// known has the values that the forger knows, by the words that the table has in
// braces.
type known map[string]string

func (k known) expand(v any) any {
	switch v := v.(type) {
	case string:
		pairs := make([]string, 0, 2*len(k))
		for name, value := range k {
			pairs = append(pairs, "{"+name+"}", value)
		}
		return strings.NewReplacer(pairs...).Replace(v)
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = k.expand(v[i])
		}
		return all
	case map[string]any:
		all := make(map[string]any, len(v))
		for name := range v {
			all[name] = k.expand(v[name])
		}
		return all
	}
	return v
}

func (k known) text(s string) string { return k.expand(s).(string) }

// request returns a request that looks genuine, from which a forgery is built.
func (k known) request(kind string) map[string]any {
	properties := map[string]any{
		"ServiceToken": k["topic"], "ServiceTimeout": "900", "Hub": Hub, "ExternalId": k["external"],
		"RoleArn": k["role"], "TemplateVersion": k["version"],
	}
	request := map[string]any{
		"RequestType": kind, "ServiceToken": k["topic"], "ServiceTimeout": "900", "ResponseURL": k["url"],
		"StackId": k["stack"], "RequestId": k["request"], "LogicalResourceId": k["logical"],
		"ResourceType": "Custom::XacctPhoneHome", "ResourceProperties": properties,
	}
	if kind != "Create" {
		request["PhysicalResourceId"] = k["physical"]
	}
	if kind == "Update" {
		request["OldResourceProperties"] = properties
	}
	return request
}

// message returns the forged message.
func (f forgery) message(k known) (string, error) {
	if f.Text != nil {
		return k.text(*f.Text), nil
	}
	request := k.request(f.Type)
	if f.URL != "" {
		request["ResponseURL"] = k.text(f.URL)
	}
	merge(request["ResourceProperties"].(map[string]any), k.expand(f.Properties).(map[string]any))
	if f.Pad > 0 {
		request["Padding"] = strings.Repeat("x", f.Pad)
	}
	merge(request, k.expand(f.Set).(map[string]any))
	text, err := encodeJSON(request)
	if err != nil {
		return "", err
	}
	if f.Depth > 0 { // deeper than encoding/json would write
		text = `{"Depth":` + strings.Repeat("[", f.Depth) + strings.Repeat("]", f.Depth) + "," + text[1:]
	}
	for _, pair := range f.Replace {
		changed := strings.Replace(text, k.text(pair[0]), k.text(pair[1]), 1)
		if changed == text {
			return "", fmt.Errorf("forgery %q: there is no %q to replace in %s", f.Name, k.text(pair[0]), text)
		}
		text = changed
	}
	if f.Cut > 0 {
		text = text[:len(text)*f.Cut/100]
	}
	if text == "" {
		return "", errors.New("the message is empty")
	}
	return text, nil
}

// merge sets fields; null removes a field.
func merge(into, members map[string]any) {
	for name, value := range members {
		if value == nil {
			delete(into, name)
			continue
		}
		into[name] = value
	}
}

// encodeJSON returns a value as JSON, without escapes of "&", which is in the table's
// texts.
func encodeJSON(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimRight(b.String(), "\n"), err
}
