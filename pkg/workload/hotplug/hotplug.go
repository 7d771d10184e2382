// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package hotplug takes CPUs of the machine offline, and puts them back whatever becomes of who took them.
//
// What a CPU was before its first change is in a journal, and on the disk, before that change. The
// journal is one file for the whole machine, and whoever changes CPUs holds its lock: so there is one at a
// time, and a journal that nobody holds is of a run that was killed. Those who put CPUs back are
//
//	Restore    the run itself, at its end
//	Undo       its watchdog, which has the files open, when the run is killed
//	Recover    whoever comes next, from the journal, when the watchdog was killed too
//
// Each reads what it wrote back.
package hotplug

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

const (
	cpuDir = "sys/devices/system/cpu"
	// busyTimeout bounds the attempts at a CPU that the kernel says is busy, busyPause is between two.
	busyTimeout = 2 * time.Second
	busyPause   = 20 * time.Millisecond
)

// CPUs are the CPUs that a run may change.
type CPUs struct {
	root    string
	journal *journal
	// usable are the CPUs that the run can use, of which one has to stay.
	usable cpuset.CPUSet
	cpus   map[int]*cpu
	// offline are those that are offline now by the run.
	offline  cpuset.CPUSet
	restored []report.Restored
	done     bool
}

// cpu is a CPU that may be changed.
type cpu struct {
	id   int
	file *os.File
	// before is what the CPU was, journaled says that the journal has it.
	before    state
	journaled bool
}

// state is what the kernel writes in the file of a CPU.
type state byte

const (
	offline state = '0'
	online  state = '1'
)

func (s state) String() string {
	switch s {
	case offline:
		return "offline"
	case online:
		return "online"
	default:
		return strconv.QuoteRune(rune(s))
	}
}

// Open prepares changes of CPUs by a run, and changes none. usable are the CPUs that the run can use. An error
// says why a CPU cannot be changed. Close has to be called.
func Open(root, run string, cpus, usable cpuset.CPUSet) (_ *CPUs, err error) {
	c := &CPUs{root: root, usable: usable, cpus: make(map[int]*cpu)}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("taking CPUs offline: %w", err), c.close())
		}
	}()
	if c.journal, err = openJournal(root, handover); err != nil {
		return nil, err
	}
	if _, err := c.journal.recover(root); err != nil {
		return nil, err
	}
	if err := c.journal.begin(root, run); err != nil {
		return nil, err
	}
	for _, id := range cpus.List() {
		if c.cpus[id], err = openCPU(root, id); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func openCPU(root string, id int) (*cpu, error) {
	path := filepath.Join(root, cpuDir, "cpu"+strconv.Itoa(id), "online")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, there := os.Stat(filepath.Dir(path)); there != nil {
			return nil, fmt.Errorf("CPU %d: this machine has none: %w", id, err)
		}
		return nil, fmt.Errorf("CPU %d: the kernel keeps it online, as it does with the first CPU of many machines: %w", id, err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, unix.EROFS):
		return nil, fmt.Errorf("CPU %d: needs root, and a /sys that can be written to: %w", id, err)
	case err != nil:
		return nil, fmt.Errorf("CPU %d: %w", id, err)
	}
	c := &cpu{id: id, file: f}
	if c.before, err = c.read(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return c, nil
}

func (c *cpu) read() (state, error) {
	b := make([]byte, 1)
	if _, err := c.file.ReadAt(b, 0); err != nil {
		return 0, fmt.Errorf("CPU %d: reading whether it is online: %w", c.id, err)
	}
	return state(b[0]), nil
}

// set writes and reads back. A CPU that is busy is tried again for some time.
func (c *cpu) set(to state) error {
	deadline := time.Now().Add(busyTimeout)
	for {
		_, err := c.file.WriteAt([]byte{byte(to)}, 0)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return fmt.Errorf("CPU %d: setting it %s: %w%s", c.id, to, err, hint(err))
		}
		time.Sleep(busyPause)
	}
	is, err := c.read()
	if err == nil && is != to {
		err = fmt.Errorf("CPU %d: set %s, it still reads %s", c.id, to, is)
	}
	return err
}

