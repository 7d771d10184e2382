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
	// set is the number of its set in the group, position its place in that.
	set, position int
	// region is the number of its set's region, -1 when the kind has none.
	region int
	// link is the number of its set's virtual Ethernet pair, -1 when the kind has none.
	link int
}

// bases are what the groups before take up.
type bases struct{ worker, region, link int }

// slotOf is the index arithmetic: the place of a group's i-th worker. It is the
// same whatever the worker is to the kernel.
func slotOf(b bases, shape *work.Shape, i int) slot {
	s := slot{worker: b.worker + i, set: i / shape.SetSize, position: i % shape.SetSize, region: -1, link: -1}
	if shape.RegionBytes > 0 {
		s.region = b.region + s.set
	}
	if shape.Opens.Packets {
		s.link = b.link + s.set
	}
	return s
}

// next are the bases of the group after one of the given size.
func (b bases) next(shape *work.Shape, workers int) bases {
	b.worker += workers
	if shape.RegionBytes > 0 {
		b.region += workers / shape.SetSize
	}
	if shape.Opens.Packets {
		b.link += workers / shape.SetSize
	}
	return b
}

// basesOf are the bases of each group, and the end of the last.
func basesOf(shapes []work.Shape, workers []int) (list []bases, end bases) {
	list = make([]bases, len(shapes))
	for g := range shapes {
		list[g] = end
		end = end.next(&shapes[g], workers[g])
	}
	return list, end
}

// layoutOf plans the arena for groups of workers. A zygote keeps what it makes, and
// every fork copies it: so nothing is made that has to be thrown away.
func layoutOf(shapes []work.Shape, workers []int, phases int) arena.Plan {
	_, end := basesOf(shapes, workers)
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

// process is a process to be made: a worker that is one, or a host with threads.
type process struct {
	// host is the number of the host, -1 for a worker.
	host int
	// groups are those whose workers it has.
	groups []int
	// first and workers say which of its group's, if it has only one.
	first, workers int
	// together is how many processes one zygote has to make, because they open
	// something together: this one's number among them is first modulo that.
	together int
}

// groupShape is what decides which processes a group needs.
type groupShape struct {
	threads bool
	// Threads of one process are in one domain of cgroups, under one name.
	domain, process string
	workers         int
	// program is the size of a set that is a process of its own, 0 if none is.
	program int
	// together is the size of a set that opens something together, else 1.
	together int
}

// newGroupShape is that of a group of work.
func newGroupShape(shape *work.Shape, threads bool, domain, process string, workers int) groupShape {
	g := groupShape{threads: threads, domain: domain, process: process, workers: workers, together: 1}
	switch {
	case threads:
	case shape.OneProcess:
		g.program = shape.SetSize
	case shape.Opens.Ring || shape.Opens.Epoll:
		g.together = shape.SetSize
	}
	return g
}

// processesOf yields the processes with their numbers, in the order they are made: as
// the groups are declared, and a host where the first of its groups is.
func processesOf(groups []groupShape) iter.Seq2[int, process] {
	return func(yield func(int, process) bool) {
		number, hosts := 0, 0
		for g, group := range groups {
			p := process{host: -1, groups: []int{g}, workers: 1, together: group.together}
			if group.threads {
				if p.groups = sharers(groups, g); p.groups[0] != g {
					continue // made with an earlier group
				}
				p.workers = group.workers
			} else if group.program > 0 {
				p.workers = group.program
			}
			for p.first = 0; p.first < group.workers; p.first += p.workers {
				if group.threads || group.program > 0 {
					p.host = hosts
					hosts++
				}
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

// part is which of a group's workers a process has, given how many there are.
func (p *process) part(workers int) (first, count int) {
	if len(p.groups) > 1 {
		return 0, workers
	}
	return p.first, p.workers
}

// sharesOf divides processes among n zygotes: where the share of each ends. Those
// that open something together are forked by the same one.
func sharesOf(processes []process, n int) []int {
	ends := make([]int, n)
	for k := range ends {
		end := len(processes) * (k + 1) / n
		for end < len(processes) && processes[end].first%processes[end].together != 0 {
			end++
		}
		ends[k] = end
	}
	return ends
}
