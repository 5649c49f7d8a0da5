// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package account

import "encoding"

// Every value is encoded as its text, in JSON and elsewhere. Decoding parses
// the text again; an empty text gives the zero value.
var (
	_ encoding.TextUnmarshaler = (*ID)(nil)
	_ encoding.TextUnmarshaler = (*ExternalID)(nil)
	_ encoding.TextUnmarshaler = (*OrganizationID)(nil)
	_ encoding.TextUnmarshaler = (*Partition)(nil)
	_ encoding.TextUnmarshaler = (*Region)(nil)
	_ encoding.TextUnmarshaler = (*RoleARN)(nil)
	_ encoding.TextUnmarshaler = (*TopicARN)(nil)
	_ encoding.TextUnmarshaler = (*StackARN)(nil)
)

func (id ID) MarshalText() ([]byte, error)            { return []byte(id.String()), nil }
func (e ExternalID) MarshalText() ([]byte, error)     { return []byte(e.String()), nil }
func (o OrganizationID) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
func (p Partition) MarshalText() ([]byte, error)      { return []byte(p.String()), nil }
func (r Region) MarshalText() ([]byte, error)         { return []byte(r.String()), nil }
func (r RoleARN) MarshalText() ([]byte, error)        { return []byte(r.String()), nil }
func (t TopicARN) MarshalText() ([]byte, error)       { return []byte(t.String()), nil }
func (s StackARN) MarshalText() ([]byte, error)       { return []byte(s.String()), nil }

func (id *ID) UnmarshalText(text []byte) error        { return unmarshal(id, text, ParseID) }
func (e *ExternalID) UnmarshalText(text []byte) error { return unmarshal(e, text, ParseExternalID) }
func (o *OrganizationID) UnmarshalText(text []byte) error {
	return unmarshal(o, text, ParseOrganizationID)
}
func (p *Partition) UnmarshalText(text []byte) error { return unmarshal(p, text, ParsePartition) }
func (r *Region) UnmarshalText(text []byte) error    { return unmarshal(r, text, ParseRegion) }
func (r *RoleARN) UnmarshalText(text []byte) error   { return unmarshal(r, text, ParseRoleARN) }
func (t *TopicARN) UnmarshalText(text []byte) error  { return unmarshal(t, text, ParseTopicARN) }
func (s *StackARN) UnmarshalText(text []byte) error  { return unmarshal(s, text, ParseStackARN) }

func unmarshal[T any](target *T, text []byte, parse func(string) (T, error)) error {
	if len(text) == 0 {
		var zero T
		*target = zero
		return nil
	}
	value, err := parse(string(text))
	if err != nil {
		return err
	}
	*target = value
	return nil
}
