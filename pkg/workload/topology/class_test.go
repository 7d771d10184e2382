// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (s *sysfs) capacity(cpu int, content string) {
	s.file(fmt.Sprintf("%s/cpu%d/cpu_capacity", cpuDir, cpu), content)
}

func TestClasses(t *testing.T) {
	for name, tc := range map[string]struct {
		change   func(s *sysfs) // of eight CPUs
		want     []string
		warnings []string
	}{
		"no kinds": {func(*sysfs) {}, nil, nil},
		"one kind with a name": {func(s *sysfs) {
			s.file("sys/devices/cpu_core/cpus", "0-7\n")
		}, []string{"core (0): cpus 0-7"}, nil},
		"one kind with a capacity": {func(s *sysfs) {
			for id := range 8 {
				s.capacity(id, "446\n")
			}
		}, []string{"uniform (446): cpus 0-7"}, nil},
		"names, and capacities of single cores": {func(s *sysfs) {
			s.file("sys/devices/cpu_core/cpus", "0-3\n")
			s.file("sys/devices/cpu_atom/cpus", "4-7\n")
			for id, c := range []int{1009, 1024, 1009, 1009, 623, 623, 623, 623} {
				s.capacity(id, fmt.Sprintln(c))
			}
		}, []string{"core (1024): cpus 0-3", "atom (623): cpus 4-7"}, nil},
		"capacities go before the order of names": {func(s *sysfs) {
			s.file("sys/devices/cpu_core/cpus", "0-3\n")
			s.file("sys/devices/cpu_atom/cpus", "4-7\n")
			s.capacity(0, "623\n")
			s.capacity(4, "1024\n")
		}, []string{"atom (1024): cpus 4-7", "core (623): cpus 0-3"}, nil},
		"three capacities": {func(s *sysfs) {
			for id, c := range []int{300, 300, 300, 300, 800, 800, 800, 1024} {
				s.capacity(id, fmt.Sprintln(c))
			}
		}, []string{"capacity 1024 (1024): cpus 7", "capacity 800 (800): cpus 4-6", "capacity 300 (300): cpus 0-3"}, nil},
		"CPUs without a capacity": {func(s *sysfs) {
			s.capacity(0, "1024\n")
			s.capacity(1, "junk\n")
		}, []string{"capacity 1024 (1024): cpus 0", "other (0): cpus 1-7"}, nil},
		"CPUs without a name": {func(s *sysfs) {
			s.file("sys/devices/cpu_core/cpus", "0-3\n")
			s.file("sys/devices/cpu_atom/cpus", "4-5,9\n")
		}, []string{"core (0): cpus 0-3", "atom (0): cpus 4-5", "other (0): cpus 6-7"}, nil},
		"a CPU with two names": {func(s *sysfs) {
			s.file("sys/devices/cpu_core/cpus", "0-4\n")
			s.file("sys/devices/cpu_atom/cpus", "4-7\n")
		}, []string{"core (0): cpus 0-4", "atom (0): cpus 5-7"}, nil},
		"a list that cannot be read": {func(s *sysfs) {
			s.file("sys/devices/cpu_atom/cpus", "4-x\n")
		}, nil, []string{`sys/devices/cpu_atom/cpus: not a list of CPUs: "4-x\n": no CPU is taken to be in it`}},
	} {
		t.Run(name, func(t *testing.T) {
			m := machineOf(t, func(t *testing.T) *sysfs {
				s := oneSocket(t)
				tc.change(s)
				return s
			})
			got := summarize(m)
			if diff := cmp.Diff(tc.want, got.Classes); diff != "" {
				t.Errorf("classes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.warnings, got.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListsOfCPUs(t *testing.T) {
	for name, tc := range map[string]struct {
		files                       map[string]string
		offline, isolated, nohzFull string
		warnings                    int
	}{
		"a kernel that has none of the files": {},
		"all of them empty":                   {files: map[string]string{"offline": "\n", "isolated": "\n", "nohz_full": "\n"}},
		"a list that was never made":          {files: map[string]string{"nohz_full": "  (null)\n", "isolated": "(null)\n"}},
		"CPUs that could be plugged in":       {files: map[string]string{"offline": "8-127\n", "present": "0-7\n"}},
		"a CPU that is there but off":         {files: map[string]string{"offline": "8-127\n", "present": "0-8\n"}, offline: "8"},
		"an old kernel without present":       {files: map[string]string{"offline": "8-9\n"}, offline: "8-9"},
		"a CPU that went online just now":     {files: map[string]string{"offline": "7-8\n", "present": "0-8\n"}, offline: "8"},
		"isolated CPUs":                       {files: map[string]string{"isolated": "2-3\n", "nohz_full": "3\n"}, isolated: "2-3", nohzFull: "3"},
		"junk":                                {files: map[string]string{"offline": "x\n", "isolated": "1-\n", "nohz_full": "?\n"}, warnings: 3},
	} {
		t.Run(name, func(t *testing.T) {
			m := machineOf(t, func(t *testing.T) *sysfs {
				s := oneSocket(t)
				for _, file := range []string{"offline", "present", "isolated", "nohz_full"} {
					s.remove(cpuDir + "/" + file)
				}
				for file, content := range tc.files {
					s.file(cpuDir+"/"+file, content)
				}
				return s
			})
			if m.Offline.String() != tc.offline || m.Isolated.String() != tc.isolated || m.NohzFull.String() != tc.nohzFull {
				t.Errorf("offline %q, isolated %q, nohz_full %q, want %q, %q, %q",
					m.Offline, m.Isolated, m.NohzFull, tc.offline, tc.isolated, tc.nohzFull)
			}
			if len(m.Warnings) != tc.warnings {
				t.Errorf("warnings %q, want %d", m.Warnings, tc.warnings)
			}
		})
	}
}
