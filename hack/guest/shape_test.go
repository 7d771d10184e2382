// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseShape(t *testing.T) {
	tests := map[string]struct {
		in      string
		want    Shape
		wantErr string
	}{
		"caches are counted in all":            {"2n4l1c2t", Shape{Nodes: 2, LLCsPerNode: 2, CoresPerLLC: 1, ThreadsPerCore: 2}, ""},
		"a node with three caches":             {"1n3l2c1t", Shape{Nodes: 1, LLCsPerNode: 3, CoresPerLLC: 2, ThreadsPerCore: 1}, ""},
		"something behind it":                  {"1n1l1c1tx", Shape{}, "is no shape"},
		"nothing at all":                       {"", Shape{}, "is no shape"},
		"no node":                              {"0n0l1c1t", Shape{}, "cannot be shared out"},
		"no thread":                            {"1n1l1c0t", Shape{}, "at least one of each"},
		"caches that do not fit into nodes":    {"2n3l1c1t", Shape{}, "cannot be shared out"},
		"more CPUs than are worth emulating":   {"8n8l8c2t", Shape{}, "at most 64"},
		"a negative number is not read at all": {"1n1l-1c1t", Shape{}, "at least one of each"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseShape(tc.in)
			if (err == nil) != (tc.wantErr == "") || (err != nil && !strings.Contains(err.Error(), tc.wantErr)) {
				t.Fatalf("ParseShape(%q) fails with %v, want %q in it", tc.in, err, tc.wantErr)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("ParseShape(%q) (-want +got):\n%s", tc.in, diff)
			}
			if got.String() != tc.in {
				t.Errorf("its String is %s, want %s", got, tc.in)
			}
		})
	}
}

func TestShapeArguments(t *testing.T) {
	s := Shape{Nodes: 2, LLCsPerNode: 2, CoresPerLLC: 1, ThreadsPerCore: 2, MemoryMiB: 256, MemoryOnlyNodes: 1}
	want := []string{
		"-smp", "8,sockets=2,dies=2,cores=1,threads=2", "-m", "768M",
		"-object", "memory-backend-ram,id=node0,size=256M", "-numa", "node,nodeid=0,memdev=node0,cpus=0-3",
		"-object", "memory-backend-ram,id=node1,size=256M", "-numa", "node,nodeid=1,memdev=node1,cpus=4-7",
		"-object", "memory-backend-ram,id=node2,size=256M", "-numa", "node,nodeid=2,memdev=node2",
	}
	if diff := cmp.Diff(want, s.arguments()); diff != "" {
		t.Errorf("arguments of the emulator (-want +got):\n%s", diff)
	}
}
