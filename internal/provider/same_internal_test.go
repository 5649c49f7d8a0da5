// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// without returns a model without values, as the framework would read it.
func without[T any]() T {
	var model T
	all := reflect.ValueOf(&model).Elem()
	for _, field := range reflect.VisibleFields(all.Type()) {
		if !field.IsExported() {
			continue // embedded: VisibleFields returns its fields too
		}
		switch at := all.FieldByIndex(field.Index); at.Interface().(type) {
		case types.Map:
			at.Set(reflect.ValueOf(types.MapNull(types.StringType)))
		case types.Set:
			at.Set(reflect.ValueOf(types.SetNull(types.StringType)))
		case types.Object:
			at.Set(reflect.ValueOf(types.ObjectNull(map[string]attr.Type{})))
		case timeouts.Value:
			at.Set(reflect.ValueOf(timeouts.Value{Object: types.ObjectNull(map[string]attr.Type{})}))
		}
	}
	return model
}

// A model that differs in any attribute must not count as unchanged.
func TestModelsAreTheSameOnlyIfAllAttributesAre(t *testing.T) {
	t.Parallel()
	differs[linkModel](t)
	differs[roleModel](t)
}

func differs[T any](t *testing.T) {
	t.Helper()
	if !sameModel(without[T](), without[T]()) {
		t.Fatalf("two %T without values differ", without[T]())
	}
	changed := 0
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		if !field.IsExported() {
			continue
		}
		other := without[T]()
		at := reflect.ValueOf(&other).Elem().FieldByIndex(field.Index)
		switch at.Interface().(type) {
		case types.String:
			at.Set(reflect.ValueOf(types.StringValue("x")))
		case types.Bool:
			at.Set(reflect.ValueOf(types.BoolValue(true)))
		case types.Int64:
			at.Set(reflect.ValueOf(types.Int64Value(1)))
		case types.Map:
			at.Set(reflect.ValueOf(types.MapUnknown(types.StringType)))
		case types.Set:
			at.Set(reflect.ValueOf(types.SetUnknown(types.StringType)))
		default:
			continue
		}
		if sameModel(without[T](), other) {
			t.Errorf("two %T with different %s are the same", other, field.Name)
		}
		changed++
	}
	if changed < 15 {
		t.Errorf("only %d attributes of %T were changed", changed, without[T]())
	}
}
