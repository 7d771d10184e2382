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
	"strings"

	"golang.org/x/sys/unix"
)

const (
	controllersFile = "cgroup.controllers"
	subtreeFile     = "cgroup.subtree_control"
	// boundToV1 lists the cgroups of this process: 0::/path for version 2,
	// 4:cpu,cpuacct:/path for controllers that are bound to version 1.
	boundToV1 = "/proc/self/cgroup"
)

// offered says which setting needs a controller that the hierarchy does not have.
func (t *Tree) offered() error {
	if len(t.fromAbove()) == 0 {
		return nil
	}
	top := t.above[0]
	has, err := top.names(controllersFile)
	if err != nil {
		return err
	}
	for _, n := range t.nodes {
		if n.settings == nil {
			continue
		}
		for _, k := range n.settings.knobs() {
			if c := k.controller(); !slices.Contains(has, c) {
				return n.say(fmt.Errorf("%s needs the controller %s, which %s does not have (it has %v)%s: %w",
					k.file, c, top.path, has, whereBound(c), errors.ErrUnsupported))
			}
		}
		if missing := without(n.needs, has); len(missing) > 0 {
			return n.say(fmt.Errorf("a change to come needs the controller %s, which %s does not have (it has %v)%s: %w",
				missing[0], top.path, has, whereBound(missing[0]), errors.ErrUnsupported))
		}
	}
	return nil
}

// whereBound says whether cgroup v1 has a controller.
func whereBound(controller string) string {
	lines, err := os.ReadFile(boundToV1)
	if err != nil {
		return "; it may be bound to cgroup v1"
	}
	if isBoundToV1(string(lines), controller) {
		return "; it is bound to cgroup v1: boot with systemd.unified_cgroup_hierarchy=1 or cgroup_no_v1=" + controller
	}
	return "; it is not bound to cgroup v1 either, so the kernel lacks it or has it disabled"
}

func isBoundToV1(lines, controller string) bool {
	for line := range strings.Lines(lines) {
		if fields := strings.SplitN(line, ":", 3); len(fields) == 3 && slices.Contains(strings.Split(fields[1], ","), controller) {
			return true
		}
	}
	return false
}

// enable gives the children of d controllers that they do not have yet. What it
// enables above the tree is recorded first, so that no crash leaves it unknown.
func (t *Tree) enable(d *Dir, controllers []string, record bool) error {
	if len(controllers) == 0 {
		return nil
	}
	on, err := d.names(subtreeFile)
	if err != nil {
		return err
	}
	missing := without(controllers, on)
	if len(missing) == 0 {
		return nil
	}
	if record {
		if err := t.record(d, missing); err != nil {
			return err
		}
	}
	t.undo = append(t.undo, func() error {
		if record {
			return d.disable(missing)
		}
		_, err := d.tryDisable(missing)
		return err
	})
	return d.enable(missing)
}

// record notes on d that controllers are going to be enabled there.
func (t *Tree) record(d *Dir, controllers []string) error {
	recorded, err := d.recordedControllers()
	if err != nil {
		return err
	}
	err = d.setRecord(recordControllers, strings.Join(distinct(append(recorded, controllers...)), " "))
	if unrecordable(err) {
		t.unrecorded[d.path] = controllers
		t.notes = append(t.notes, fmt.Sprintf("%s takes no extended attributes (Linux 5.7 or later does): if this process dies, the controllers %s stay enabled there",
			d.path, strings.Join(controllers, ", ")))
		return nil
	}
	return err
}

// enable enables controllers in one write. If that fails, one at a time, so that
// the error names the one at fault.
func (d *Dir) enable(controllers []string) error {
	err := d.write(subtreeFile, "+"+strings.Join(controllers, " +"))
	if err == nil || errors.Is(err, unix.ETIMEDOUT) {
		return err
	}
	for _, c := range controllers {
		if err := d.write(subtreeFile, "+"+c); err != nil {
			return fmt.Errorf("enabling the controller %s: %w%s", c, err, d.whyNotEnabled(err))
		}
	}
	return nil
}

