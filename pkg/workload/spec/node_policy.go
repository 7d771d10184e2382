// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"slices"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
)

// Policy is what a node lets runs do. The zero value allows nothing that could harm
// the machine, and bounds nothing else.
type Policy struct {
	// DangerousWork allows kinds of work that can harm what else runs on the node.
	DangerousWork bool `json:"dangerousWork,omitempty"`
	// Programs are the absolute paths of the programs that runs may execute, by the
	// name that manifests use.
	Programs map[string]string `json:"programs,omitempty"`
	// Devices are the paths of block devices whose content runs may destroy.
	Devices []string `json:"devices,omitempty"`
	// CPUHotplug allows taking CPUs offline.
	CPUHotplug bool `json:"cpuHotplug,omitempty"`
	// Scratch is the directory of scratch files; empty, it is the system's for temporary files.
	Scratch string `json:"scratch,omitempty"`

	// Bounds are how much of the rest runs may have.
	Bounds
}

// refuses says what of a run the policy does not allow; of no policy, nothing is known.
func (p *Policy) refuses(r *Run, has map[string]capability.State) error {
	if p == nil {
		return nil
	}
	if err := p.lacking(has); err != nil {
		return err
	}
	for i := range r.Groups {
		kind, err := r.Groups[i].Work.Kind()
		if err != nil {
			return err
		}
		shape := kind.Shape()
		if shape.Dangerous && !p.DangerousWork {
			return fmt.Errorf("does not allow dangerous work, which groups[%d].work.%s is", i, kind.Name())
		}
		if file := shape.Opens.File; file != nil && file.Device != "" && !slices.Contains(p.Devices, file.Device) {
			return fmt.Errorf("does not offer the device %s, which groups[%d].work.%s.device names", file.Device, i, kind.Name())
		}
		if e := r.Groups[i].Work.Exec; e != nil {
			if name := e.ProgramName(); p.Programs[name] == "" {
				return fmt.Errorf("does not offer the program %s, which groups[%d].work.exec.program names", name, i)
			}
		}
	}
	if field := r.hotplugs(); field != "" && !p.CPUHotplug {
		return fmt.Errorf("does not allow taking CPUs offline, which %s does", field)
	}
	return p.refuse(r)
}

// hotplugs is the first op that takes CPUs offline, empty if there is none.
func (r *Run) hotplugs() string {
	for i := range r.Steps {
		for j := range r.Steps[i].Ops {
			if r.Steps[i].Ops[j].OfflineCPUs != nil {
				return fmt.Sprintf("steps[%d].ops[%d].offlineCPUs", i, j)
			}
		}
	}
	return ""
}
