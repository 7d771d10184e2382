// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// Exit codes of a worker or a host. They are above those of the Go runtime.
const (
	exitDone    = 0
	exitOrphan  = 71 // the parent was gone before the death signal was armed
	exitAborted = 72 // told to leave before the start
	exitPanic   = 73 // its code failed
	exitSetup   = 74 // a set-up step failed without which it must not run
)

// groupPlan is what the zygote is told of a group.
type groupPlan struct {
	Work    work.Spec `json:"work"`
	Workers int       `json:"workers"`
	Threads bool      `json:"threads,omitempty"`
	// Process is the name of the process that hosts the threads.
	Process string `json:"process,omitempty"`
	Comm    string `json:"comm"`
	// Numbered says that the worker's number is added to Comm.
	Numbered bool `json:"numbered,omitempty"`
	// Classes are the scheduling classes by position in the set, or one for all.
	Classes []work.Class        `json:"classes"`
	Nice    *int                `json:"nice,omitempty"`
	Memory  *spec.MempolicyCall `json:"memory,omitempty"`
	UID     *int64              `json:"uid,omitempty"`
	GID     *int64              `json:"gid,omitempty"`
	// CPUs are masks of 64-bit words: none, one for all, or one for each worker.
	CPUs [][]uint64 `json:"cpus,omitempty"`
	// Domain tells hosts apart; Cgroup is the position of the cgroup's
	// descriptor among those passed, -1 for none.
	Domain string `json:"domain"`
	Cgroup int    `json:"cgroup"`
	// Enters are the positions of the cgroups that its workers can write to.
	Enters []int `json:"enters,omitempty"`
	// Programs are what its workers become.
	Programs []programPlan `json:"programs,omitempty"`
	// Elsewhere is how many workers of the whole run are before the group's and not in this
	// part of it, FirstLink the number of its first network pair.
	Elsewhere int `json:"elsewhere,omitempty"`
	FirstLink int `json:"firstLink,omitempty"`
}

// programPlan is what the zygote is told of a program.
type programPlan struct {
	Path string   `json:"path"`
	Args []string `json:"args"`
	Env  []string `json:"env"`
	// Output is the position of its standard output among the descriptors passed; that of
	// its standard error follows.
	Output int `json:"output"`
}

// plan is what the zygote is told.
type plan struct {
	Parent int          `json:"parent"`
	Phases int          `json:"phases"`
	Seed   int64        `json:"seed"`
	Places *work.Places `json:"places,omitempty"`
	// Scratch is the directory of files, Network says that the descriptor of a
	// network namespace follows those of the cgroups.
	Scratch string `json:"scratch,omitempty"`
	Network bool   `json:"network,omitempty"`
	// Cgroups is how many descriptors of cgroups are passed, Outputs how many that
	// programs write to.
	Cgroups int         `json:"cgroups"`
	Outputs int         `json:"outputs,omitempty"`
	Groups  []groupPlan `json:"groups"`
	// From and To are the processes a zygote makes.
	From int `json:"from"`
	To   int `json:"to"`
}

// newPlan makes the plan, and the list of descriptors that go with it: the cgroups in
// the order it numbers them, then the network.
func newPlan(cfg *Config) (plan, []*os.File) {
	p := plan{
		Parent: os.Getpid(), Phases: cfg.Phases, Seed: cfg.Run.Run.Seed, Places: cfg.Places,
		Scratch: cmp.Or(cfg.Scratch, os.TempDir()), Network: cfg.Network != nil,
	}
	names := slices.Sorted(maps.Keys(cfg.Cgroups))
	p.Cgroups = len(names)
	whole, here := cfg.wholeBases(), basesByName(cfg.Run)
	for i := range cfg.Run.Groups {
		g := &cfg.Run.Groups[i]
		gp := groupPlan{
			Work: work.SpecOf(g.Kind), Workers: g.Workers, Threads: g.CloneMode == spec.CloneModeThread, Process: g.ProcessName, Comm: g.Comm,
			Nice: g.Nice, Memory: g.Memory, UID: g.UID, GID: g.GID, Domain: g.Domain,
			Classes: classesOf(g), Cgroup: slices.Index(names, g.Cgroup), Enters: entersOf(g, names),
			Elsewhere: whole[g.Name].worker - here[g.Name].worker, FirstLink: whole[g.Name].link,
		}
		gp.Numbered = gp.Threads && cfg.Run.Run.Groups[i].Comm == ""
		for _, set := range g.CPUs {
			gp.CPUs = append(gp.CPUs, maskOf(set.List()))
		}
		p.Groups = append(p.Groups, gp)
	}
	files := make([]*os.File, len(names))
	for n, name := range names {
		files[n] = cfg.Cgroups[name]
	}
	if cfg.Network != nil {
		files = append(files, cfg.Network)
	}
	return p, files
}

// classesOf are the scheduling classes of a group's workers by position.
func classesOf(g *spec.ResolvedGroup) []work.Class {
	shape := g.Kind.Shape()
	if len(shape.Roles) == 0 {
		return []work.Class{g.Class(0)}
	}
	var list []work.Class
	for position := range shape.SetSize {
		list = append(list, g.Class(position))
	}
	return list
}

// wholeBases are the bases of all groups of the run that Run is a part of.
func (cfg *Config) wholeBases() map[string]bases {
	if cfg.Whole == nil {
		return basesByName(cfg.Run)
	}
	return basesByName(cfg.Whole)
}

// basesByName are the bases of each group of a run.
func basesByName(run *spec.Resolved) map[string]bases {
	list, _ := basesOf(shapesOf(run))
	byName := make(map[string]bases, len(list))
	for i, b := range list {
		byName[run.Groups[i].Name] = b
	}
	return byName
}

// LeafName is the name in Config.Cgroups of the n-th cgroup that the workers of a
// group move between.
func LeafName(group string, n int) string { return fmt.Sprintf("@leaf-%s-%d", group, n) }

// entersOf are the positions of the cgroups that a group's workers can write to.
func entersOf(g *spec.ResolvedGroup, names []string) []int {
	opens := g.Kind.Shape().Opens
	if opens.Cgroup != "" {
		return []int{slices.Index(names, opens.Cgroup)}
	}
	var list []int
	for n := range opens.Leaves {
		list = append(list, slices.Index(names, LeafName(g.Name, n)))
	}
	return list
}

// mine says whether the zygote makes the n-th process.
func (p *plan) mine(n int) bool { return p.From <= n && n < p.To }

// shapes are what decides the processes of the groups, given what their work needs.
func (p *plan) shapes(shapes []work.Shape) []groupShape {
	var list []groupShape
	for i := range p.Groups {
		g := &p.Groups[i]
		list = append(list, newGroupShape(&shapes[i], g.Threads, g.Domain, g.Process, g.Workers))
	}
	return list
}

// maskOf is the kernel's form of a set of CPUs.
func maskOf(cpus []int) []uint64 {
	var mask []uint64
	for _, cpu := range cpus {
		for cpu/64 >= len(mask) {
			mask = append(mask, 0)
		}
		mask[cpu/64] |= 1 << (cpu % 64)
	}
	return mask
}

// taskName is a name as the kernel takes it: at most 15 bytes and a zero byte.
type taskName [16]byte

func newTaskName(text string) taskName {
	var name taskName
	copy(name[:len(name)-1], text)
	return name
}

// numberedName keeps the worker's number whole and cuts what is before it.
func numberedName(text string, i int) taskName {
	number := "/" + strconv.Itoa(i)
	var none taskName
	return newTaskName(text[:min(len(text), len(none)-1-len(number))] + number)
}
