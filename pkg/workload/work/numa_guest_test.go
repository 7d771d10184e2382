// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

//go:build guest

package work

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

// secondNode skips a test that needs two NUMA nodes.
func secondNode(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/sys/devices/system/node/node1"); err != nil {
		t.Skip("this machine has one NUMA node")
	}
}

// All of the memory goes from node to node, in one mapping however often it is moved.
func TestMachineMovesMemoryBetweenNodes(t *testing.T) {
	secondNode(t)
	for name, region := range map[string]quantity.Bytes{"at once": 4 << 20, "in parts": moveChunk + 4<<20 + 4096} {
		t.Run(name, func(t *testing.T) {
			k := &NUMAWorkingSetSweep{Region: region, SweepPeriod: new(ms(20)), TargetNodes: []int{0, 1}}
			r := newRig(t, k, 1, nil)
			r.startAll()
			pages := int(region) / 4096
			on := func(node int) func() bool {
				return func() bool {
					text := numaMapOf(t, r.workers[0].Memory)
					return strings.HasPrefix(text, fmt.Sprintf("bind:%d ", node)) && strings.Contains(text+" ", fmt.Sprintf(" N%d=%d ", node, pages))
				}
			}
			for turn := range 4 {
				r.await(fmt.Sprintf("all on node %d", turn%2), on(turn%2))
			}
			r.stop()
			f := r.arena.Record(0, 0).Figures(0)
			if f.Pages[0]+f.Pages[1] != uint64(pages) {
				t.Errorf("%d pages are on %v", pages, f.Pages)
			}
		})
	}
}

// Workers begin at different nodes.
func TestMachineMemoryBeginsApart(t *testing.T) {
	secondNode(t)
	k := &NUMAWorkingSetSweep{Region: 1 << 20, SweepPeriod: new(quantity.Duration(maxPhase)), TargetNodes: []int{0, 1}}
	r := newRig(t, k, 3, nil)
	r.startAll()
	for i, node := range []int{0, 1, 0} {
		r.await("all pages", func() bool {
			return strings.Contains(numaMapOf(t, r.workers[i].Memory)+" ", fmt.Sprintf(" N%d=256 ", node))
		})
	}
	r.stop()
}

// The kernel's own numbers of the node a task is on.
func TestMachineMigratesBetweenNodes(t *testing.T) {
	secondNode(t)
	places := &Places{}
	for cpu := range 4096 {
		node := int32(-1)
		for n := range int32(8) {
			if _, err := os.Stat(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/node%d", cpu, n)); err == nil {
				node = n
			}
		}
		if node < 0 {
			break
		}
		places.Node = append(places.Node, node)
	}
	r := newRig(t, &NUMAMigrationChurn{Period: ms(2)}, 1, places)
	seen := map[int32]bool{}
	r.startAll()
	tid := r.arena.Block(0).TID()
	r.await("both nodes", func() bool {
		set := affinityOf(t, tid)
		node := int32(-1)
		for cpu, n := range places.Node {
			if set.IsSet(cpu) && node >= 0 && n != node {
				return false // not pinned yet
			} else if set.IsSet(cpu) {
				node = n
			}
		}
		seen[node] = true
		return seen[0] && seen[1]
	})
	r.stop()
	f := r.arena.Record(0, 0).Figures(0)
	if n := f.TotalMigrations(); n+2 < f.Iterations {
		t.Errorf("%d migrations in %d passes", n, f.Iterations)
	}
}
