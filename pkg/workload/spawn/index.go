// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"iter"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// slot is where a worker stands.
type slot struct {
	// worker is its number in the arena.
	worker int
	// region is the number of its set's region, -1 when the kind has none.
	region int
	// position is its place in its set.
	position int
	// pair is the number of its pair of pipes in the group, -1 when the kind has none.
	pair int
}

// bases are what the groups before take up.
type bases struct{ worker, region int }

// slotOf is the index arithmetic: the place of a group's i-th worker. It is the
// same whatever the worker is to the kernel.
func slotOf(b bases, shape work.Shape, i int) slot {
	s := slot{worker: b.worker + i, region: -1, position: i % shape.SetSize, pair: -1}
	if shape.RegionBytes > 0 {
		s.region = b.region + i/shape.SetSize
	}
	if shape.Pipes {
		s.pair = i / 2
	}
	return s
}

// next are the bases of the group after one of the given size.
func (b bases) next(shape work.Shape, workers int) bases {
	b.worker += workers
	if shape.RegionBytes > 0 {
		b.region += workers / shape.SetSize
	}
	return b
}

// basesOf are the bases of each group.
func basesOf(shapes []work.Shape, workers []int) []bases {
	list := make([]bases, len(shapes))
	var at bases
	for g, shape := range shapes {
		list[g] = at
		at = at.next(shape, workers[g])
	}
	return list
}

// layoutOf plans the arena for groups of workers. A zygote keeps what it makes, and
// every fork copies it: so nothing is made that has to be thrown away.
func layoutOf(shapes []work.Shape, workers []int, phases int) arena.Plan {
	end := bases{}
	for g, shape := range shapes {
		end = end.next(shape, workers[g])
	}
	p := arena.Plan{Phases: phases, Workers: make([]arena.WorkerPlan, 0, end.worker), Regions: make([]int, 0, end.region)}
	for g, shape := range shapes {
		for range workers[g] {
			p.Workers = append(p.Workers, arena.WorkerPlan{Histograms: len(shape.Metrics)})
		}
		if shape.RegionBytes > 0 {
			for range workers[g] / shape.SetSize {
				p.Regions = append(p.Regions, shape.RegionBytes)
			}
		}
	}
	return p
}

// process is a process to be made: a worker that is one, or a host with the
// threads of all workers of its groups.
type process struct {
	// host is the number of the host, -1 for a worker.
	host int
	// groups are the host's groups; the worker's group.
	groups []int
	// index is the worker's number in its group.
	index int
}

// groupShape is what decides which processes a group needs.
type groupShape struct {
	threads bool
	// Threads of one process are in one domain of cgroups, under one name.
	domain, process string
	workers         int
}

// processesOf yields the processes with their numbers, in the order they are made: as
// the groups are declared, and a host where the first of its groups is.
func processesOf(groups []groupShape) iter.Seq2[int, process] {
	return func(yield func(int, process) bool) {
		number, hosts := 0, 0
		for g, group := range groups {
			p := process{host: -1, groups: []int{g}}
			count := group.workers
			if group.threads {
				if p.groups = sharers(groups, g); p.groups[0] != g {
					continue // made with an earlier group
				}
				p.host, count = hosts, 1
				hosts++
			}
			for p.index = range count {
				if !yield(number, p) {
					return
				}
				number++
			}
		}
	}
}

// sharers are the groups whose threads are in one process with those of group g.
func sharers(groups []groupShape, g int) []int {
	if groups[g].process == "" {
		return []int{g}
	}
	var list []int
	for other, group := range groups {
		if group.threads && group.process == groups[g].process && group.domain == groups[g].domain {
			list = append(list, other)
		}
	}
	return list
}

// sharesOf divides processes among n zygotes: where the share of each ends. The two
// workers of a pair are forked by the same, which makes their pipes.
func sharesOf(processes []process, n int) []int {
	ends := make([]int, n)
	for k := range ends {
		end := len(processes) * (k + 1) / n
		if end < len(processes) && processes[end].host < 0 && processes[end].index%2 == 1 {
			end++
		}
		ends[k] = end
	}
	return ends
}
