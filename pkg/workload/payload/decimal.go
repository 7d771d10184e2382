// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"cmp"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

const (
	// maxDecimal bounds the text of a decimal number.
	maxDecimal = 80
	// decimalDigits is how many significant digits a decimal number keeps. Numbers that
	// programs write have 17 at most, so that their sums are exact as long as the numbers are less than
	// some 30 orders of magnitude apart.
	decimalDigits = 50
	// decimalExponent bounds the power of ten that a decimal number is multiplied with.
	decimalExponent = 400
)

// Decimal is a decimal number in its shortest text, with an exponent where it is very
// large or very small: 0.3, 1e+30. Sums of decimals do not depend on their order. The empty text is 0.
type Decimal string

// DecimalOf is the decimal number that stands for a finite number: the shortest that
// gives the same number again.
func DecimalOf(n float64) Decimal {
	d, err := ParseDecimal(strconv.FormatFloat(n, 'e', -1, 64))
	if err != nil {
		return "0" // not a number, or without end
	}
	return d
}

// ParseDecimal reads a decimal number in any form.
func ParseDecimal(text string) (Decimal, error) {
	v, err := parseDecimal(text)
	if err != nil {
		return "", err
	}
	return v.text(), nil
}

// Add is the sum.
func (d Decimal) Add(other Decimal) Decimal {
	a, b := d.value(), other.value()
	low := min(a.exponent, b.exponent)
	sum := decimal{exponent: low}
	sum.coefficient.Add(a.scaled(low), b.scaled(low))
	return sum.text()
}

// Compare is negative if the number is less than the other, positive if it is more.
func (d Decimal) Compare(other Decimal) int {
	a, b := d.value(), other.value()
	low := min(a.exponent, b.exponent)
	return a.scaled(low).Cmp(b.scaled(low))
}

// Float is the nearest number a float64 holds, infinite if it is too large for one.
func (d Decimal) Float() float64 {
	n, _ := strconv.ParseFloat(string(cmp.Or(d, "0")), 64) // where it fails for its size, n is infinite
	return n
}

// UnmarshalText reads a decimal number.
func (d *Decimal) UnmarshalText(text []byte) error {
	parsed, err := ParseDecimal(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}

// value is the number. What is no number counts as 0: decimals are checked where they are read.
func (d Decimal) value() decimal {
	v, _ := parseDecimal(string(cmp.Or(d, "0")))
	return v
}

// decimal is coefficient * 10^exponent.
type decimal struct {
	coefficient big.Int
	exponent    int
}

func parseDecimal(text string) (v decimal, err error) {
	wrong := fmt.Errorf("%q is not a decimal number", cut(text))
	if len(text) > maxDecimal {
		return v, wrong
	}
	digits, exponent, found := strings.Cut(strings.ToLower(text), "e")
	if found {
		if v.exponent, err = strconv.Atoi(exponent); err != nil {
			return v, wrong
		}
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	unsigned := strings.TrimLeft(whole, "+-") + fraction
	if len(whole)+len(fraction)-len(unsigned) > 1 || unsigned == "" || strings.Trim(unsigned, "0123456789") != "" {
		return v, wrong
	}
	v.exponent -= len(fraction)
	if v.exponent < -decimalExponent-maxDecimal || v.exponent > decimalExponent {
		return v, wrong
	}
	v.coefficient.SetString(unsigned, 10)
	if strings.HasPrefix(whole, "-") {
		v.coefficient.Neg(&v.coefficient)
	}
	return v, nil
}

// scaled is the coefficient of the same number with a smaller exponent.
func (v *decimal) scaled(exponent int) *big.Int {
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(v.exponent-exponent)), nil)
	return factor.Mul(factor, &v.coefficient)
}

// round drops digits beyond those that are kept: to the nearest, half to even.
func (v *decimal) round() {
	more := len(new(big.Int).Abs(&v.coefficient).String()) - decimalDigits
	if more <= 0 {
		return
	}
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(more)), nil)
	rest := new(big.Int)
	v.coefficient.QuoRem(&v.coefficient, factor, rest)
	twice := rest.Abs(rest).Lsh(rest, 1).Cmp(factor)
	if twice > 0 || twice == 0 && v.coefficient.Bit(0) == 1 {
		v.coefficient.Add(&v.coefficient, big.NewInt(int64(v.coefficient.Sign())))
	}
	v.exponent += more
}

// text is the shortest that says the number.
func (v *decimal) text() Decimal {
	v.round()
	digits := strings.TrimLeft(v.coefficient.String(), "-")
	short := strings.TrimRight(digits, "0")
	if short == "" {
		return "0"
	}
	minus := ""
	if v.coefficient.Sign() < 0 {
		minus = "-"
	}
	point := len(digits) + v.exponent // digits before the point
	switch {
	case point < -5 || point > 21:
		mantissa := short[:1]
		if len(short) > 1 {
			mantissa += "." + short[1:]
		}
		return Decimal(fmt.Sprintf("%s%se%+03d", minus, mantissa, point-1))
	case point <= 0:
		return Decimal(minus + "0." + strings.Repeat("0", -point) + short)
	case point >= len(short):
		return Decimal(minus + short + strings.Repeat("0", point-len(short)))
	default:
		return Decimal(minus + short[:point] + "." + short[point:])
	}
}
