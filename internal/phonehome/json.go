// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// decodeObject decodes exactly one JSON object. It is stricter than encoding/json:
// names are case-sensitive, and a duplicate name is an error. Some parsers take the
// first duplicate and others the last, so a service that has filtered, signed or
// logged the message before could have seen a different request.
func decodeObject(body []byte) (map[string]any, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("it is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	value, err := decodeValue(decoder, 0)
	if err != nil {
		return nil, jsonError(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("unexpected data after the JSON object")
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("it is not a JSON object")
	}
	return object, nil
}

// maxDepth is the maximum nesting of values: far more than a request needs, and far
// less than the goroutine's stack allows.
const maxDepth = 64

func decodeValue(decoder *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d", maxDepth)
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return decodeMembers(decoder, depth)
	case json.Delim('['):
		return decodeItems(decoder, depth)
	}
	return token, nil
}

func decodeMembers(decoder *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // Token returns only strings between members
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("duplicate name %q in an object", clip(name))
		}
		if object[name], err = decodeValue(decoder, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token() // the closing brace
	return object, err
}

func decodeItems(decoder *json.Decoder, depth int) (any, error) {
	items := []any{}
	for decoder.More() {
		item, err := decodeValue(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := decoder.Token() // the closing bracket
	return items, err
}

func jsonError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early: it was truncated")
	}
	return err
}
