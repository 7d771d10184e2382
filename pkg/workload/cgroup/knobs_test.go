// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"
)

func TestKnobsInTheOrderTheyAreWritten(t *testing.T) {
	for name, tc := range map[string]struct {
		give            Settings
		want            []string // file and value
		wantControllers []string
	}{
		"nothing": {},
		"everything": {
			give: Settings{
				CPUs: cpuset.New(0, 1, 4), Mems: cpuset.New(1), Partition: "isolated",
				CPU: CPUSettings{
					Weight: new(200), Quota: 50 * time.Millisecond, Period: 20 * time.Millisecond, Burst: time.Millisecond,
					UclampMinPercent: new(5), UclampMaxPercent: new(100),
				},
				Memory: MemorySettings{
					Min: new(int64(4096)), Low: new(int64(8192)), High: new(int64(16384)), Max: new(int64(32768)), SwapMax: new(int64(0)),
				},
				IO: IOSettings{Weight: new(50), Limits: []IOLimit{
					{Device: "8:0", ReadBytesPerSecond: new(int64(1)), WriteBytesPerSecond: new(int64(2)), ReadOperationsPerSecond: new(int64(3)), WriteOperationsPerSecond: new(int64(4))},
					{Device: "8:16", WriteOperationsPerSecond: new(int64(5))},
				}},
				PidsMax: new(int64(7)),
			},
			want: []string{
				"cpuset.cpus 0-1,4", "cpuset.mems 1", "cpuset.cpus.partition isolated",
				"cpu.weight 200", "cpu.max 50000 20000", "cpu.max.burst 1000", "cpu.uclamp.min 5.00", "cpu.uclamp.max max",
				"memory.max 32768", "memory.high 16384", "memory.low 8192", "memory.min 4096", "memory.swap.max 0",
				"io.weight default 50", "io.max 8:0 rbps=1 wbps=2 riops=3 wiops=4", "io.max 8:16 wiops=5", "pids.max 7",
			},
			wantControllers: []string{"cpu", "cpuset", "io", "memory", "pids"},
		},
		"a limit of memory resets the others": {
			give:            Settings{Memory: MemorySettings{Low: new(int64(4096))}},
			want:            []string{"memory.max max", "memory.high max", "memory.low 4096"},
			wantControllers: []string{"memory"},
		},
		"protected memory is no limit": {
			give: Settings{Memory: MemorySettings{Min: new(int64(4096))}}, want: []string{"memory.min 4096"}, wantControllers: []string{"memory"},
		},
		"idle":         {give: Settings{CPU: CPUSettings{Idle: true}}, want: []string{"cpu.idle 1"}, wantControllers: []string{"cpu"}},
		"a bare quota": {give: Settings{CPU: CPUSettings{Quota: time.Second}}, want: []string{"cpu.max 1000000 100000"}, wantControllers: []string{"cpu"}},
		"a bare period": {
			give: Settings{CPU: CPUSettings{Period: time.Second}}, want: []string{"cpu.max max 1000000"}, wantControllers: []string{"cpu"},
		},
		"threads need no controller": {give: Settings{Threaded: true}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, k := range tc.give.knobs() {
				got = append(got, k.file+" "+k.value)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("knobs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantControllers, tc.give.Controllers()); diff != "" {
				t.Errorf("controllers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatTheKernelMayShow(t *testing.T) {
	page := int64(os.Getpagesize())
	limit := IOLimit{Device: "8:0", ReadBytesPerSecond: new(int64(10)), WriteOperationsPerSecond: new(int64(20))}
	for name, tc := range map[string]struct {
		knob knob
		got  string
		want bool
	}{
		"whole pages":              {bytesKnob("memory.max", new(3*page), ""), decimal(3 * page), true},
		"a part of a page less":    {bytesKnob("memory.max", new(3*page+page/2), ""), decimal(3 * page), true},
		"rounded up":               {bytesKnob("memory.max", new(3*page-1), ""), decimal(3 * page), false},
		"no limit for a limit":     {bytesKnob("memory.max", new(3*page), ""), "max", false},
		"no limit for too much":    {bytesKnob("memory.max", new(int64(math.MaxInt64)), ""), "max", true},
		"the limits of a device":   {limit.knob(), "7:0 rbps=1 wbps=max riops=max wiops=max\n8:0 rbps=10 wbps=max riops=max wiops=20", true},
		"another limit":            {limit.knob(), "8:0 rbps=10 wbps=max riops=max wiops=21", false},
		"limits of another device": {limit.knob(), "8:1 rbps=10 wbps=max riops=max wiops=20", false},
		"no limits at all":         {limit.knob(), "", false},
		"weight with devices":      {(&IOSettings{Weight: new(5)}).knobs()[0], "default 5\n8:0 7", true},
		"another weight":           {(&IOSettings{Weight: new(5)}).knobs()[0], "default 50", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.knob.holds(tc.got); got != tc.want {
				t.Errorf("asked for %q, read %q: held to be right: %v", tc.knob.value, tc.got, got)
			}
		})
	}
}

func decimal(n int64) string { return (&Settings{PidsMax: &n}).knobs()[0].value }

// fake is a directory whose files are written by nobody but the test.
func fake(t *testing.T, files map[string]string) *Dir {
	t.Helper()
	d := &Dir{path: t.TempDir()}
	for name, content := range files {
		if err := os.WriteFile(d.file(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestADifferenceNamesFileAskedAndGot(t *testing.T) {
	weight := &Settings{CPU: CPUSettings{Weight: new(50)}}
	partition := &Settings{CPUs: cpuset.New(0, 1), Partition: "root"}
	for name, tc := range map[string]struct {
		node  node
		taken cpuset.CPUSet
		files map[string]string
		want  []string // of the error; none: no error
	}{
		"as asked":        {node: node{settings: weight}, files: map[string]string{"cgroup.type": "domain\n", "cpu.weight": "50\n"}},
		"with threads":    {node: node{}, files: map[string]string{"cgroup.type": "domain threaded\n"}},
		"another weight":  {node: node{settings: weight}, files: map[string]string{"cgroup.type": "domain\n", "cpu.weight": "100\n"}, want: []string{"cpu.weight", `"50"`, `"100"`}},
		"not threaded":    {node: node{threaded: true}, files: map[string]string{"cgroup.type": "domain\n"}, want: []string{"cgroup.type", `"threaded"`, `"domain"`}},
		"made invalid":    {node: node{settings: weight}, files: map[string]string{"cgroup.type": "domain invalid\n"}, want: []string{"cgroup.type", `"domain invalid"`}},
		"no partition":    {node: node{settings: partition}, files: map[string]string{"cgroup.type": "domain\n", partitionFile: "root invalid (Parent is not a partition root)\n"}, want: []string{partitionFile, "Parent is not a partition root"}},
		"fewer CPUs":      {node: node{settings: partition}, files: map[string]string{"cgroup.type": "domain\n", partitionFile: "root\n", effectiveCPUs: "1\n"}, want: []string{effectiveCPUs, `"0-1"`, `"1"`}},
		"CPUs given away": {node: node{settings: partition}, taken: cpuset.New(0), files: map[string]string{"cgroup.type": "domain\n", partitionFile: "root\n", effectiveCPUs: "1\n"}},
		"all given away":  {node: node{settings: partition}, taken: cpuset.New(0, 1), files: map[string]string{"cgroup.type": "domain\n", partitionFile: "root\n"}},
		"other nodes":     {node: node{settings: &Settings{Mems: cpuset.New(1)}}, files: map[string]string{"cgroup.type": "domain\n", effectiveMems: "0-1\n"}, want: []string{effectiveMems, `"1"`, `"0-1"`}},
	} {
		t.Run(name, func(t *testing.T) {
			err := verify(fake(t, tc.files), &tc.node, tc.taken)
			if len(tc.want) == 0 && err != nil {
				t.Errorf("error %v", err)
			}
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
		})
	}
}

func TestAMissingFileSaysWhatTheKernelLacks(t *testing.T) {
	for want, give := range map[string]Settings{
		"no swap accounting":         {Memory: MemorySettings{SwapMax: new(int64(0))}},
		"BFQ":                        {IO: IOSettings{Weight: new(5)}},
		"CONFIG_BLK_DEV_THROTTLING":  {IO: IOSettings{Limits: []IOLimit{{Device: "8:0"}}}},
		"CONFIG_UCLAMP_TASK_GROUP":   {CPU: CPUSettings{UclampMinPercent: new(5)}},
		"Linux 5.15":                 {CPU: CPUSettings{Idle: true}},
		"Linux 5.14":                 {CPU: CPUSettings{Burst: time.Second}},
		"CONFIG_CFS_BANDWIDTH":       {CPU: CPUSettings{Quota: time.Second}},
		"this kernel does not have":  {PidsMax: new(int64(1))},
		"cgroup.controllers \"cpu\"": {CPUs: cpuset.New(0)},
	} {
		t.Run(want, func(t *testing.T) {
			err := apply(fake(t, map[string]string{controllersFile: "cpu\n"}), &node{settings: &give})
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		})
	}
	err := apply(fake(t, nil), &node{exclusive: cpuset.New(0)})
	if err == nil || !strings.Contains(err.Error(), "Linux 6.7") {
		t.Errorf("error %v, want one with the version that has %s", err, exclusiveFile)
	}
}
