// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/controllers/placement"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// plannedRun is a run on machines that are alike for it.
type plannedRun struct {
	Nodes   []string        `json:"nodes"`
	Shape   string          `json:"shape,omitempty"`
	Cgroups []plannedCgroup `json:"cgroups,omitempty"`
	Groups  []plannedGroup  `json:"groups"`
}

// plannedCgroup is what is written for a cgroup; what is empty is inherited.
type plannedCgroup struct {
	Name string `json:"name"`
	CPUs string `json:"cpus,omitempty"`
	Mems string `json:"mems,omitempty"`
}

type plannedGroup struct {
	Name    string `json:"name"`
	Workers int    `json:"workers"`
	Cgroup  string `json:"cgroup,omitempty"`
	// CPUs are those that the workers can have, whatever their affinity.
	CPUs string `json:"cpus"`
	// Affinity is that of each worker; one entry is for all, and none is inherited.
	Affinity []string `json:"affinity,omitempty"`
}

// plannedRuns resolves the run by the engine's own code on what the nodes that fit
// have published, once for all that are alike.
func plannedRuns(run *v1alpha1.RunSpec, outlooks []placement.Outlook) ([]plannedRun, error) {
	model, err := manifest.Model(run)
	if err != nil {
		return nil, err
	}
	var runs []plannedRun
	known := map[manifest.MachineDigest]int{}
	for _, o := range outlooks {
		if o.Fate == placement.Excluded {
			continue
		}
		i, seen := known[o.Node.Machine]
		if !seen {
			next, err := resolved(model, o.Node)
			if err != nil {
				return nil, fmt.Errorf("resolving the run on test node %s: %w", o.Node.Name, err)
			}
			i = len(runs)
			known[o.Node.Machine] = i
			runs = append(runs, next)
		}
		runs[i].Nodes = append(runs[i].Nodes, o.Node.Name)
	}
	return runs, nil
}

func resolved(run *spec.Run, n *placement.Node) (plannedRun, error) {
	machine, err := manifest.Machine(&n.Status)
	if err != nil {
		return plannedRun{}, err
	}
	on, err := run.Resolve(machine)
	if err != nil {
		return plannedRun{}, err
	}
	out := plannedRun{Shape: n.Status.Topology.Shape}
	for _, c := range on.Cgroups {
		out.Cgroups = append(out.Cgroups, plannedCgroup{Name: c.Name, CPUs: c.CPUs.String(), Mems: c.Mems.String()})
	}
	for i := range on.Groups {
		g := &on.Groups[i]
		planned := plannedGroup{Name: g.Name, Workers: g.Workers, Cgroup: g.Cgroup, CPUs: g.Pool.String()}
		for _, set := range g.CPUs {
			planned.Affinity = append(planned.Affinity, set.String())
		}
		out.Groups = append(out.Groups, planned)
	}
	return out, nil
}
