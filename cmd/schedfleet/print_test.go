// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

func TestPrintGroups(t *testing.T) {
	moved := func(total int64, by *v1alpha1.MigrationDistances) v1alpha1.GroupResult {
		return v1alpha1.GroupResult{Name: "g", Migrations: total, MigrationsByDistance: by}
	}
	for name, tc := range map[string]struct {
		groups []v1alpha1.GroupResult
		want   string
	}{
		"forked workers are only counted": {
			[]v1alpha1.GroupResult{{Name: "g", Kind: "spinWait", CloneMode: v1alpha1.CloneModeFork, Workers: 4, Completed: 4}},
			"g  spinWait        4           0           -    -          -       0s",
		},
		"threads are called so, and who is missing is said": {
			[]v1alpha1.GroupResult{{Name: "g", Kind: "spinWait", CloneMode: v1alpha1.CloneModeThread, Workers: 4, Completed: 3}},
			"g  spinWait  3/4 threads           0           -    -          -       0s",
		},
		"one is a thread": {
			[]v1alpha1.GroupResult{{Name: "g", Kind: "spinWait", CloneMode: v1alpha1.CloneModeThread, Workers: 1, Completed: 1}},
			"g  spinWait  1 thread           0           -    -          -       0s",
		},
		"no migrations have no distances": {
			[]v1alpha1.GroupResult{moved(0, nil)},
			"GROUP  VOLUNTARY SWITCHES  INVOLUNTARY SWITCHES  MIGRATIONS\n      g                   0                     0           0",
		},
		"switches of both kinds": {
			[]v1alpha1.GroupResult{{Name: "g", VoluntarySwitches: 12, InvoluntarySwitches: 34}},
			"g                  12                    34           0",
		},
		"the distances that any group has": {
			[]v1alpha1.GroupResult{
				moved(0, nil),
				moved(3, &v1alpha1.MigrationDistances{SMT: new(int64(1)), Remote: new(int64(2))}),
				moved(4, &v1alpha1.MigrationDistances{Unknown: new(int64(4))}),
				moved(5, nil),
			},
			"MIGRATIONS  SMT  REMOTE  UNKNOWN\n" +
				"      g                   0                     0           0    0       0        0\n" +
				"      g                   0                     0           3    1       2        0\n" +
				"      g                   0                     0           4    0       0        4\n" +
				"      g                   0                     0           5    -       -        -",
		},
		"distances from near to far": {
			[]v1alpha1.GroupResult{moved(3, &v1alpha1.MigrationDistances{
				Node: new(int64(1)), LLC: new(int64(1)), SMT: new(int64(1)), Remote: new(int64(1)), Unknown: new(int64(1)),
			})},
			"SMT  LLC  NODE  REMOTE  UNKNOWN",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			printGroups(&out, tc.groups)
			if !strings.Contains(out.String(), tc.want) {
				t.Errorf("want %q in\n%s", tc.want, out.String())
			}
		})
	}
}

func TestPrintReportSaysWhatTheMachineDid(t *testing.T) {
	for name, tc := range map[string]struct {
		pages *uint64
		want  string
	}{
		"pages that were moved":            {new(uint64(5)), "the kernel moved 5 pages of this machine between NUMA nodes\n"},
		"none that were moved":             {new(uint64(0)), ""},
		"a kernel that does not count any": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			printReport(&out, &report.Report{NUMAPagesMigrated: tc.pages})
			got := ""
			for line := range strings.Lines(out.String()) {
				if strings.Contains(line, "pages") {
					got += line
				}
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
