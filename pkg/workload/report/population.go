// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/bits"
)

// Scales of populations: how many units of the whole number make 1.
const (
	ShareScale = 1_000_000_000 // a share of 1 is 10^9
	RateScale  = 1_000_000     // a rate of 1/s is 10^6
)

// PerWorker is how figures of workers are spread. A share or a rate of a worker is
// rounded down once, to a whole number of its scale; all the rest is exact in whole numbers, so
// that populations can be merged in any order and any grouping with the same result. What a worker has no
// figure of is not counted.
type PerWorker struct {
	// OffCPU is the share of its time that a worker was not on a CPU, in units of 1e-9.
	OffCPU *Population `json:"offCPUShare,omitempty"`
	// WorkRate is work units per second of CPU time, in units of 1e-6.
	WorkRate *Population `json:"workRate,omitempty"`
	// IterationRate is iterations per second, in units of 1e-6.
	IterationRate *Population `json:"iterationRate,omitempty"`
	// Iterations are those of each worker.
	Iterations *Population `json:"iterations,omitempty"`
	// RunDelay is how long each worker waited for a CPU, in ns.
	RunDelay *Population `json:"runDelayNanoseconds,omitempty"`
}

// Population is a set of whole numbers, one for each worker, as far as mean, deviation and extremes need it.
type Population struct {
	Count   uint64  `json:"count"`
	Sum     Integer `json:"sum"`
	Squares Integer `json:"sumOfSquares"`
	Min     uint64  `json:"min"`
	Max     uint64  `json:"max"`
	// MinWorker and MaxWorker are the lowest numbers of the workers that had these.
	MinWorker int `json:"minWorker"`
	MaxWorker int `json:"maxWorker"`
}

// add adds the figures of one worker. One that became a program counts nothing itself.
func (p *PerWorker) add(f *Figures, worker int, program bool) {
	if f.Wall > 0 {
		record(&p.OffCPU, ratio(max(f.Wall-f.CPU, 0), f.Wall, ShareScale), worker)
	}
	if f.RunDelay != nil {
		record(&p.RunDelay, uint64(max(*f.RunDelay, 0)), worker)
	}
	if program {
		return
	}
	record(&p.Iterations, f.Iterations, worker)
	if f.Wall > 0 {
		record(&p.IterationRate, perSecond(f.Iterations, f.Wall), worker)
	}
	if f.CPU > 0 {
		record(&p.WorkRate, perSecond(f.WorkUnits, f.CPU), worker)
	}
}

// perSecond is a rate in units of 1e-6 per second, of a count in a time in ns.
func perSecond(count uint64, ns int64) uint64 {
	high, low := bits.Mul64(count, RateScale*1_000_000_000)
	return quotient(high, low, uint64(ns))
}

func ratio(part, whole int64, scale uint64) uint64 {
	high, low := bits.Mul64(uint64(part), scale)
	return quotient(high, low, uint64(whole))
}

// quotient is rounded down, and the largest number there is if it would be larger.
func quotient(high, low, by uint64) uint64 {
	if high >= by {
		return math.MaxUint64
	}
	q, _ := bits.Div64(high, low, by)
	return q
}

func record(to **Population, value uint64, worker int) {
	if *to == nil {
		*to = &Population{}
	}
	n := new(big.Int).SetUint64(value)
	(*to).merge(&Population{Count: 1, Sum: Integer{n}, Squares: Integer{new(big.Int).Mul(n, n)}, Min: value, Max: value, MinWorker: worker, MaxWorker: worker})
}

// merge adds another population, which may be the empty one.
func (p *Population) merge(other *Population) {
	if other.Count == 0 {
		return
	}
	if p.Count == 0 || other.Min < p.Min || other.Min == p.Min && other.MinWorker < p.MinWorker {
		p.Min, p.MinWorker = other.Min, other.MinWorker
	}
	if p.Count == 0 || other.Max > p.Max || other.Max == p.Max && other.MaxWorker < p.MaxWorker {
		p.Max, p.MaxWorker = other.Max, other.MaxWorker
	}
	p.Count = sum(p.Count, other.Count)
	p.Sum.add(other.Sum)
	p.Squares.add(other.Squares)
}

func (p *PerWorker) merge(other *PerWorker) {
	for _, pair := range []struct {
		to   **Population
		from *Population
	}{
		{&p.OffCPU, other.OffCPU}, {&p.WorkRate, other.WorkRate}, {&p.IterationRate, other.IterationRate},
		{&p.Iterations, other.Iterations}, {&p.RunDelay, other.RunDelay},
	} {
		if pair.from == nil {
			continue
		}
		if *pair.to == nil {
			*pair.to = &Population{}
		}
		(*pair.to).merge(pair.from)
	}
}

// Mean is the mean in units of the scale, false without a member.
func (p *Population) Mean() (float64, bool) {
	if p == nil || p.Count == 0 {
		return 0, false
	}
	mean, _ := new(big.Rat).SetFrac(p.Sum.value(), new(big.Int).SetUint64(p.Count)).Float64()
	return mean, true
}

// CV is the standard deviation of the population by its mean, false with fewer than two
// members or a mean of 0. Everything under the root is exact.
func (p *Population) CV() (float64, bool) {
	if p == nil || p.Count < 2 || p.Sum.value().Sign() <= 0 {
		return 0, false
	}
	// (n * squares - sum^2) / sum^2 is the variance by the square of the mean.
	square := new(big.Int).Mul(p.Sum.value(), p.Sum.value())
	variance := new(big.Int).Mul(new(big.Int).SetUint64(p.Count), p.Squares.value())
	variance.Sub(variance, square)
	if variance.Sign() < 0 {
		return 0, false // no population has these sums
	}
	cv, _ := new(big.Rat).SetFrac(variance, square).Float64()
	return math.Sqrt(cv), true
}

// maxIntegerDigits bounds what is read of an Integer: more than any run can add up.
const maxIntegerDigits = 80

// Integer is a whole number of any size, a string in JSON: other programs would round it.
type Integer struct{ n *big.Int }

// IntegerOf is a whole number.
func IntegerOf(n uint64) Integer { return Integer{new(big.Int).SetUint64(n)} }

func (i Integer) value() *big.Int {
	if i.n == nil {
		return new(big.Int)
	}
	return i.n
}

// add changes the number itself, and never the other.
func (i *Integer) add(other Integer) {
	if i.n == nil {
		i.n = new(big.Int)
	}
	i.n.Add(i.n, other.value())
}

// Float is the nearest number that a float64 holds.
func (i Integer) Float() float64 {
	f, _ := new(big.Float).SetInt(i.value()).Float64()
	return f
}

// Equal says whether two numbers are the same.
func (i Integer) Equal(other Integer) bool { return i.value().Cmp(other.value()) == 0 }

// String is the number in decimal.
func (i Integer) String() string { return i.value().String() }

// MarshalJSON writes the number as a string.
func (i Integer) MarshalJSON() ([]byte, error) { return json.Marshal(i.String()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (i *Integer) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	n, ok := new(big.Int), len(text) > 0 && len(text) <= maxIntegerDigits
	for _, c := range text {
		ok = ok && '0' <= c && c <= '9'
	}
	if ok {
		_, ok = n.SetString(text, 10)
	}
	if !ok {
		return fmt.Errorf("a sum must be a whole number of at most %d digits", maxIntegerDigits)
	}
	i.n = n
	return nil
}
