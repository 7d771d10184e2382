// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"
)

const (
	typeFile     = "cgroup.type"
	typeThreaded = "threaded"
	// typeThreadDomain is that of a domain with threaded children.
	typeThreadDomain = "domain threaded"
	// typeInvalid is that of a domain where only threaded cgroups can be.
	typeInvalid   = "domain invalid"
	cpusFile      = "cpuset.cpus"
	effectiveCPUs = "cpuset.cpus.effective"
	memsFile      = "cpuset.mems"
	effectiveMems = "cpuset.mems.effective"
	partitionFile = "cpuset.cpus.partition"
	exclusiveFile = "cpuset.cpus.exclusive"
	// snapshotSize bounds what is told of a cgroup whose cpuset was refused.
	snapshotSize = 1500
)

// Type is the cgroup's type: "domain", "domain threaded", "threaded" or
// "domain invalid".
func (d *Dir) Type() (string, error) { return d.text(typeFile) }

// apply writes the settings of a cgroup, and what partitions below it need.
func apply(d *Dir, n *node) error {
	for _, k := range n.knobs() {
		err := d.write(k.file, k.value)
		if err == nil {
			continue
		}
		if k.file == cpusFile {
			return fmt.Errorf("%w; %s", d.explain(k.file, err), d.snapshot())
		}
		return d.explain(k.file, err)
	}
	return nil
}

func (n *node) knobs() []knob {
	if n.settings == nil {
		return new(Settings).knobsWith(n.exclusive)
	}
	return n.settings.knobsWith(n.exclusive)
}

// verify reads back what was written: the kernel may take a value and not
// follow it, and what is written later may change what is in force.
func (t *Tree) verify(n *node) error { return verify(t.dir(n), n, t.takenFrom(n)) }

func verify(d *Dir, n *node, taken cpuset.CPUSet) error {
	if err := d.verifyType(n); err != nil {
		return err
	}
	for _, k := range n.knobs() {
		switch k.file {
		case cpusFile, memsFile, exclusiveFile:
			continue
		}
		if err := d.verifyText(k.file, k.value, k.holds); err != nil {
			return err
		}
	}
	return verifySets(d, n, taken)
}

// verifySets reads back the CPUs and memory nodes in force. Without any left, a cgroup would have
// those of its parent if it were to run something.
func verifySets(d *Dir, n *node, taken cpuset.CPUSet) error {
	if n.settings == nil {
		return nil
	}
	if want := n.settings.CPUs.Difference(taken); !want.IsEmpty() {
		if err := d.verifySet(effectiveCPUs, want); err != nil {
			return err
		}
	}
	if !n.settings.Mems.IsEmpty() {
		return d.verifySet(effectiveMems, n.settings.Mems)
	}
	return nil
}

// takenFrom are CPUs that a cgroup does not have although it asked for them: those of the partitions
// below it, and those that are offline.
func (t *Tree) takenFrom(n *node) cpuset.CPUSet {
	taken := t.offline
	for _, other := range t.nodes {
		if other.live && other.settings != nil && other.settings.Partition != "" && isBelow(other.name, n.name) {
			taken = taken.Union(other.settings.CPUs)
		}
	}
	return taken
}

// isBelow says whether a cgroup is below another, or below the root.
func isBelow(name, above string) bool {
	return name != above && (above == "" || strings.HasPrefix(name, above+"/"))
}

func (d *Dir) verifyType(n *node) error {
	if n.threaded {
		return d.verifyText(typeFile, typeThreaded, nil)
	}
	return d.verifyText(typeFile, "domain", func(got string) bool { return got == typeThreadDomain })
}

func (d *Dir) verifyText(file, want string, holds func(string) bool) error {
	got, err := d.text(file)
	if err != nil {
		return err
	}
	if got == want || holds != nil && holds(got) {
		return nil
	}
	return fmt.Errorf("%s: asked for %q, the kernel has %q", d.file(file), want, got)
}

func (d *Dir) verifySet(file string, want cpuset.CPUSet) error {
	got, err := d.cpus(file)
	if err != nil {
		return err
	}
	if !got.Equals(want) {
		return fmt.Errorf("%s: asked for %q, the kernel has %q", d.file(file), want, got)
	}
	return nil
}

// explain says why a file that should be there is not, or takes no CPUs.
func (d *Dir) explain(file string, err error) error {
	if file == exclusiveFile && errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("%w (a cgroup beside it has some of these CPUs)", err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, statErr := os.Stat(d.path); statErr != nil {
		return err
	}
	return fmt.Errorf("%w (%s)", err, whyMissing(file))
}

// snapshot tells how a cgroup and its parent stood when a write was refused.
func (d *Dir) snapshot() string {
	var b strings.Builder
	for _, at := range []*Dir{d.parent(), d} {
		fmt.Fprintf(&b, "%s:", at.path)
		for _, file := range []string{controllersFile, subtreeFile, cpusFile, effectiveCPUs, exclusiveFile, partitionFile} {
			if content, err := at.text(file); err == nil {
				fmt.Fprintf(&b, " %s %q", file, content)
			}
		}
		b.WriteString("; ")
	}
	entries, err := bounded("listing", d.path, func() ([]os.DirEntry, error) { return os.ReadDir(d.path) })
	b.WriteString("files:")
	if err != nil {
		b.WriteString(" " + err.Error())
	}
	for _, e := range entries {
		b.WriteString(" " + e.Name())
	}
	if b.Len() > snapshotSize {
		return b.String()[:snapshotSize] + "..."
	}
	return b.String()
}

// text is the content of a file without the newline at its end.
func (d *Dir) text(file string) (string, error) {
	content, err := d.read(file)
	return string(bytes.TrimRight(content, "\n")), err
}

// names reads a file of names, such as cgroup.controllers.
func (d *Dir) names(file string) ([]string, error) {
	content, err := d.text(file)
	return strings.Fields(content), err
}

// cpus reads a file that is a list of CPUs or of memory nodes.
func (d *Dir) cpus(file string) (cpuset.CPUSet, error) {
	content, err := d.text(file)
	if err != nil {
		return cpuset.New(), err
	}
	set, err := cpuset.Parse(strings.TrimSpace(content))
	if err != nil {
		return cpuset.New(), fmt.Errorf("reading %s: %w", d.file(file), err)
	}
	return set, nil
}

// writeCPUs writes a list. A write of nothing would not reach the kernel, so an
// empty one is a newline.
func (d *Dir) writeCPUs(file string, set cpuset.CPUSet) error {
	if err := d.write(file, set.String()+"\n"); err != nil {
		return d.explain(file, err)
	}
	return nil
}
