// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

//go:build guest

package cgroup

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestPartitions also has parent's check that the top cgroup gets its CPUs back.
func TestPartitions(t *testing.T) {
	for _, kind := range []string{"root", "isolated"} {
		t.Run(kind, func(t *testing.T) {
			above := parent(t, "schedfleet-partition")
			top := &Dir{path: filepath.Dir(above)}
			before := must(top.cpus(effectiveCPUs))(t)
			made := tree(t, filepath.Join(above, "run"),
				Definition{Name: "a/b", Settings: Settings{CPUs: set(t, "2-3"), Partition: kind}},
				Definition{Name: "a/c", Settings: Settings{CPUs: set(t, "0-1")}})
			applied := must(made.Applied("a/b"))(t)
			if applied.Partition != kind || !applied.CPUs.Equals(set(t, "2-3")) {
				t.Errorf("applied %+v", applied)
			}
			if got, want := must(top.cpus(effectiveCPUs))(t), before.Difference(set(t, "2-3")); !got.Equals(want) {
				t.Errorf("the top cgroup has the CPUs %v, want %v", got, want)
			}
			startIn(t, made.Dir("a/b"), spinner())
			eventually(t, "CPU used in the partition", func() bool { return *usage(t, made, "a/b").CPU > 0 })
		})
	}
}

func TestPartitionsOfTwoTrees(t *testing.T) {
	above := &Dir{path: parent(t, "schedfleet-partitions")}
	exclusive := func() string { return must(above.text(exclusiveFile))(t) }
	partition := func(cpus string) []Definition {
		return []Definition{{Name: "a", Settings: Settings{CPUs: set(t, cpus), Partition: "root"}}}
	}
	first := tree(t, filepath.Join(above.path, "first"), partition("2")...)
	second := tree(t, filepath.Join(above.path, "second"), partition("3")...)
	if got := exclusive(); got != "2-3" {
		t.Errorf("both set aside %q", got)
	}
	remove(t, first)
	if got := exclusive(); got != "3" {
		t.Errorf("the second alone sets aside %q", got)
	}
	if applied := must(second.Applied("a"))(t); applied.Partition != "root" {
		t.Errorf("the second is %+v", applied)
	}
	_, err := NewTree(filepath.Join(above.path, "third"), partition("3"))
	if err == nil || !strings.Contains(err.Error(), "cpuset.cpus.exclusive") && !strings.Contains(err.Error(), "invalid") {
		t.Errorf("a partition of CPUs that another has: %v", err)
	}
	t.Logf("the refusal: %v", err)
	isGone(t, filepath.Join(above.path, "third"))
	if got := exclusive(); got != "3" {
		t.Errorf("after the third was refused, %q is set aside", got)
	}
}

func TestNestedPartitions(t *testing.T) {
	made := tree(t, filepath.Join(parent(t, "schedfleet-nested-partitions"), "run"),
		Definition{Name: "a", Settings: Settings{CPUs: set(t, "1-3"), Partition: "root"}},
		Definition{Name: "a/b", Settings: Settings{CPUs: set(t, "3"), Partition: "isolated"}})
	for name, want := range map[string]string{"a": "1-2", "a/b": "3"} {
		if applied := must(made.Applied(name))(t); !applied.CPUs.Equals(set(t, want)) {
			t.Errorf("%s has the CPUs %v, want %s", name, applied.CPUs, want)
		}
	}
}

func TestTheKernelsReasonIsTold(t *testing.T) {
	root := filepath.Join(parent(t, "schedfleet-invalid"), "run")
	top := &Dir{path: filepath.Dir(filepath.Dir(root))}
	all := must(top.cpus(effectiveCPUs))(t)
	_, err := NewTree(root, []Definition{{Name: "a", Settings: Settings{CPUs: all, Partition: "root"}}})
	if err == nil || !strings.Contains(err.Error(), "invalid (") {
		t.Errorf("a partition of all CPUs: %v", err)
	}
	t.Logf("the refusal: %v", err)
	isGone(t, root)
}

func TestWhatTheKernelDoesNotFollowIsAnError(t *testing.T) {
	above := parent(t, "schedfleet-differs")
	for name, tc := range map[string]struct {
		defs []Definition
		want []string
	}{
		"CPUs outside of the parent's": {
			defs: []Definition{
				{Name: "a", Settings: Settings{CPUs: set(t, "0-1")}},
				{Name: "a/b", Settings: Settings{CPUs: set(t, "1-2")}},
			},
			want: []string{`"a/b"`, "cpuset.cpus.effective", `asked for "1-2"`, `has "1"`},
		},
		"CPUs that are not there": {
			defs: []Definition{{Name: "a", Settings: Settings{CPUs: set(t, "0,4000")}}},
			want: []string{`"a"`, "cpuset.cpus", "subtree_control", "files:"},
		},
		"a memory node that is not there": {
			defs: []Definition{{Name: "a", Settings: Settings{Mems: set(t, "0,7")}}},
			want: []string{`"a"`, "cpuset.mems"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(above, "run")
			_, err := NewTree(root, tc.defs)
			if err == nil {
				t.Fatal("no error")
			}
			t.Logf("the error: %v", err)
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not hold %q", want)
				}
			}
			isGone(t, root)
		})
	}
}
