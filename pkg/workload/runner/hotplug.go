// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/hotplug"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// hostRoot is the root of this machine's files.
const hostRoot = "/"

// openCPUs prepares what a run does with CPUs; nil if it leaves them alone. usable are the CPUs it can use.
func openCPUs(runID string, run *spec.Resolved, usable cpuset.CPUSet) (*hotplug.CPUs, error) {
	if run.Script == nil {
		return nil, nil
	}
	changed := cpuset.New()
	for i := range run.Script.Steps {
		for _, op := range run.Script.Steps[i].Ops {
			if op.OfflineCPUs != nil || op.OnlineCPUs != nil {
				changed = changed.Union(op.CPUs)
			}
		}
	}
	if changed.IsEmpty() {
		return nil, nil
	}
	return hotplug.Open(hostRoot, runID, changed, usable)
}
