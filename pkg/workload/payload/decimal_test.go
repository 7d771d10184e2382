// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecimalsAreShort(t *testing.T) {
	for text, want := range map[string]Decimal{
		"0": "0", "-0": "0", "0.000": "0", "0e300": "0", "1": "1", "+1.50": "1.5", "-1e3": "-1000", ".5": "0.5", "5.": "5", "1E2": "100",
		"0.000001": "0.000001", "0.0000001": "1e-07", "1e20": "100000000000000000000", "1e21": "1e+21", "1234e20": "1.234e+23",
		"-1.7976931348623157e308": "-1.7976931348623157e+308", "0.1000000000000000055511151231257827": "0.1000000000000000055511151231257827",
		strings.Repeat("9", 51):             "1e+51",
		strings.Repeat("1", 50) + "5":       Decimal("1." + strings.Repeat("1", 48) + "2e+50"),
		strings.Repeat("2", 50) + "5":       Decimal("2." + strings.Repeat("2", 49) + "e+50"),
		"-" + strings.Repeat("2", 50) + "6": Decimal("-2." + strings.Repeat("2", 48) + "3e+50"),
	} {
		got, err := ParseDecimal(text)
		if err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", text, got, err, want)
		}
		if again, err := ParseDecimal(string(got)); err != nil || again != got {
			t.Errorf("%s is %s, %v when it is read again", got, again, err)
		}
	}
	for _, text := range []string{"", "-", ".", "e5", "1e", "1e5.5", "1e401", "1e-999999999", "1e999999999999999999999", "0x1", "1_0", "Inf", "NaN", "1.2.3", "--1", "1-", strings.Repeat("1", 81)} {
		if got, err := ParseDecimal(text); err == nil || !strings.Contains(err.Error(), "is not a decimal number") {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
	if DecimalOf(math.Inf(1)) != "0" || DecimalOf(math.NaN()) != "0" || Decimal("").Add("2") != "2" || Decimal("").Float() != 0 {
		t.Error("what is no number counts")
	}
}

// A decimal of a number is the number, and sums are those of fractions, whatever their order.
func TestSumsOfDecimalsAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var numbers []Decimal
		exact := new(big.Rat)
		for range 1 + r.IntN(30) {
			n := r.NormFloat64() * math.Pow(10, float64(r.IntN(24)-12))
			d := DecimalOf(n)
			if d.Float() != n {
				t.Fatalf("%v is %s", n, d)
			}
			part, _ := new(big.Rat).SetString(strconv.FormatFloat(n, 'e', -1, 64))
			numbers, exact = append(numbers, d), exact.Add(exact, part)
		}
		var sum Decimal
		for _, d := range numbers {
			sum = sum.Add(d)
		}
		if got, _ := new(big.Rat).SetString(string(sum)); got.Cmp(exact) != 0 {
			t.Fatalf("the sum of %v is %s, exactly %s", numbers, sum, exact.FloatString(40))
		}
		r.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
		half := len(numbers) / 2
		var left, right Decimal
		for i, d := range numbers {
			if i < half {
				left = left.Add(d)
			} else {
				right = d.Add(right)
			}
		}
		if again := right.Add(left); again != sum {
			t.Fatalf("in another order it is %s, not %s", again, sum)
		}
		if a, b := numbers[0], numbers[len(numbers)-1]; a.Compare(b) != -b.Compare(a) || (a.Compare(b) < 0) != (a.Float() < b.Float()) {
			t.Fatalf("%s compares with %s as %d", a, b, a.Compare(b))
		}
	}
}

func TestTotals(t *testing.T) {
	value := func(name string, n float64) Value {
		return Value{Name: name, Unit: "s", Polarity: LowerIsBetter, Value: &n}
	}
	total := func(name string, count uint64, sum, least, most Decimal) Total {
		return Total{Name: name, Unit: "s", Polarity: LowerIsBetter, Count: count, Sum: sum, Min: least, Max: most}
	}
	a := AddValues(AddValues(nil, []Value{value("x", 0.1), {Name: "y", Missing: "gone"}}), []Value{value("x", 0.2), value("y", -5)})
	if diff := cmp.Diff([]Total{total("x", 2, "0.3", "0.1", "0.2"), total("y", 1, "-5", "-5", "-5")}, a); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b, err := MergeTotals(a, []Total{total("y", 3, "1e+30", "1", "2"), total("z", 1, "7", "7", "7")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Total{total("x", 2, "0.3", "0.1", "0.2"), total("y", 4, "9.99999999999999999999999999995e+29", "-5", "2"), total("z", 1, "7", "7", "7")}, b); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if a[1].Count != 1 {
		t.Error("merging changed what was merged")
	}
	other := total("x", 1, "1", "1", "1")
	other.Unit = "ms"
	if _, err := MergeTotals(a, []Total{other}); err == nil || err.Error() != `programMetrics x: it is LowerIsBetter in "ms", elsewhere LowerIsBetter in "s"` {
		t.Errorf("got %v", err)
	}
}

func FuzzDecimal(f *testing.F) {
	f.Add("1e-400", "-9.99e400")
	f.Add("0.000000000000001", "123456789012345678901234567890123456789012345678901234567890")
	f.Fuzz(func(t *testing.T, x, y string) {
		a, err := ParseDecimal(x)
		if err != nil {
			return
		}
		b, err := ParseDecimal(y)
		if err != nil {
			return
		}
		if sum := a.Add(b); sum != b.Add(a) || len(sum) > 64 {
			t.Errorf("%s and %s are %s and %s", a, b, sum, b.Add(a))
		}
		if a.Add("0") != a {
			t.Errorf("%s and nothing are %s", a, a.Add("0"))
		}
	})
}
