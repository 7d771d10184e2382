// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// everyStep is steps and checks with every member that the model has.
const everyStep = `"steps": [
    {"name": "a", "cgroups": ["app"], "groups": ["a"], "hold": {"fixed": "1s"}, "repeatOpsEvery": "10ms", "ops": [
      {"createCgroup": {"cgroup": "b"}}, {"removeCgroup": {"cgroup": "b"}}, {"startGroup": {"group": "b"}}, {"stopGroup": {"group": "b"}},
      {"waitGroup": {"group": "b", "timeout": "1s"}}, {"moveGroup": {"group": "b", "cgroup": "c"}}, {"clearCpuset": {"cgroup": "c"}},
      {"swapCpusets": {"a": "d", "b": "e"}}, {"freezeCgroup": {"cgroup": "d"}}, {"thawCgroup": {"cgroup": "d"}}, {"setNice": {"group": "b", "nice": 0}},
      {"setSchedulingPolicy": {"group": "b", "schedulingPolicy": "b"}}, {"offlineCPUs": {"exact": "1"}}, {"onlineCPUs": {"last": 1}}]},
    {"name": "b", "hold": {"percent": 5}, "ops": [{"offlineCPUs": {"last": 1}}, {"onlineCPUs": {"exact": "1"}},
      {"setCpuset": {"cgroup": "c", "cpuset": {"exact": "0-3", "mems": "0", "partition": "Root"}}}, {"setCpuset": {"cgroup": "c", "cpuset": {"llc": 0}}},
      {"setCpuset": {"cgroup": "c", "cpuset": {"numaNode": 0}}}, {"setCpuset": {"cgroup": "c", "cpuset": {"range": {"startPercent": 0, "endPercent": 50}}}},
      {"setCpuset": {"cgroup": "c", "cpuset": {"disjoint": {"index": 0, "of": 2}}}}, {"setCpuset": {"cgroup": "c", "cpuset": {"overlap": {"index": 0, "of": 2, "percent": 0}}}},
      {"setCgroup": {"cgroup": "c", "cpu": {"weight": 1, "idle": true, "quota": "2ms", "period": "3ms", "burst": "1ms", "uclampMinPercent": 0, "uclampMaxPercent": 100},
        "memory": {"min": "0", "low": "1Ki", "high": "1Mi", "max": "1Gi", "swapMax": "4097"}, "pidsMax": 9,
        "io": {"weight": 5, "limits": [{"device": "8:0", "readBytesPerSecond": "1Mi", "writeBytesPerSecond": "1", "readOperationsPerSecond": 2, "writeOperationsPerSecond": 3}]}}}]},
    {"name": "c", "hold": {"remaining": {}}, "ops": [
      {"setAffinity": {"group": "a", "affinity": {"exact": "0"}}}, {"setAffinity": {"group": "a", "affinity": {"singleCPU": {}}}}, {"setAffinity": {"group": "a", "affinity": {"lowestCPUs": {"count": 1}}}},
      {"setAffinity": {"group": "a", "affinity": {"randomSubset": {"from": "0-1", "count": 1}}}}, {"setAffinity": {"group": "a", "affinity": {"llcAligned": {}}}},
      {"setAffinity": {"group": "a", "affinity": {"smtSiblingPair": {}}}}, {"setAffinity": {"group": "a", "affinity": {"crossCgroup": {}}}}]}],
  "checks": [{"name": "a", "metric": "RunDelay", "groups": ["a"], "cgroups": ["app"], "steps": ["a"], "statistic": "Percentile", "percentile": "99.9",
    "distance": "Core", "programMetric": "iops", "max": "10ms", "min": "1us", "expect": "Fail"}],
`

// Amounts in ops are read as those of cgroups, in whatever form they are.
func TestAmountsInOpsAreAmounts(t *testing.T) {
	read := func(amount string) (*spec.Run, error) {
		var run v1alpha1.RunSpec
		text := `{"duration": "1s", "seed": 1, "groups": [], "steps": [{"name": "s", "hold": {"fixed": "1s"}, "ops": [{"setCgroup": {"cgroup": "c",
			"memory": {"max": "` + amount + `"}, "io": {"limits": [{"device": "8:0", "readBytesPerSecond": "` + amount + `"}]}}}]}]}`
		if err := json.Unmarshal([]byte(text), &run); err != nil {
			t.Fatal(err)
		}
		return Model(&run)
	}
	got, err := read("1e6")
	if err != nil {
		t.Fatal(err)
	}
	million := quantity.Bytes(1_000_000)
	want := &spec.SetCgroupOp{
		Cgroup: "c", Memory: &spec.CgroupMemory{Max: &million}, IO: &spec.CgroupIO{Limits: []spec.IOLimit{{Device: "8:0", ReadBytesPerSecond: &million}}},
	}
	if diff := cmp.Diff(want, got.Steps[0].Ops[0].SetCgroup); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = read("1m")
	if want := "steps[0].ops[0].setCgroup.memory.max: must be a whole number of bytes of at least 0, such as 64Mi, not 1m"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
