// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/attr"
)

// sameModel reports whether all values of two models are equal. It takes a fraction of
// the time that the framework takes to write a model to a state or a plan, and most
// reads and plans change nothing.
func sameModel[T any](one, other T) bool {
	return sameFields(reflect.ValueOf(one), reflect.ValueOf(other))
}

func sameFields(one, other reflect.Value) bool {
	for i := range one.NumField() {
		a, b := one.Field(i), other.Field(i)
		if !a.CanInterface() { // embedded attributes, which resources share
			if !sameFields(a, b) {
				return false
			}
			continue
		}
		if !a.Interface().(attr.Value).Equal(b.Interface().(attr.Value)) {
			return false
		}
	}
	return true
}
