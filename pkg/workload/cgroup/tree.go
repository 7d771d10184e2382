// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"
)

// Tree is a cgroup and those defined below it.
type Tree struct {
	root  *Dir
	nodes []*node // parents before children
	// above are the directories from the top of the hierarchy down to the
	// parent of root.
	above []*Dir
	// unrecorded are the controllers enabled above root that no attribute tells of, by directory.
	unrecorded map[string][]string
	notes      []string
	// offline are CPUs that the run took offline: no cgroup has them.
	offline cpuset.CPUSet
	// held says that the run's process lives, as long as it is open.
	held *os.File
	// undo are the steps that take back what was done, in the order of what was done.
	undo []func() error
}

// NewTree makes a cgroup at an absolute path and those that are defined below
// it, with the controllers they need and no others, writes their settings and
// reads them back. Controllers enabled above root are recorded there, so that
// whoever removes the last cgroup that uses them can disable them. After an
// error nothing is left of what was done.
func NewTree(root string, defs []Definition) (*Tree, error) {
	t, err := newTree(root, defs)
	if err != nil {
		return nil, fmt.Errorf("making the cgroups of %s: %w", root, err)
	}
	return t, nil
}

func newTree(root string, defs []Definition) (*Tree, error) {
	nodes, err := plan(defs)
	if err != nil {
		return nil, err
	}
	above, err := ancestors(root)
	if err != nil {
		return nil, err
	}
	t := &Tree{root: &Dir{path: root}, nodes: nodes, above: above, unrecorded: map[string][]string{}}
	if err := t.offered(); err != nil {
		return nil, err
	}
	if len(t.fromAbove()) > 0 {
		unlock, err := lock(context.Background(), above[0])
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	if err := t.build(); err != nil {
		t.letGo()
		return nil, errors.Join(err, t.takeBack())
	}
	t.undo = nil
	return t, nil
}

// takeBack undoes the steps that were taken, the last first.
func (t *Tree) takeBack() error {
	var failed []error
	for _, step := range slices.Backward(t.undo) {
		failed = append(failed, step())
	}
	t.undo = nil
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("taking back what was done: %w", err)
	}
	return nil
}

func (t *Tree) build() error {
	exclusive, needs := t.nodes[0].exclusive, t.fromAbove()
	for i, d := range t.above {
		if err := t.mkdir(d); err != nil {
			return err
		}
		if err := t.setAside(d, exclusive, i == 0); err != nil {
			return err
		}
		if err := t.enable(d, needs, true); err != nil {
			return err
		}
	}
	var now []*node
	for _, n := range t.nodes {
		if !n.later {
			now = append(now, n)
		}
	}
	return t.buildNodes(now)
}

// buildNodes makes cgroups, parents before children, with their settings.
func (t *Tree) buildNodes(nodes []*node) error {
	for _, n := range nodes {
		d := t.dir(n)
		if err := t.mkdir(d); err != nil {
			return err
		}
		if d.path == t.root.path {
			if err := t.hold(); err != nil {
				return err
			}
		}
		n.live = true
		if n.threaded {
			if err := d.makeThreaded(); err != nil {
				return n.say(err)
			}
		}
		if err := t.enable(d, n.enable, false); err != nil {
			return err
		}
	}
	for _, n := range nodes {
		if err := apply(t.dir(n), n); err != nil {
			return n.say(err)
		}
	}
	for _, n := range nodes {
		if err := t.verify(n); err != nil {
			return n.say(err)
		}
	}
	return nil
}

// say names the cgroup in an error. The root has no name but its path, which
// the error has already.
func (n *node) say(err error) error {
	if n.name == "" {
		return err
	}
	return fmt.Errorf("cgroup %q: %w", n.name, err)
}

// mkdir makes one directory if it is not there.
func (t *Tree) mkdir(d *Dir) error {
	made, err := bounded("creating cgroup", d.path, func() (bool, error) { return makeDir(d.path) })
	if err != nil || !made {
		return err
	}
	t.undo = append(t.undo, func() error {
		_, err := bounded("removing", d.path, func() (struct{}, error) { return struct{}{}, unix.Rmdir(d.path) })
		if gone(err) || err == nil {
			return nil
		}
		return &os.PathError{Op: "rmdir", Path: d.path, Err: err}
	})
	return nil
}

// makeDir says whether it made the directory; it may be there already.
func makeDir(path string) (made bool, err error) {
	err = os.Mkdir(path, 0o755)
	if !errors.Is(err, fs.ErrExist) {
		return err == nil, err
	}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = &os.PathError{Op: "mkdir", Path: path, Err: errors.New("the kernel has a file of that name")}
	}
	return false, err
}

// makeThreaded is for a cgroup that may be threaded already.
func (d *Dir) makeThreaded() error {
	if kind, err := d.Type(); err == nil && kind == typeThreaded {
		return nil
	}
	return d.write(typeFile, typeThreaded)
}

func (t *Tree) dir(n *node) *Dir { return &Dir{path: filepath.Join(t.root.path, n.name)} }

// Root is the cgroup at the top of the tree.
func (t *Tree) Root() *Dir { return t.root }

// Dir returns a cgroup by its name relative to the root; nil if the tree has
// none of that name. The root's name is empty.
func (t *Tree) Dir(name string) *Dir {
	if n := t.node(name); n != nil {
		return t.dir(n)
	}
	return nil
}

func (t *Tree) node(name string) *node {
	for _, n := range t.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// Notes says what a person should know about how the tree was made.
func (t *Tree) Notes() []string { return t.notes }

// Remove kills every process in the tree, removes its cgroups, and disables the
// controllers that were enabled above it, where nobody else uses them.
func (t *Tree) Remove(ctx context.Context) error {
	defer t.letGo()
	if err := t.root.removeOnly(ctx); err != nil {
		return err
	}
	return putBack(ctx, filepath.Dir(t.root.path), t.unrecorded)
}

// ancestors returns the directories from the top of the cgroup hierarchy that
// path is in down to its parent; the lower ones need not be there.
func ancestors(path string) ([]*Dir, error) {
	if err := checkBelow(path); err != nil {
		return nil, err
	}
	var above []*Dir
	for parent := filepath.Dir(path); ; parent = filepath.Dir(parent) {
		inside, err := isCgroup2(parent)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil && !inside {
			break
		}
		above = append(above, &Dir{path: parent})
		if parent == "/" {
			break
		}
	}
	slices.Reverse(above)
	return above, nil
}

// setAside adds CPUs to those that partitions below d may have for themselves,
// and records them as ours. The CPUs of other partitions stay. The top of the
// hierarchy has all CPUs, unless it is itself a cgroup that was delegated.
func (t *Tree) setAside(d *Dir, cpus cpuset.CPUSet, top bool) error {
	if cpus.IsEmpty() {
		return nil
	}
	has, err := d.cpus(exclusiveFile)
	if top && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return d.explain(exclusiveFile, err)
	}
	added := cpus.Difference(has)
	if added.IsEmpty() {
		return nil
	}
	recorded, err := d.recordedCPUs()
	if err != nil {
		return err
	}
	if err := d.setRecord(recordExclusive, recorded.Union(added).String()); err != nil {
		return err
	}
	t.undo = append(t.undo, func() error {
		if err := d.writeCPUs(exclusiveFile, has); err != nil {
			return err // the record stays, for a sweep
		}
		return d.setRecord(recordExclusive, recorded.String())
	})
	return d.writeCPUs(exclusiveFile, has.Union(cpus))
}
