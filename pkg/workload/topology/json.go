// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/utils/cpuset"
)

// machineJSON is a machine for other programs. The names it shares with a
// TestNode's status.topology mean the same there; sets are lists such as "0-3,8".
type machineJSON struct {
	Shape        string   `json:"shape"`
	NUMANodes    int      `json:"numaNodes"`
	LastLevel    int      `json:"llcs"`
	Cores        int      `json:"cores"`
	CPUs         int      `json:"cpus"`
	SMT          bool     `json:"smt"`
	OnlineCPUs   string   `json:"onlineCPUs"`
	OfflineCPUs  string   `json:"offlineCPUs"`
	IsolatedCPUs string   `json:"isolatedCPUs"`
	NohzFullCPUs string   `json:"nohzFullCPUs"`
	MemoryNodes  string   `json:"memoryNodes"`
	Nodes        []Node   `json:"nodes"`
	Caches       []LLC    `json:"caches"`
	Classes      []Class  `json:"classes"`
	Places       []CPU    `json:"places"`
	Warnings     []string `json:"warnings,omitempty"`
}

// MarshalJSON writes the whole model, what is derived from it included.
func (m Machine) MarshalJSON() ([]byte, error) {
	return json.Marshal(machineJSON{
		Shape: m.Shape(), NUMANodes: len(m.Nodes), LastLevel: len(m.LLCs), Cores: m.Cores(), CPUs: len(m.CPUs), SMT: m.SMT(),
		OnlineCPUs: m.Online().String(), OfflineCPUs: m.Offline.String(), IsolatedCPUs: m.Isolated.String(),
		NohzFullCPUs: m.NohzFull.String(), MemoryNodes: m.MemoryNodes().String(),
		Nodes: m.Nodes, Caches: m.LLCs, Classes: m.Classes, Places: m.CPUs, Warnings: m.Warnings,
	})
}

// MarshalJSON writes the CPUs as a list.
func (n Node) MarshalJSON() ([]byte, error) {
	type plain Node
	return json.Marshal(struct {
		plain
		CPUs string `json:"cpus"`
	}{plain(n), n.CPUs.String()})
}

// MarshalJSON writes the CPUs as a list.
func (l LLC) MarshalJSON() ([]byte, error) {
	type plain LLC
	return json.Marshal(struct {
		plain
		CPUs string `json:"cpus"`
	}{plain(l), l.CPUs.String()})
}

// MarshalJSON writes the CPUs as a list.
func (c Core) MarshalJSON() ([]byte, error) {
	type plain Core
	return json.Marshal(struct {
		plain
		CPUs string `json:"cpus"`
	}{plain(c), c.CPUs.String()})
}

// MarshalJSON writes the CPUs as a list.
func (c Class) MarshalJSON() ([]byte, error) {
	type plain Class
	return json.Marshal(struct {
		plain
		CPUs string `json:"cpus"`
	}{plain(c), c.CPUs.String()})
}

// maxCPU bounds the numbers in lists that are read: a set takes memory for each of its members.
const maxCPU = 8192

// ParseList reads a list of CPUs or nodes such as "0-3,8" from somewhere that is not trusted.
// It must be in order, as the kernel writes it.
func ParseList(text string) (cpuset.CPUSet, error) {
	last := -1
	for part := range strings.SplitSeq(text, ",") {
		for i, number := range strings.SplitN(part, "-", 2) {
			n, err := strconv.Atoi(number)
			if text != "" && (err != nil || n >= maxCPU || n < last || n == last && i == 0) {
				return cpuset.CPUSet{}, fmt.Errorf("%.64q is not a list of ascending numbers below %d", text, maxCPU)
			}
			last = n
		}
	}
	set, err := cpuset.Parse(text)
	if err != nil {
		return cpuset.CPUSet{}, fmt.Errorf("%.64q is not a list of numbers: %w", text, err)
	}
	return set, nil
}

// UnmarshalJSON reads what MarshalJSON wrote. What is derived from the model is not looked at.
func (m *Machine) UnmarshalJSON(data []byte) error {
	var in machineJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	out := Machine{CPUs: in.Places, LLCs: in.Caches, Nodes: in.Nodes, Classes: in.Classes, Warnings: in.Warnings}
	for _, list := range []struct {
		text string
		to   *cpuset.CPUSet
	}{{in.OfflineCPUs, &out.Offline}, {in.IsolatedCPUs, &out.Isolated}, {in.NohzFullCPUs, &out.NohzFull}} {
		set, err := ParseList(list.text)
		if err != nil {
			return err
		}
		*list.to = set
	}
	for _, cpu := range out.CPUs {
		if cpu.LLC < 0 || cpu.LLC >= len(out.LLCs) {
			return fmt.Errorf("CPU %d is at cache %d of %d", cpu.ID, cpu.LLC, len(out.LLCs))
		}
	}
	for i := range out.Nodes {
		if n := &out.Nodes[i]; len(n.Distances) != 0 && len(n.Distances) != len(out.Nodes) {
			return fmt.Errorf("node %d has %d distances to %d nodes", n.ID, len(n.Distances), len(out.Nodes))
		}
	}
	*m = out
	return nil
}

// cpusOf reads the list that stands beside the plain members.
func cpusOf(data []byte, plain any, to *cpuset.CPUSet) error {
	var list struct {
		CPUs string `json:"cpus"`
	}
	if err := json.Unmarshal(data, plain); err != nil {
		return err
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	set, err := ParseList(list.CPUs)
	if err == nil {
		*to = set
	}
	return err
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (n *Node) UnmarshalJSON(data []byte) error {
	type plain Node
	return cpusOf(data, (*plain)(n), &n.CPUs)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *LLC) UnmarshalJSON(data []byte) error {
	type plain LLC
	return cpusOf(data, (*plain)(l), &l.CPUs)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Core) UnmarshalJSON(data []byte) error {
	type plain Core
	return cpusOf(data, (*plain)(c), &c.CPUs)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Class) UnmarshalJSON(data []byte) error {
	type plain Class
	return cpusOf(data, (*plain)(c), &c.CPUs)
}
