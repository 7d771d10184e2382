// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"fmt"
	"slices"
)

// Total is a figure over all programs that wrote it, each of them once. The mean is Sum / Count.
type Total struct {
	Name     string   `json:"name"`
	Unit     string   `json:"unit,omitempty"`
	Polarity Polarity `json:"polarity"`
	Count    uint64   `json:"count"`
	Sum      Decimal  `json:"sum"`
	Min      Decimal  `json:"min"`
	Max      Decimal  `json:"max"`
}

// AddValues adds what one more program wrote. Preconditions: the programs were looked at for the
// same metrics.
func AddValues(totals []Total, values []Value) []Total {
	for _, v := range values {
		if v.Value == nil {
			continue
		}
		n := DecimalOf(*v.Value)
		totals = addTotal(totals, Total{Name: v.Name, Unit: v.Unit, Polarity: v.Polarity, Count: 1, Sum: n, Min: n, Max: n})
	}
	return totals
}

// MergeTotals adds what programs of another group wrote. It fails where figures of one
// name are not of one unit and polarity.
func MergeTotals(a, b []Total) ([]Total, error) {
	sum := slices.Clone(a)
	for _, t := range b {
		if i := slices.IndexFunc(sum, func(s Total) bool { return s.Name == t.Name }); i >= 0 && (sum[i].Unit != t.Unit || sum[i].Polarity != t.Polarity) {
			return nil, fmt.Errorf("programMetrics %s: it is %s in %q, elsewhere %s in %q", t.Name, t.Polarity, t.Unit, sum[i].Polarity, sum[i].Unit)
		}
		sum = addTotal(sum, t)
	}
	return sum, nil
}

func addTotal(totals []Total, t Total) []Total {
	i := slices.IndexFunc(totals, func(s Total) bool { return s.Name == t.Name })
	if i < 0 {
		return append(totals, t)
	}
	sum := &totals[i]
	sum.Count += t.Count
	sum.Sum = sum.Sum.Add(t.Sum)
	if t.Min.Compare(sum.Min) < 0 {
		sum.Min = t.Min
	}
	if t.Max.Compare(sum.Max) > 0 {
		sum.Max = t.Max
	}
	return totals
}
