// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"k8s.io/utils/cpuset"
)

// cpus is a set of CPUs, of which CPU n is bit n%64 of word n/64; it is never
// changed. A manager resolves a run on thousands of machines to place it, and
// cpuset.CPUSet, which is a map, takes several times as long.
type cpus []uint64

func newCPUs(list ...int) cpus {
	var c cpus
	if len(list) > 0 {
		c = make(cpus, slices.Max(list)/wordBits+1)
	}
	for _, cpu := range list {
		c[cpu/wordBits] |= 1 << (cpu % wordBits)
	}
	return c
}

func cpusOf(set cpuset.CPUSet) cpus { return newCPUs(set.UnsortedList()...) }

// parseCPUs reads a list of CPUs in the kernel's form, such as 0-3,8. Where
// cpuset.Parse makes a map of them, this stays small.
func parseCPUs(list string) (cpus, error) {
	c := make(cpus, 0, 4)
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		last := first
		if err == nil && isRange {
			last, err = strconv.Atoi(to)
		}
		if err != nil || first < 0 || last < first || last > maxCPU {
			return nil, fmt.Errorf("%q is not a list of CPUs", list)
		}
		for len(c) <= last/wordBits {
			c = append(c, 0)
		}
		for cpu := first; cpu <= last; cpu++ {
			c[cpu/wordBits] |= 1 << (cpu % wordBits)
		}
	}
	return c, nil
}

func (c cpus) word(i int) uint64 {
	if i < len(c) {
		return c[i]
	}
	return 0
}

func (c cpus) and(other cpus) cpus {
	out := make(cpus, min(len(c), len(other)))
	for i := range out {
		out[i] = c[i] & other[i]
	}
	return out
}

func (c cpus) or(other cpus) cpus {
	out := make(cpus, max(len(c), len(other)))
	for i := range out {
		out[i] = c.word(i) | other.word(i)
	}
	return out
}

func (c cpus) minus(other cpus) cpus {
	out := make(cpus, len(c))
	for i := range out {
		out[i] = c[i] &^ other.word(i)
	}
	return out
}

// within says whether all of the set is in the other.
func (c cpus) within(other cpus) bool { return c.minus(other).empty() }

func (c cpus) empty() bool { return c.size() == 0 }

func (c cpus) size() int {
	n := 0
	for _, word := range c {
		n += bits.OnesCount64(word)
	}
	return n
}

// list is the CPUs in ascending order.
func (c cpus) list() []int {
	list := make([]int, 0, c.size())
	for i, word := range c {
		for ; word != 0; word &= word - 1 {
			list = append(list, i*wordBits+bits.TrailingZeros64(word))
		}
	}
	return list
}

func (c cpus) set() cpuset.CPUSet { return cpuset.New(c.list()...) }

func (c cpus) String() string { return c.set().String() }
