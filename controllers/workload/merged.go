// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"cmp"
	"slices"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// maxMachines bounds the kinds of machines a status names.
const maxMachines = 16

// machinesOf counts the kinds of machines that NodeRuns with a result ran on, and
// names the most frequent.
func machinesOf(runs []*v1alpha1.NodeRun) (most []v1alpha1.MergedMachine, kinds int32) {
	seen := map[v1alpha1.MergedMachine]int32{}
	for _, run := range runs {
		r := run.Status.Result
		seen[v1alpha1.MergedMachine{FingerprintDigest: r.FingerprintDigest, Shape: r.Shape, Kernel: r.Kernel}]++
	}
	for machine, n := range seen {
		machine.NodeRuns = n
		most = append(most, machine)
	}
	slices.SortFunc(most, func(a, b v1alpha1.MergedMachine) int {
		return cmp.Or(-cmp.Compare(a.NodeRuns, b.NodeRuns), cmp.Compare(a.FingerprintDigest, b.FingerprintDigest),
			cmp.Compare(a.Shape, b.Shape), cmp.Compare(a.Kernel, b.Kernel))
	})
	return most[:min(len(most), maxMachines)], int32(len(most))
}