func hint(err error) string {
	if errors.Is(err, unix.EBUSY) {
		return fmt.Sprintf(", for %v (the kernel keeps CPUs whose bandwidth SCHED_DEADLINE tasks need, and all of them while a machine is suspended)", busyTimeout)
	}
	return ""
}

// Offline takes CPUs offline. None is touched unless all can be; one that is offline already is an error, for
// somebody else has changed it.
func (c *CPUs) Offline(cpus cpuset.CPUSet) error {
	if left := c.usable.Difference(c.offline).Difference(cpus); left.IsEmpty() {
		return fmt.Errorf("CPUs %s cannot all be offline: the run would be left without a CPU", cpus)
	}
	return c.change(cpus, online, offline)
}

// Online takes CPUs online again that Offline took offline, or that were offline before.
func (c *CPUs) Online(cpus cpuset.CPUSet) error { return c.change(cpus, offline, online) }

func (c *CPUs) change(cpus cpuset.CPUSet, from, to state) error {
	if c.done {
		return errors.New("the CPUs have been put back")
	}
	var changed []*cpu
	for _, id := range cpus.List() {
		cpu := c.cpus[id]
		if cpu == nil {
			return fmt.Errorf("CPU %d is not one that the run said it would change", id)
		}
		is, err := cpu.read()
		if err != nil {
			return err
		}
		if is != from {
			return fmt.Errorf("CPU %d is %s already", id, is)
		}
		changed = append(changed, cpu)
	}
	if err := c.journal.add(changed); err != nil {
		return err
	}
	for _, cpu := range changed {
		err := cpu.set(to)
		// What a failed write has done, the CPU itself knows.
		if is, readErr := cpu.read(); readErr == nil && is == offline {
			c.offline = c.offline.Union(cpuset.New(cpu.id))
		} else {
			c.offline = c.offline.Difference(cpuset.New(cpu.id))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Restore puts every CPU back that was changed, reads it back, and says so. The journal is empty then, unless
// a CPU is not as it was, which is an error. Of nil, and the second time, it does nothing.
func (c *CPUs) Restore() ([]report.Restored, error) {
	if c == nil {
		return nil, nil
	}
	if c.done {
		return c.restored, nil
	}
	var failed error
	c.restored = nil
	for _, id := range sorted(c.cpus) {
		cpu := c.cpus[id]
		if !cpu.journaled {
			continue
		}
		row, err := cpu.putBack()
		c.restored, failed = append(c.restored, row), errors.Join(failed, err)
	}
	if failed == nil {
		failed = c.journal.clear()
	}
	if failed != nil {
		return c.restored, fmt.Errorf("putting CPUs back: %w", failed)
	}
	c.done, c.offline = true, cpuset.New()
	return c.restored, nil
}

// putBack makes the CPU what it was.
func (c *cpu) putBack() (report.Restored, error) {
	row := report.Restored{What: "CPU " + strconv.Itoa(c.id), Before: c.before.String(), During: other(c.before).String()}
	is, err := c.read()
	if err == nil && is != c.before {
		err = c.set(c.before)
	}
	if is, readErr := c.read(); readErr == nil {
		row.After = is.String()
	}
	row.Verified = row.After == row.Before
	return row, err
}

func other(s state) state {
	if s == online {
		return offline
	}
	return online
}

// Close puts back what was changed and lets the journal go. Of nil it does nothing.
func (c *CPUs) Close() error {
	if c == nil {
		return nil
	}
	_, err := c.Restore()
	return errors.Join(err, c.close())
}

func (c *CPUs) close() error {
	var err error
	for _, cpu := range c.cpus {
		if cpu != nil {
			err = errors.Join(err, cpu.file.Close())
		}
	}
	return errors.Join(err, c.journal.close())
}