func (d *Dir) whyNotEnabled(err error) string {
	switch {
	case errors.Is(err, unix.EBUSY):
		return fmt.Sprintf(" (%s holds processes itself: they must be in a cgroup below it)", d.path)
	case errors.Is(err, unix.EOPNOTSUPP):
		kind, _ := d.Type() // without it, the error stands by itself
		if kind == typeInvalid {
			return fmt.Sprintf(" (its type is %q: a cgroup above it holds processes itself, which makes all below that one for threads)", kind)
		}
		return fmt.Sprintf(" (its type is %q, and threads cannot have this controller)", kind)
	case errors.Is(err, unix.ENOENT):
		return fmt.Sprintf(" (%s was not given it by its parent)", d.path)
	case errors.Is(err, unix.EINVAL):
		return " (with CONFIG_RT_GROUP_SCHED, the controller cpu wants all realtime processes in the top cgroup)"
	case errors.Is(err, unix.EROFS), errors.Is(err, unix.EACCES):
		return " (the cgroup tree is not delegated to this process)"
	}
	return ""
}

// disable takes controllers from the children of d and from the record. Those
// that are still in use stay in both.
func (d *Dir) disable(controllers []string) error {
	left, err := d.tryDisable(controllers)
	recorded, recordErr := d.recordedControllers()
	if recordErr != nil {
		return errors.Join(err, recordErr)
	}
	now := without(recorded, without(controllers, left))
	if len(now) == len(recorded) {
		return err
	}
	return errors.Join(err, d.setRecord(recordControllers, strings.Join(now, " ")))
}

// tryDisable returns the controllers that could not be disabled. A controller
// that a child hands on to children of its own is in use (EBUSY): no error.
func (d *Dir) tryDisable(controllers []string) (left []string, err error) {
	var failed []error
	for _, c := range controllers {
		err := d.write(subtreeFile, "-"+c)
		switch {
		case err == nil || gone(err):
		case errors.Is(err, unix.EBUSY):
			left = append(left, c)
		default:
			left = append(left, c)
			failed = append(failed, fmt.Errorf("disabling the controller %s: %w", c, err))
		}
	}
	return left, errors.Join(failed...)
}

// putBack disables what was enabled by schedfleet in the directory and above
// it, bottom-up, where nobody uses it any more. The record on a directory tells
// what that is; unrecorded is what could not be recorded.
func putBack(ctx context.Context, path string, unrecorded map[string][]string) error {
	above, err := ancestors(filepath.Join(path, "child"))
	if err != nil {
		return fmt.Errorf("putting controllers back: %w", err)
	}
	if len(unrecorded) == 0 && !slices.ContainsFunc(above, (*Dir).hasRecord) {
		return nil
	}
	unlock, err := lock(ctx, above[0])
	if err != nil {
		return fmt.Errorf("putting controllers back: %w", err)
	}
	defer unlock()
	var failed []error
	for _, d := range slices.Backward(above) {
		failed = append(failed, d.putBack(unrecorded[d.path]))
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("putting controllers back: %w", err)
	}
	return nil
}

// putBack leaves alone what this process may not write to: it has changed
// nothing there, and those who may will put back what they did.
func (d *Dir) putBack(unrecorded []string) error {
	err := unix.Access(d.file(subtreeFile), unix.W_OK)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) {
		return nil
	}
	recorded, err := d.recordedControllers()
	if err != nil {
		return err
	}
	return errors.Join(d.disable(distinct(append(recorded, unrecorded...))), d.release())
}

// release gives back the CPUs that were set aside for partitions below d which
// are no more. What the children still claim stays.
func (d *Dir) release() error {
	recorded, err := d.recordedCPUs()
	if err != nil || recorded.IsEmpty() {
		return err
	}
	children, err := d.children()
	if err != nil {
		return err
	}
	unused := recorded
	for _, child := range children {
		claimed, err := child.cpus(exclusiveFile)
		if err != nil && !gone(err) {
			return err
		}
		unused = unused.Difference(claimed)
	}
	if unused.IsEmpty() {
		return nil
	}
	has, err := d.cpus(exclusiveFile)
	if err == nil {
		err = d.writeCPUs(exclusiveFile, has.Difference(unused))
	}
	if err != nil && !gone(err) {
		return err
	}
	return d.setRecord(recordExclusive, recorded.Difference(unused).String())
}
