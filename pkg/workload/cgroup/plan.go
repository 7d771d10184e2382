// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/utils/cpuset"
)

// node is a cgroup of a tree to be made: one that was asked for, the root of
// the tree, or one that leads to another.
type node struct {
	name string // relative to the root, whose own is empty
	// settings are those in force, defined those it is made with.
	settings, defined *Settings
	// needs are controllers that its settings may need later.
	needs    []string
	threaded bool
	// later says that it is not made with the tree, live that it is there.
	later, live bool
	// enable are the controllers that its children get, ascending.
	enable []string
	// exclusive are the CPUs of the partitions at it and below it, which all
	// ancestors of a partition must set aside.
	exclusive cpuset.CPUSet
}

// plan returns the cgroups to make, parents before children and the root first.
func plan(defs []Definition) ([]*node, error) {
	byName := map[string]*node{"": {}}
	for i := range defs {
		if err := declare(byName, &defs[i]); err != nil {
			return nil, fmt.Errorf("cgroup %q: %w", defs[i].Name, err)
		}
	}
	nodes := ordered(byName)
	postpone(nodes, byName)
	if err := spreadThreaded(nodes, byName); err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if err := n.spread(byName); err != nil {
			return nil, n.say(err)
		}
	}
	return nodes, nil
}

// declare adds a definition and what leads to it.
func declare(byName map[string]*node, def *Definition) error {
	if def.Name != "" {
		if err := CheckName(def.Name); err != nil {
			return err
		}
	}
	if n := byName[def.Name]; n != nil && n.settings != nil {
		return errors.New("it is defined twice")
	}
	switch def.Partition {
	case "", "root", "isolated":
	default:
		return fmt.Errorf("there is no kind of partition %q", def.Partition)
	}
	if def.Partition != "" && def.CPUs.IsEmpty() {
		return errors.New("a partition needs CPUs")
	}
	for name := def.Name; name != ""; name = parentOf(name) {
		if byName[name] == nil {
			byName[name] = &node{name: name}
		}
	}
	n := byName[def.Name]
	n.settings = &def.Settings
	n.defined, n.threaded, n.later, n.needs = &def.Settings, def.Threaded, def.Later, def.Needs
	return nil
}

// postpone makes everything below what is made later later too.
func postpone(nodes []*node, byName map[string]*node) {
	for _, n := range nodes {
		n.later = n.later || n.name != "" && byName[parentOf(n.name)].later
	}
}

// ordered sorts by depth, then by name.
func ordered(byName map[string]*node) []*node {
	nodes := make([]*node, 0, len(byName))
	for _, n := range byName {
		nodes = append(nodes, n)
	}
	depth := func(n *node) int {
		if n.name == "" {
			return 0
		}
		return 1 + strings.Count(n.name, "/")
	}
	slices.SortFunc(nodes, func(a, b *node) int {
		if d := depth(a) - depth(b); d != 0 {
			return d
		}
		return strings.Compare(a.name, b.name)
	})
	return nodes
}

// spreadThreaded makes what only leads to other cgroups threaded where the
// kernel takes nothing else: below a threaded cgroup, and beside one. What was
// defined as a domain there is refused.
func spreadThreaded(nodes []*node, byName map[string]*node) error {
	host := map[string]string{} // a threaded child of each parent that has one
	for _, n := range nodes {
		if n.threaded {
			host[parentOf(n.name)] = n.name
		}
	}
	for _, n := range nodes {
		if n.name == "" || n.threaded {
			continue
		}
		parent := parentOf(n.name)
		because := fmt.Sprintf("beside %q, which is threaded", host[parent])
		if byName[parent].threaded {
			because = fmt.Sprintf("below %q, which is threaded", parent)
		} else if host[parent] == "" {
			continue
		}
		if n.settings != nil {
			return fmt.Errorf("cgroup %q is %s, so it must be threaded too", n.name, because)
		}
		n.threaded = true
	}
	return nil
}

// spread tells the ancestors of n which controllers it needs and which CPUs to set aside.
func (n *node) spread(byName map[string]*node) error {
	if n.settings == nil {
		return nil
	}
	for _, k := range n.settings.knobs() {
		if n.threaded && !slices.Contains(threadedControllers, k.controller()) {
			return fmt.Errorf("%s needs the controller %s, which a threaded cgroup cannot have", k.file, k.controller())
		}
	}
	partition := cpuset.New()
	if n.settings.Partition != "" {
		partition = n.settings.CPUs
	}
	n.exclusive = n.exclusive.Union(partition)
	for _, c := range n.needs {
		if n.threaded && !slices.Contains(threadedControllers, c) {
			return fmt.Errorf("a change to come needs the controller %s, which a threaded cgroup cannot have", c)
		}
	}
	needs := distinct(append(n.settings.Controllers(), n.needs...))
	for name := n.name; name != ""; {
		name = parentOf(name)
		above := byName[name]
		above.enable = distinct(append(above.enable, needs...))
		above.exclusive = above.exclusive.Union(partition)
	}
	return nil
}

// fromAbove are the controllers that the tree needs of what is above its root, ascending.
func (t *Tree) fromAbove() []string {
	root := t.nodes[0]
	if root.settings == nil {
		return root.enable
	}
	return distinct(slices.Concat(root.enable, root.settings.Controllers()))
}

// parentOf is empty for a child of the root.
func parentOf(name string) string {
	if parent := path.Dir(name); parent != "." {
		return parent
	}
	return ""
}
