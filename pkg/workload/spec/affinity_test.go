// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"testing"

	"k8s.io/utils/cpuset"
)

func TestSubsetsAreDrawnForEachWorker(t *testing.T) {
	machine := Machine{}
	for cpu := range 64 {
		machine.CPUs = machine.CPUs.Union(cpuset.New(cpu))
	}
	draw := func(seed int64, before ...Group) []cpuset.CPUSet {
		run := valid(func(r *Run) {
			r.Seed = seed
			r.Groups[0].Workers, r.Groups[0].Affinity = 32, &Affinity{RandomSubset: &RandomSubset{Count: 8}}
			r.Groups = append(r.Groups, before...)
		})
		resolved, err := run.Resolve(machine)
		if err != nil {
			t.Fatal(err)
		}
		return resolved.Groups[0].CPUs
	}
	differ := func(a, b []cpuset.CPUSet) (n int) {
		for i := range a {
			if !a[i].Equals(b[i]) {
				n++
			}
		}
		return n
	}
	first := draw(1)
	distinct := map[string]bool{}
	for _, set := range first {
		distinct[set.String()] = true
	}
	if len(distinct) < 30 {
		t.Errorf("32 workers drew %d different sets", len(distinct))
	}
	if n := differ(first, draw(2)); n < 30 {
		t.Errorf("with another seed %d of 32 workers drew another set", n)
	}
	other := valid(func(*Run) {}).Groups[0]
	other.Name = "other"
	if n := differ(first, draw(1, other)); n != 0 {
		t.Errorf("beside another group %d workers drew another set", n)
	}
}

func TestValidateAffinity(t *testing.T) {
	with := func(a Affinity) *Run { return valid(func(r *Run) { r.Groups[0].Affinity = &a }) }
	for name, tc := range map[string]struct {
		run  *Run
		want string // "" is valid
	}{
		"inherited":            {valid(func(*Run) {}), ""},
		"a list":               {with(Affinity{Exact: "0-1"}), ""},
		"an empty list":        {with(Affinity{Exact: ""}), "groups[0].affinity: exactly one way to choose CPUs must be set, not 0"},
		"two ways":             {with(Affinity{Exact: "0", SingleCPU: &struct{}{}}), "groups[0].affinity: exactly one way to choose CPUs must be set, not 2"},
		"a draw of nothing":    {with(Affinity{RandomSubset: &RandomSubset{Count: 0}}), "groups[0].affinity.randomSubset.count: must be at least 1, not 0"},
		"a draw from no list":  {with(Affinity{RandomSubset: &RandomSubset{From: "x", Count: 1}}), "groups[0].affinity.randomSubset.from: must be a list of CPUs"},
		"a draw from all CPUs": {with(Affinity{RandomSubset: &RandomSubset{Count: 1}}), ""},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, tc.run.Validate(), tc.want) })
	}
	if _, err := with(Affinity{RandomSubset: &RandomSubset{Count: 1}}).Resolve(Machine{}); errorText(err) != "has no CPU to use" {
		t.Errorf("a draw from a machine without CPUs: %v", err)
	}
}
