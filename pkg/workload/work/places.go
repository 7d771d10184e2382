// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "github.com/schedfleet/schedfleet/pkg/workload/arena"

// Places says by CPU number which core, last-level cache and NUMA node a CPU
// belongs to; -1 is unknown. Numbers are unique in the machine.
type Places struct {
	Core []int32 `json:"core,omitempty"`
	LLC  []int32 `json:"llc,omitempty"`
	Node []int32 `json:"node,omitempty"`
}

// distance is how far it is from one CPU to another.
func (p *Places) distance(from, to uint32) arena.Distance {
	switch {
	case p == nil || int(max(from, to)) >= min(len(p.Core), len(p.LLC), len(p.Node)):
		return arena.DistanceUnknown
	case same(p.Core, from, to):
		return arena.DistanceSMT
	case same(p.LLC, from, to):
		return arena.DistanceLLC
	case same(p.Node, from, to):
		return arena.DistanceNode
	case p.Node[from] < 0 || p.Node[to] < 0:
		return arena.DistanceUnknown
	default:
		return arena.DistanceRemote
	}
}

func same(of []int32, a, b uint32) bool { return of[a] >= 0 && of[a] == of[b] }
