// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/hack/guest"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// machine is a topology in a form that can be sent and compared.
type machine struct {
	Shape    string
	Nodes    []string // its CPUs and distances
	LLCs     []string // its node, CPUs and cores
	Warnings []string
	// MemoryMiB is that of each node. It is compared roughly: the kernel keeps
	// some for itself.
	MemoryMiB []int64
	// Isolated and NohzFull are the CPUs that the command line sets apart,
	// Offline those that are off once the last one was switched off.
	Isolated, NohzFull, Offline string
}

func printTopology() int {
	m, err := topology.Read("/")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	got := machine{Shape: m.Shape(), Warnings: m.Warnings, Isolated: m.Isolated.String(), NohzFull: m.NohzFull.String()}
	for _, n := range m.Nodes {
		got.Nodes = append(got.Nodes, fmt.Sprintf("node %d: CPUs %s, distances %v", n.ID, n.CPUs, n.Distances))
		got.MemoryMiB = append(got.MemoryMiB, n.MemoryTotalKiB>>10)
	}
	for i, l := range m.LLCs {
		cores := ""
		for _, c := range l.Cores {
			cores += " [" + c.CPUs.String() + "]"
		}
		got.LLCs = append(got.LLCs, fmt.Sprintf("LLC %d: node %d, L%d, CPUs %s, cores%s", i, l.Node, l.Level, l.CPUs, cores))
	}
	if got.Offline, err = offlineWithoutLast(m); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(got); err != nil {
		return 1
	}
	return 0
}

// offlineWithoutLast switches the last CPU off, unless it is the only one, and
// says which CPUs are offline then.
func offlineWithoutLast(m *topology.Machine) (string, error) {
	last := len(m.CPUs) - 1
	if last == 0 {
		return "", nil
	}
	if err := os.WriteFile(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/online", last), []byte("0"), 0); err != nil {
		return "", err
	}
	m, err := topology.Read("/")
	if err != nil {
		return "", err
	}
	return m.Offline.String(), nil
}

// wanted is what the kernel has to show of a shape.
func wanted(s guest.Shape) machine {
	want := machine{Shape: s.String()}
	cpus, llc := 0, 0
	take := func(n int) string {
		ids := make([]int, n)
		for i := range ids {
			ids[i] = cpus + i
		}
		return cpuset.New(ids...).String()
	}
	if last := s.CPUs() - 1; last > 0 {
		want.Isolated, want.NohzFull, want.Offline = fmt.Sprint(last), fmt.Sprint(last), fmt.Sprint(last)
	}
	nodes := s.Nodes + s.MemoryOnlyNodes
	for n := range nodes {
		distances := make([]int, nodes)
		for i := range distances {
			distances[i] = 20
		}
		distances[n] = 10
		if n >= s.Nodes {
			want.Nodes = append(want.Nodes, fmt.Sprintf("node %d: CPUs , distances %v", n, distances))
			continue
		}
		want.Nodes = append(want.Nodes, fmt.Sprintf("node %d: CPUs %s, distances %v", n, take(s.CPUs()/s.Nodes), distances))
		for range s.LLCsPerNode {
			line := fmt.Sprintf("LLC %d: node %d, L3, CPUs %s, cores", llc, n, take(s.CoresPerLLC*s.ThreadsPerCore))
			for range s.CoresPerLLC {
				line += " [" + take(s.ThreadsPerCore) + "]"
				cpus += s.ThreadsPerCore
			}
			want.LLCs = append(want.LLCs, line)
			llc++
		}
	}
	return want
}

// isolating are the arguments that keep a CPU from the balancer and the tick. The
// first cannot be.
func isolating(cpu int) []string {
	if cpu == 0 {
		return nil
	}
	return []string{fmt.Sprintf("isolcpus=%d", cpu), fmt.Sprintf("nohz_full=%d", cpu)}
}

func TestTheKernelShowsTheShape(t *testing.T) {
	tests := map[string]guest.Shape{
		"two nodes with two caches each, and SMT": {Nodes: 2, LLCsPerNode: 2, CoresPerLLC: 1, ThreadsPerCore: 2},
		"one node with three caches":              {Nodes: 1, LLCsPerNode: 3, CoresPerLLC: 2, ThreadsPerCore: 1},
		"one CPU":                                 {Nodes: 1, LLCsPerNode: 1, CoresPerLLC: 1, ThreadsPerCore: 1},
		"a node without CPUs": {
			Nodes: 1, LLCsPerNode: 1, CoresPerLLC: 1, ThreadsPerCore: 2, MemoryMiB: 320, MemoryOnlyNodes: 1,
		},
	}
	program, err := guest.BuildTest(t.Context(), "github.com/schedfleet/schedfleet/hack/guest", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, shape := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout bytes.Buffer
			result, err := guest.Run(t.Context(), guest.Config{
				Shape: shape, KernelArgs: isolating(shape.CPUs() - 1), Files: map[string]string{"/bin/guest.test": program},
				Command: []string{"guest.test", roleTopology},
				Console: &lines{t: t}, Stdout: &stdout, Stderr: &lines{t: t},
			})
			skipUnavailable(t, err)
			if err != nil || result.ExitCode != 0 {
				t.Fatalf("reading the topology in the guest: %+v, %v", result, err)
			}
			t.Logf("up for %v", result.Uptime)
			var got machine
			if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
				t.Fatalf("the guest printed %q: %v", stdout.String(), err)
			}
			for i, mib := range got.MemoryMiB {
				if want := int64(max(shape.MemoryMiB, 320)); mib < want*2/3 || mib > max(want, 512) {
					t.Errorf("node %d has %d MiB of memory", i, mib)
				}
			}
			got.MemoryMiB = nil
			if diff := cmp.Diff(wanted(shape), got); diff != "" {
				t.Errorf("the topology in the guest (-want +got):\n%s", diff)
			}
		})
	}
}
