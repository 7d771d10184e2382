// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func TestMachinesOfAMerge(t *testing.T) {
	on := func(node, digest, kernel string) *v1alpha1.NodeRun {
		run := runOn(node, valid)
		run.Status.Result.FingerprintDigest, run.Status.Result.Shape, run.Status.Result.Kernel = digest, "1n1l2c1t", kernel
		return run
	}
	kind := func(digest, kernel string, n int32) v1alpha1.MergedMachine {
		return v1alpha1.MergedMachine{FingerprintDigest: digest, Shape: "1n1l2c1t", Kernel: kernel, NodeRuns: n}
	}
	got, kinds := machinesOf(runs(on("a", "d1", "6.18"), on("b", "d2", "6.18"), on("c", "d2", "6.18"), on("d", "d2", "7.3")))
	want := []v1alpha1.MergedMachine{kind("d2", "6.18", 2), kind("d1", "6.18", 1), kind("d2", "7.3", 1)}
	if diff := cmp.Diff(want, got); diff != "" || kinds != 3 {
		t.Errorf("%d kinds (-want +got)\n%s", kinds, diff)
	}
	var many []*v1alpha1.NodeRun
	for i := range maxMachines + 3 {
		many = append(many, on(fmt.Sprint("n", i), fmt.Sprint("d", i), "6.18"))
	}
	if got, kinds := machinesOf(many); len(got) != maxMachines || kinds != maxMachines+3 {
		t.Errorf("named %d of %d kinds", len(got), kinds)
	}
	if got, kinds := machinesOf(nil); got != nil || kinds != 0 {
		t.Errorf("of no NodeRun: %v, %d", got, kinds)
	}
}
