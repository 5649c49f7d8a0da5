// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package attr

import (
	"math/big"
	"strconv"
	"strings"
)

// Number is a DynamoDB number: a decimal of at most 38 significant digits, of
// magnitude 1E-130 to 9.99…E+125, kept exactly. The zero value is 0.
type Number struct {
	// coefficient × 10^exponent; the coefficient has no trailing zeros, so
	// that equal numbers have one form. Never changed in place.
	coefficient *big.Int
	exponent    int
}

const (
	maxDigits   = 38
	maxExponent = 125 // of the first digit
	minExponent = -130
	// maxLiteral limits the cost of very long literals, in bytes.
	maxLiteral = 1 << 10
)

var ten = big.NewInt(10)

// ParseNumber parses a decimal literal: "-12.5", "1E+3". The error is an
// InvalidError.
func ParseNumber(s string) (Number, error) {
	notNumber := invalid("The parameter cannot be converted to a numeric value: %s", s)
	mantissa, exponent, hasExponent := strings.Cut(strings.ReplaceAll(s, "E", "e"), "e")
	sign := ""
	if mantissa != "" && (mantissa[0] == '-' || mantissa[0] == '+') {
		sign, mantissa = strings.TrimPrefix(mantissa[:1], "+"), mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || len(s) > maxLiteral || strings.Trim(digits, "0123456789") != "" {
		return Number{}, notNumber
	}
	shift := 0
	if hasExponent {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil || shift > 1<<20 || shift < -1<<20 {
			return Number{}, notNumber
		}
	}
	coefficient, ok := new(big.Int).SetString(sign+digits, 10)
	if !ok {
		return Number{}, notNumber
	}
	return makeNumber(coefficient, shift-len(fraction))
}

// Int returns an integer as a number.
func Int(i int64) Number {
	n, err := makeNumber(big.NewInt(i), 0)
	if err != nil {
		panic(err) // an int64 has 19 digits
	}
	return n
}

// makeNumber returns coefficient × 10^exponent, normalized, or an error if it
// is out of range.
func makeNumber(coefficient *big.Int, exponent int) (Number, error) {
	if coefficient.Sign() == 0 {
		return Number{}, nil
	}
	digits := strings.TrimPrefix(coefficient.String(), "-")
	significant := strings.TrimRight(digits, "0")
	zeros := len(digits) - len(significant)
	first := exponent + len(digits) - 1
	switch {
	case first > maxExponent:
		return Number{}, invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case first < minExponent:
		return Number{}, invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	case len(significant) > maxDigits:
		return Number{}, invalid("Attempting to store more than 38 significant digits in a Number")
	}
	if zeros > 0 {
		coefficient = new(big.Int).Quo(coefficient, power(zeros))
	}
	return Number{coefficient: coefficient, exponent: exponent + zeros}, nil
}

func power(n int) *big.Int { return new(big.Int).Exp(ten, big.NewInt(int64(n)), nil) }

// align returns the coefficients of two numbers for a common exponent.
func align(n, m Number) (a, b *big.Int, exponent int) {
	if n.coefficient == nil {
		return new(big.Int), m.value(), m.exponent
	}
	if m.coefficient == nil {
		return n.value(), new(big.Int), n.exponent
	}
	exponent = min(n.exponent, m.exponent)
	return n.at(exponent), m.at(exponent), exponent
}

func (n Number) value() *big.Int {
	if n.coefficient == nil {
		return new(big.Int)
	}
	return n.coefficient
}

func (n Number) at(exponent int) *big.Int {
	if n.exponent == exponent {
		return n.coefficient
	}
	return new(big.Int).Mul(n.coefficient, power(n.exponent-exponent))
}

// Cmp compares numbers by value, and returns -1, 0 or 1.
func (n Number) Cmp(m Number) int {
	a, b, _ := align(n, m)
	return a.Cmp(b)
}

// Add returns the exact sum, or an error if it is out of range.
func (n Number) Add(m Number) (Number, error) {
	a, b, exponent := align(n, m)
	return makeNumber(new(big.Int).Add(a, b), exponent)
}

// Sub returns the exact difference, or an error if it is out of range.
func (n Number) Sub(m Number) (Number, error) {
	a, b, exponent := align(n, m)
	return makeNumber(new(big.Int).Sub(a, b), exponent)
}

// String returns a number as DynamoDB formats it: without exponent, leading or
// trailing zeros.
func (n Number) String() string {
	if n.coefficient == nil {
		return "0"
	}
	digits := n.coefficient.String()
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	switch {
	case n.exponent >= 0:
		return sign + digits + strings.Repeat("0", n.exponent)
	case -n.exponent < len(digits):
		point := len(digits) + n.exponent
		return sign + digits[:point] + "." + digits[point:]
	default:
		return sign + "0." + strings.Repeat("0", -n.exponent-len(digits)) + digits
	}
}

// size returns the size of a number in an item: about one byte for two digits.
func (n Number) size() int {
	if n.coefficient == nil {
		return 1
	}
	digits := len(strings.TrimPrefix(n.coefficient.String(), "-"))
	return (digits+1)/2 + 1
}
