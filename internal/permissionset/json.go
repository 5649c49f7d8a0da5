// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"bytes"
	"encoding/json"
)

// Decode decodes JSON into maps, lists, strings, booleans and nulls; numbers keep
// their spelling, as json.Number.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// encode returns v as JSON without the escapes for HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings, numbers, and lists and maps of them can always be encoded
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
