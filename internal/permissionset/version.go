// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// Version returns the template_version: a digest of what the role may do and of who
// may assume it. It is not a digest of the template's bytes, because a new release, a
// new Region or another wording must not make customers outdated, and because two
// spellings of the same policy are one version.
//
// Customers' stacks report the version, so attributes may only be added to its input,
// and an attribute that is empty must be omitted.
func (s Set) Version(vendor account.ID, partition account.Partition) string {
	sum := sha256.Sum256(s.versionInput(vendor, partition))
	return hex.EncodeToString(sum[:])[:16]
}

func (s Set) versionInput(vendor account.ID, partition account.Partition) []byte {
	input := object{{"vendor", vendor.String()}, {"partition", partition.String()}}
	for _, part := range []any{s.Trust, s.Role.WithDefaults(), s.Choices, s.Additions} {
		input = append(input, versioned(part)...)
	}
	return encode(input)
}

// versioned returns the attributes that are part of the version, without empty ones.
func versioned(part any) object {
	var o object
	for _, a := range Attributes(reflect.ValueOf(part)) {
		if a.Version == "" {
			continue
		}
		if value := a.canonical(); value != nil {
			o = append(o, member{a.Version, value})
		}
	}
	return o
}

// canonical returns the same form for all spellings of an attribute's value; nil if it
// is empty.
func (a Attribute) canonical() any {
	switch v := a.Value.Interface().(type) {
	case string:
		return orNil(v, v == "")
	case JSON:
		return orNil(v.canonical(), v.canonical() == "")
	case int64:
		return orNil(v, v == 0)
	case bool:
		return orNil(v, !v)
	case []string:
		return orNil(sortedSet(v), len(v) == 0)
	case map[string]string:
		return orNil(v, len(v) == 0)
	case Policies:
		return orNil(canonical(v), len(v) == 0)
	case map[string]AdditionalRole:
		return orNil(versionedRoles(v), len(v) == 0)
	case map[string]OptionalPermission:
		var o object
		for _, key := range slices.Sorted(maps.Keys(v)) {
			o = append(o, member{key, versioned(v[key])})
		}
		return orNil(o, len(o) == 0)
	}
	panic(fmt.Sprintf("attribute %s has a type that no version has yet: %s", a.Name, a.Value.Type()))
}

func orNil(v any, empty bool) any {
	if empty {
		return nil
	}
	return v
}

// canonical returns the policies, each in the same form for all of its spellings.
func canonical(policies Policies) map[string]string {
	same := make(map[string]string, len(policies))
	for name, text := range policies {
		same[name] = text // unchanged if it is not a policy: Validate reports that
		if d, err := iampolicy.ParseIdentity(text); err == nil {
			same[name] = d.Canonical()
		}
	}
	return same
}

// object is a JSON object that keeps the order of its members.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte("{")
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, encode(m.name)...), ':')
		b = append(b, encode(m.value)...)
	}
	return append(b, '}'), nil
}

// sortedSet returns a sorted copy of list without duplicates.
func sortedSet(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}
