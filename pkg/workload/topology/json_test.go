// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
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
