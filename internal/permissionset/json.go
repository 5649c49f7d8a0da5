// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"bytes"
	"encoding/json"
)

// Decode reads JSON into maps, lists, texts, booleans and nulls; numbers stay as
// they were written.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// encode is JSON without the escapes that HTML needs.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // texts, numbers, lists and maps of them cannot fail
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
