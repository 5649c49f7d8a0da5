// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package attr

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func number(t *testing.T, s string) Number {
	t.Helper()
	n, err := ParseNumber(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestANumberIsFormattedWithoutExponent(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "0.00": "0", "007": "7", "+1": "1", "1.0": "1", "-12.50": "-12.5", ".5": "0.5", "5.": "5",
		"1E3": "1000", "1e-3": "0.001", "1.5E+2": "150", "12345678901234567890123456789012345678": "12345678901234567890123456789012345678",
		"0.00000000000000000000000000000000000001": "0.00000000000000000000000000000000000001",
		"1E125": "1" + strings.Repeat("0", 125), "100000000000000000000000000000000000000000": "1" + strings.Repeat("0", 41),
	} {
		if got := number(t, in).String(); got != want {
			t.Errorf("%s is formatted as %s, want %s", in, got, want)
		}
	}
}

func TestAnInvalidNumberIsRefused(t *testing.T) {
	for _, in := range []string{
		"", " ", "-", "+", ".", "e5", "1e", "1e1.5", "--1", "1-", "0x10", "1_000", "NaN", "Infinity", "１",
		"1E126", "1E-131", strings.Repeat("9", 39), "1." + strings.Repeat("0", 37) + "1", "1E999999999999999999", strings.Repeat("0", 2000),
	} {
		n, err := ParseNumber(in)
		var bad InvalidError
		if !errors.As(err, &bad) {
			t.Errorf("%q was accepted as %s", in, n)
		}
	}
}

// decimal draws a number with up to 15 digits, so that sums still fit.
func decimal(t *rapid.T, label string) string {
	return rapid.StringMatching(`-?[0-9]{1,10}(\.[0-9]{1,5})?`).Draw(t, label)
}

func TestSumsAndOrderAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimal(t, "a"), decimal(t, "b")
		n, err := ParseNumber(a)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ParseNumber(b)
		if err != nil {
			t.Fatal(err)
		}
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		for _, c := range []struct {
			got  func(Number) (Number, error)
			want *big.Rat
		}{{n.Add, new(big.Rat).Add(x, y)}, {n.Sub, new(big.Rat).Sub(x, y)}} {
			sum, err := c.got(m)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := new(big.Rat).SetString(sum.String()); !ok || got.Cmp(c.want) != 0 {
				t.Fatalf("the result of %s and %s is %s, want %s", a, b, sum, c.want)
			}
		}
		if n.Cmp(m) != x.Cmp(y) {
			t.Fatalf("%s against %s is %d", a, b, n.Cmp(m))
		}
	})
}

func TestASumOutOfRangeIsRefused(t *testing.T) {
	for _, pair := range [][2]string{{"1E38", "1"}, {"9E125", "9E125"}} {
		if sum, err := number(t, pair[0]).Add(number(t, pair[1])); err == nil {
			t.Errorf("%s + %s is %s, want an error", pair[0], pair[1], sum)
		}
	}
}

func TestAnItemsSizeCountsNamesAndValues(t *testing.T) {
	for text, want := range map[string]int{
		`{}`:                         0,
		`{"ab":{"S":"ü"}}`:           2 + 2,
		`{"a":{"N":"123"}}`:          1 + 3,
		`{"a":{"N":"0"}}`:            1 + 1,
		`{"a":{"B":"AAEC"}}`:         1 + 3,
		`{"a":{"BOOL":true}}`:        1 + 1,
		`{"a":{"NULL":true}}`:        1 + 1,
		`{"a":{"SS":["x","yz"]}}`:    1 + 3,
		`{"a":{"L":[{"S":"x"}]}}`:    1 + 3 + 1 + 1,
		`{"a":{"M":{"b":{"S":""}}}}`: 1 + 3 + 1 + 1,
	} {
		var item Item
		if err := json.Unmarshal([]byte(text), &item); err != nil {
			t.Fatal(err)
		}
		if got := item.Size(); got != want {
			t.Errorf("%s counts %d, want %d", text, got, want)
		}
	}
}

func TestAMalformedValueIsRefused(t *testing.T) {
	deep := strings.Repeat(`{"L":[`, 33) + `{"S":"x"}` + strings.Repeat(`]}`, 33)
	for _, text := range []string{
		`{}`, `{"S":"a","N":"1"}`, `{"X":"a"}`, `{"s":"a"}`, `{"S":null}`, `{"NULL":false}`, `{"SS":[]}`, `{"NS":["1","1.0"]}`,
		`{"SS":["a","a"]}`, `{"BS":["AA==","AA=="]}`, `{"N":"x"}`, `{"NS":["x"]}`, `{"L":[{}]}`, `{"M":{"a":{}}}`, deep,
	} {
		var v Value
		var bad InvalidError
		if err := json.Unmarshal([]byte(text), &v); !errors.As(err, &bad) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// FuzzValue checks that every value that can be decoded is still equal after it
// is encoded and decoded again.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{
		`{"S":"a"}`, `{"N":"-1.5E3"}`, `{"B":"AAEC"}`, `{"SS":["b","a"]}`, `{"NS":["2","1"]}`, `{"BS":["AA=="]}`,
		`{"M":{"a":{"L":[{"NULL":true},{"BOOL":false}]}}}`, `{"L":[]}`, `{"M":{}}`, `{"B":""}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v, again Value
		if json.Unmarshal(b, &v) != nil {
			return
		}
		written, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%s was decoded and cannot be encoded: %v", b, err)
		}
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%s became %s, which cannot be decoded: %v", b, written, err)
		}
		if !v.Equal(again) || !v.Clone().Equal(v) || v.size() != again.size() {
			t.Fatalf("%s became %s, which is not equal", b, written)
		}
	})
}

// FuzzParseNumber checks that a number that can be parsed is equal after it is
// formatted and parsed again.
func FuzzParseNumber(f *testing.F) {
	for _, seed := range []string{"0", "-1.5", "1E125", "1e-130", "00.10", "99999999999999999999999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			return
		}
		again, err := ParseNumber(n.String())
		if err != nil || again.Cmp(n) != 0 || again.String() != n.String() {
			t.Fatalf("%q is %s, which is %s (%v)", s, n, again, err)
		}
	})
}
