// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import "encoding/json"

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
