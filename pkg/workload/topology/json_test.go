// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/cpuset"
)

func TestJSON(t *testing.T) {
	m := machineOf(t, func(t *testing.T) *sysfs {
		s := small(t)
		s.node(0, 8<<20, 4<<20, "10 50", 0, 1)
		s.node(2, 64<<20, 64<<20, "50 10")
		s.file(cpuDir+"/online", "0-2\n")
		s.file(cpuDir+"/offline", "3\n")
		s.file(cpuDir+"/isolated", "1\n")
		s.file(cpuDir+"/nohz_full", "0-1\n")
		return s
	})
	got, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
	"shape": "2n1l2c1t",
	"numaNodes": 2,
	"llcs": 1,
	"cores": 2,
	"cpus": 2,
	"smt": false,
	"onlineCPUs": "0-1",
	"offlineCPUs": "3",
	"isolatedCPUs": "1",
	"nohzFullCPUs": "0-1",
	"memoryNodes": "0,2",
	"nodes": [
		{
			"id": 0,
			"memoryKiB": 8388608,
			"memoryFreeKiB": 4194304,
			"distances": [
				10,
				50
			],
			"cpus": "0-1"
		},
		{
			"id": 2,
			"memoryKiB": 67108864,
			"memoryFreeKiB": 67108864,
			"distances": [
				50,
				10
			],
			"cpus": ""
		}
	],
	"caches": [
		{
			"id": 0,
			"level": 3,
			"sizeKiB": 32768,
			"node": 0,
			"cores": [
				{
					"id": 0,
					"cpus": "0"
				},
				{
					"id": 1,
					"cpus": "1"
				}
			],
			"cpus": "0-1"
		}
	],
	"classes": [
		{
			"name": "uniform",
			"capacity": 0,
			"cpus": "0-1"
		}
	],
	"places": [
		{
			"cpu": 0,
			"package": 0,
			"llc": 0,
			"node": 0
		},
		{
			"cpu": 1,
			"package": 0,
			"llc": 0,
			"node": 0
		}
	],
	"warnings": [
		"CPUs 2: online, but without a directory in sysfs: left out"
	]
}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	var again Machine
	if err := json.Unmarshal(got, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, &again, cmp.Comparer(cpuset.CPUSet.Equals)); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
}

func TestJSONOfNoMachine(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"with a list without an end":     {`{"offlineCPUs": "0-99999999999"}`, "is not a list of ascending numbers below 8192"},
		"with a list that is none":       {`{"nodes": [{"cpus": "a"}]}`, "is not a list of ascending numbers"},
		"with a list of a cache too big": {`{"caches": [{"cores": [{"cpus": "8192"}]}]}`, "is not a list of ascending numbers"},
		"with a list out of order":       {`{"isolatedCPUs": "3,1"}`, "is not a list of ascending numbers"},
		"with a number twice":            {`{"isolatedCPUs": "0-3,3"}`, "is not a list of ascending numbers"},
		"with a CPU at no cache":         {`{"places": [{"cpu": 3, "llc": 1}]}`, "CPU 3 is at cache 1 of 0"},
		"with a distance to nowhere":     {`{"nodes": [{"id": 1, "distances": [10, 20]}]}`, "node 1 has 2 distances to 1 nodes"},
	} {
		t.Run(name, func(t *testing.T) {
			var m Machine
			if err := json.Unmarshal([]byte(tc.text), &m); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestJSONWithoutPointers(t *testing.T) {
	m := synthetic(t, "2n4l3c2t")
	pointer, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	value, err := json.Marshal(*m)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(pointer), string(value)); diff != "" {
		t.Errorf("JSON of a value (-of a pointer +of the value):\n%s", diff)
	}
}
