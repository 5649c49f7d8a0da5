// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// Differs returns the name of the first attribute in which two values of one type do
// not mean the same, such as role.tags; empty if they mean the same. It ignores the
// order of a list and the spelling of a policy.
func Differs(a, b any) string {
	return differs(reflect.ValueOf(a), reflect.ValueOf(b))
}

func differs(a, b reflect.Value) string {
	others := Attributes(b)
	for i, x := range Attributes(a) {
		y := others[i]
		if x.Value.Kind() == reflect.Struct {
			if inner := differs(x.Value, y.Value); inner != "" {
				return x.Name + "." + inner
			}
		} else if !same(x.Value.Interface(), y.Value.Interface()) {
			return x.Name
		}
	}
	return ""
}

func same(a, b any) bool {
	switch a := a.(type) {
	case string, int64, bool:
		return a == b
	case JSON:
		return a.canonical() == b.(JSON).canonical()
	case []string:
		return sameElements(a, b.([]string))
	case Policies:
		return samePolicies(a, b.(Policies))
	case map[string]string:
		return maps.Equal(a, b.(map[string]string))
	case *string:
		other := b.(*string)
		return a == other || a != nil && other != nil && *a == *other
	case map[string]CustomerParameter:
		return maps.EqualFunc(a, b.(map[string]CustomerParameter), func(x, y CustomerParameter) bool { return Differs(x, y) == "" })
	case map[string]AdditionalRole:
		return maps.EqualFunc(a, b.(map[string]AdditionalRole), sameAdditional)
	case map[string]OptionalPermission:
		return maps.EqualFunc(a, b.(map[string]OptionalPermission), func(x, y OptionalPermission) bool { return Differs(x, y) == "" })
	}
	panic(fmt.Sprintf("no two values of type %T are compared yet", a))
}

func sameElements(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func samePolicies(a, b Policies) bool {
	return maps.EqualFunc(a, b, func(x, y string) bool {
		same, err := iampolicy.Equivalent(x, y)
		return err == nil && same
	})
}

// SameWording reports whether customers read the same about their decisions: the
// switches have the same initial positions and texts, and the same values are
// requested. This is not part of the version, because no granted permission depends on
// it.
func (c Choices) SameWording(o Choices) bool {
	return same(c.CustomerParameters, o.CustomerParameters) && same(c.CustomerChooses, o.CustomerChooses) && maps.EqualFunc(c.OptionalPermissions, o.OptionalPermissions, func(a, b OptionalPermission) bool {
		return a.Description == b.Description && a.DefaultEnabled == b.DefaultEnabled
	})
}
