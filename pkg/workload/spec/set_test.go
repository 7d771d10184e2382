// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"math/rand/v2"
	"testing"

	"k8s.io/utils/cpuset"
)

// The set does what cpuset.CPUSet does.
func TestSetsOfCPUs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func() cpuset.CPUSet {
		set, highest := cpuset.New(), 1+rng.IntN(300)
		for range rng.IntN(20) {
			set = set.Union(cpuset.New(rng.IntN(highest)))
		}
		return set
	}
	for range 500 {
		a, b := random(), random()
		x, y := cpusOf(a), cpusOf(b)
		for name, pair := range map[string][2]cpuset.CPUSet{
			"itself": {x.set(), a}, "and": {x.and(y).set(), a.Intersection(b)}, "or": {x.or(y).set(), a.Union(b)}, "minus": {x.minus(y).set(), a.Difference(b)},
		} {
			if !pair[0].Equals(pair[1]) {
				t.Fatalf("%s of %s and %s is %s, want %s", name, a, b, pair[0], pair[1])
			}
		}
		if x.within(y) != a.IsSubsetOf(b) || x.size() != a.Size() || x.empty() != a.IsEmpty() || x.String() != a.String() {
			t.Fatalf("%s: within %s %v, size %d, empty %v, text %s", a, b, x.within(y), x.size(), x.empty(), x)
		}
		read, err := parseCPUs(a.String())
		if (err != nil) != a.IsEmpty() || err == nil && read.String() != a.String() {
			t.Fatalf("%q is read as %s; %v", a, read, err)
		}
	}
	for _, list := range []string{"", "x", "1-", "-1", "2-1", "1,", "8192", "0-8192"} {
		if set, err := parseCPUs(list); err == nil {
			t.Errorf("%q is read as %s", list, set)
		}
	}
}
