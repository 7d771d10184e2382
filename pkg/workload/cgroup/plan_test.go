// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"
)

// planned is a node as a test compares it.
type planned struct {
	Name      string
	Threaded  bool
	Enable    string
	Exclusive string
	Later     bool
}

func TestPlan(t *testing.T) {
	weight := Settings{CPU: CPUSettings{Weight: new(5)}}
	memory := Settings{Memory: MemorySettings{Max: new(int64(1 << 20))}}
	threaded := func(s Settings) Settings {
		s.Threaded = true
		return s
	}
	for name, tc := range map[string]struct {
		defs    []Definition
		want    []planned
		wantErr string
	}{
		"nothing below the root":      {want: []planned{{}}},
		"cgroups that need no others": {defs: []Definition{{Name: "b"}, {Name: "a"}}, want: []planned{{}, {Name: "a"}, {Name: "b"}}},
		"controllers on the way to those that need them, and no further": {
			defs: []Definition{{Name: "a/b/c", Settings: weight}, {Name: "d", Settings: memory}, {Name: "d/e"}},
			want: []planned{{Enable: "cpu memory"}, {Name: "a", Enable: "cpu"}, {Name: "d"}, {Name: "a/b", Enable: "cpu"}, {Name: "d/e"}, {Name: "a/b/c"}},
		},
		"a parent that is defined after its child": {
			defs: []Definition{{Name: "a/b", Settings: weight}, {Name: "a", Settings: memory}},
			want: []planned{{Enable: "cpu memory"}, {Name: "a", Enable: "cpu"}, {Name: "a/b"}},
		},
		"threads below a domain that has controllers of whole processes": {
			defs: []Definition{{Name: "a", Settings: memory}, {Name: "a/b", Settings: threaded(weight)}, {Name: "a/c", Settings: threaded(Settings{})}},
			want: []planned{{Enable: "cpu memory"}, {Name: "a", Enable: "cpu"}, {Name: "a/b", Threaded: true}, {Name: "a/c", Threaded: true}},
		},
		"what leads to threads, beside and below others": {
			defs: []Definition{
				{Name: "a/b", Settings: threaded(Settings{})},
				{Name: "a/c/d", Settings: threaded(Settings{})},
				{Name: "a/b/e/f", Settings: threaded(Settings{})},
			},
			want: []planned{
				{},
				{Name: "a"},
				{Name: "a/b", Threaded: true},
				{Name: "a/c", Threaded: true},
				{Name: "a/b/e", Threaded: true},
				{Name: "a/c/d", Threaded: true},
				{Name: "a/b/e/f", Threaded: true},
			},
		},
		"partitions": {
			defs: []Definition{
				{Name: "a", Settings: Settings{CPUs: cpuset.New(0, 1, 2), Partition: "root"}},
				{Name: "a/b", Settings: Settings{CPUs: cpuset.New(1), Partition: "isolated"}},
				{Name: "c", Settings: Settings{CPUs: cpuset.New(3)}},
				{Name: "d/e", Settings: Settings{CPUs: cpuset.New(4), Partition: "root"}},
			},
			want: []planned{
				{Enable: "cpuset", Exclusive: "0-2,4"},
				{Name: "a", Enable: "cpuset", Exclusive: "0-2"},
				{Name: "c"},
				{Name: "d", Enable: "cpuset", Exclusive: "4"},
				{Name: "a/b", Exclusive: "1"},
				{Name: "d/e", Exclusive: "4"},
			},
		},
		"what is made later, with what is below it and what it will need": {
			defs: []Definition{{Name: "a", Later: true, Needs: []string{"cpuset"}}, {Name: "a/b/c", Settings: weight}, {Name: "d", Needs: []string{"memory"}}},
			want: []planned{
				{Enable: "cpu cpuset memory"},
				{Name: "a", Enable: "cpu", Later: true},
				{Name: "d"},
				{Name: "a/b", Enable: "cpu", Later: true},
				{Name: "a/b/c", Later: true},
			},
		},
		"threads that will need a controller of domains": {
			defs: []Definition{{Name: "a/b", Settings: threaded(Settings{}), Needs: []string{"memory"}}}, wantErr: "a change to come needs the controller memory",
		},
		"one name twice": {defs: []Definition{{Name: "a"}, {Name: "a"}}, wantErr: `"a": it is defined twice`},
		"a bad name":     {defs: []Definition{{Name: "../a"}}, wantErr: `"../a"`},
		"settings of the root, which what is below it does not need": {
			defs: []Definition{{Settings: memory}, {Name: "a", Settings: weight}}, want: []planned{{Enable: "cpu"}, {Name: "a"}},
		},
		"the root twice":                       {defs: []Definition{{Settings: memory}, {}}, wantErr: "it is defined twice"},
		"a domain beside threads":              {defs: []Definition{{Name: "a/b", Settings: threaded(weight)}, {Name: "a/c"}}, wantErr: `"a/c" is beside "a/b", which is threaded`},
		"a domain below threads":               {defs: []Definition{{Name: "a/b", Settings: threaded(weight)}, {Name: "a/b/c"}}, wantErr: `"a/b/c" is below "a/b", which is threaded`},
		"threads with a controller of domains": {defs: []Definition{{Name: "a/b", Settings: threaded(memory)}}, wantErr: "memory.max needs the controller memory"},
		"an unknown partition":                 {defs: []Definition{{Name: "a", Settings: Settings{CPUs: cpuset.New(1), Partition: "member"}}}, wantErr: `no kind of partition "member"`},
		"a partition of no CPUs":               {defs: []Definition{{Name: "a", Settings: Settings{Partition: "root"}}}, wantErr: "needs CPUs"},
	} {
		t.Run(name, func(t *testing.T) {
			nodes, err := plan(tc.defs)
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("error %v, want one with %q", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []planned
			for _, n := range nodes {
				got = append(got, planned{n.name, n.threaded, strings.Join(n.enable, " "), n.exclusive.String(), n.later})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAControllerThatIsNotOffered(t *testing.T) {
	nodes, err := plan([]Definition{{Name: "a/b", Settings: Settings{PidsMax: new(int64(1)), CPU: CPUSettings{Weight: new(1)}}}})
	if err != nil {
		t.Fatal(err)
	}
	top := fake(t, map[string]string{controllersFile: "hugetlb pids\n"})
	made := &Tree{nodes: nodes, above: []*Dir{top}}
	err = made.offered()
	for _, want := range []string{`cgroup "a/b"`, "cpu.weight", "the controller cpu", top.path, "[hugetlb pids]", "bound to cgroup v1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error %v is not ErrUnsupported", err)
	}
	made.above = []*Dir{fake(t, map[string]string{controllersFile: "cpu pids\n"})}
	if err := made.offered(); err != nil {
		t.Errorf("all is offered: %v", err)
	}
}

func TestWhereAControllerIsBound(t *testing.T) {
	const lines = "12:cpu,cpuacct:/user\n3:memory:/\n1:name=systemd:/\n0::/user.slice\n"
	for controller, want := range map[string]bool{"cpu": true, "cpuacct": true, "memory": true, "cpuset": false} {
		if got := isBoundToV1(lines, controller); got != want {
			t.Errorf("%q bound to cgroup v1: %v, want %v", controller, got, want)
		}
	}
}

// What is above the root has to hand down what the root itself needs, too.
func TestWhatTheRootNeedsFromAbove(t *testing.T) {
	nodes, err := plan([]Definition{{Settings: Settings{Memory: MemorySettings{Max: new(int64(1))}}}, {Name: "a", Settings: Settings{CPU: CPUSettings{Weight: new(5)}}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"cpu", "memory"}, (&Tree{nodes: nodes}).fromAbove()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
