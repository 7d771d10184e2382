// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package hotplug

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// Journal is where the journal of the machine is. An agent in a container needs the host's directory there, or
// what is left when its container is killed stays until the machine boots.
const Journal = "/run/schedfleet/cpus.journal"

const (
	bootFile = "proc/sys/kernel/random/boot_id"
	// handover is how long the watchdog of a run that was killed may still hold the journal, glance how long those
	// wait for it who only look, lockPause is between two attempts.
	handover  = 5 * time.Second
	glance    = 200 * time.Millisecond
	lockPause = 10 * time.Millisecond
	// maxJournal bounds what is read of a journal: a line for each of some ten thousand CPUs.
	maxJournal = 1 << 20
)

// journal is the open journal, locked.
type journal struct {
	file *os.File
	path string
}

var errHeld = errors.New("another run is changing CPUs of this machine")

// openJournal opens and locks the journal, and makes it if it is not there.
func openJournal(root string, wait time.Duration) (*journal, error) {
	path := filepath.Join(root, Journal)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("making the directory of the journal: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	j := &journal{file: f, path: path}
	if err := j.lock(wait); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// lock waits a moment: of a run that was killed, the watchdog has the lock until it has put the CPUs back.
func (j *journal) lock(wait time.Duration) error {
	for deadline := time.Now().Add(wait); ; time.Sleep(lockPause) {
		err := unix.Flock(int(j.file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EWOULDBLOCK):
			return fmt.Errorf("locking the journal %s: %w", j.path, err)
		case time.Now().After(deadline):
			return fmt.Errorf("%w (%s is locked)", errHeld, j.path)
		}
	}
}

// begin writes what the journal is about; no CPU is in it yet.
func (j *journal) begin(root, run string) error {
	boot, err := bootID(root)
	if err != nil {
		return err
	}
	return j.write(fmt.Sprintf("boot %s run %q\n", boot, run))
}

// add writes what CPUs are before their first change, and returns when it is on the disk.
func (j *journal) add(cpus []*cpu) error {
	var text strings.Builder
	for _, c := range cpus {
		if !c.journaled {
			fmt.Fprintf(&text, "cpu %d was %c\n", c.id, c.before)
		}
	}
	if text.Len() == 0 {
		return nil
	}
	if err := j.write(text.String()); err != nil {
		return err
	}
	for _, c := range cpus {
		c.journaled = true
	}
	return nil
}

func (j *journal) write(text string) error {
	_, err := j.file.WriteString(text)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	return nil
}

// clear empties the journal: everything is as it was.
func (j *journal) clear() error {
	if err := j.file.Truncate(0); err != nil {
		return fmt.Errorf("emptying the journal: %w", err)
	}
	return nil
}

// close lets the lock go, unless a watchdog has it too.
func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}

// recover puts back what the journal of a run that was killed says, and empties it.
func (j *journal) recover(root string) ([]report.Restored, error) {
	text, err := io.ReadAll(io.NewSectionReader(j.file, 0, maxJournal))
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	boot, err := bootID(root)
	if err != nil {
		return nil, err
	}
	var rows []report.Restored
	var failed error
	for id, was := range parse(string(text), boot) {
		row, err := putBack(root, id, was)
		rows, failed = append(rows, row), errors.Join(failed, err)
	}
	slices.SortFunc(rows, func(a, b report.Restored) int { return strings.Compare(a.What, b.What) })
	if failed != nil {
		return rows, fmt.Errorf("putting CPUs back after a run that was killed: %w", failed)
	}
	return rows, j.clear()
}

// parse reads the states of CPUs from a journal. One of an earlier boot has none: booting puts all CPUs back. Of
// a line that was not written to its end the change was never begun.
func parse(text, boot string) map[int]state {
	was := make(map[int]state)
	for line := range strings.Lines(text) {
		var of string
		var id int
		var s state
		if n, _ := fmt.Sscanf(line, "boot %s", &of); n == 1 && of != boot {
			return nil
		}
		if n, _ := fmt.Sscanf(line, "cpu %d was %c\n", &id, &s); n == 2 && strings.HasSuffix(line, "\n") && (s == offline || s == online) {
			was[id] = s
		}
	}
	return was
}

func putBack(root string, id int, was state) (report.Restored, error) {
	c, err := openCPU(root, id)
	if err != nil {
		return report.Restored{}, err
	}
	defer c.file.Close() //nolint:errcheck // what was written has been read back
	c.before = was
	return c.putBack()
}

// Recover puts back what a run left that was killed together with its watchdog. It changes nothing while somebody
// holds the journal, or if there is none.
func Recover(root string) ([]report.Restored, error) {
	info, err := os.Stat(filepath.Join(root, Journal))
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	j, err := openJournal(root, glance)
	if errors.Is(err, errHeld) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rows, err := j.recover(root)
	return rows, errors.Join(err, j.close())
}

func bootID(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, bootFile))
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}

func sorted(cpus map[int]*cpu) []int { return slices.Sorted(maps.Keys(cpus)) }
