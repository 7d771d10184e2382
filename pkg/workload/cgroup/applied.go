// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"errors"
	"fmt"
	"io/fs"

	"k8s.io/utils/cpuset"
)

// Applied is what the kernel says of a cgroup.
type Applied struct {
	// CPUs and Mems are those in force; empty where the hierarchy has no cpuset.
	CPUs, Mems cpuset.CPUSet
	// Type is "domain", "domain threaded" or "threaded"; Partition is "member",
	// "root" or "isolated", and empty where the cgroup has no cpuset of its own.
	Type, Partition string
	// Files holds what was read from each file that was written.
	Files map[string]string
}

// Applied reads back the settings of a cgroup of the tree. With an error it has
// what could be read before that.
func (t *Tree) Applied(name string) (Applied, error) {
	n := t.node(name)
	if n == nil {
		return Applied{}, fmt.Errorf("there is no cgroup %q below %s", name, t.root.path)
	}
	applied, err := t.dir(n).applied(n)
	if err != nil {
		return applied, fmt.Errorf("reading back cgroup %q: %w", name, err)
	}
	return applied, nil
}

func (d *Dir) applied(n *node) (Applied, error) {
	a := Applied{Files: map[string]string{}}
	for _, k := range n.knobs() {
		content, err := d.text(k.file)
		if err != nil {
			return a, err
		}
		a.Files[k.file] = content
	}
	var err error
	if a.Type, err = d.Type(); err != nil {
		return a, err
	}
	if a.CPUs, err = d.inForce(effectiveCPUs); err != nil {
		return a, err
	}
	if a.Mems, err = d.inForce(effectiveMems); err != nil {
		return a, err
	}
	a.Partition, err = d.text(partitionFile)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	return a, err
}

// inForce reads a set from the nearest of d and its ancestors that has it: a
// cgroup without a cpuset of its own has that of its parent.
func (d *Dir) inForce(file string) (cpuset.CPUSet, error) {
	above, err := ancestors(d.file(file))
	if err != nil {
		return cpuset.New(), err
	}
	for len(above) > 0 {
		nearest := above[len(above)-1]
		set, err := nearest.cpus(file)
		if !errors.Is(err, fs.ErrNotExist) {
			return set, err
		}
		above = above[:len(above)-1]
	}
	return cpuset.New(), nil
}
