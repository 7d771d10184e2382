// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package cgroup is the only writer to the cgroup tree (version 2).
package cgroup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrOutside says that a path is not below the top of a cgroup v2 hierarchy.
var ErrOutside = errors.New("not below the top of a cgroup2 file system")

const killFile = "cgroup.kill"

// Dir is one cgroup.
type Dir struct{ path string }

// Create makes the cgroup at an absolute path, with its parents. One that
// exists already is taken as it is.
func Create(path string) (*Dir, error) {
	if err := checkBelow(path); err != nil {
		return nil, fmt.Errorf("creating cgroup %s: %w", path, err)
	}
	_, err := bounded("creating cgroup", path, func() (struct{}, error) {
		return struct{}{}, os.MkdirAll(path, 0o755)
	})
	if err != nil {
		return nil, fmt.Errorf("creating cgroup %s: %w", path, err)
	}
	return &Dir{path: path}, nil
}

// Path is the cgroup's directory.
func (d *Dir) Path() string { return d.path }

// Open returns a descriptor of the directory for clone3's CLONE_INTO_CGROUP.
func (d *Dir) Open() (*os.File, error) {
	return open(d.path, unix.O_PATH|unix.O_DIRECTORY)
}

// Kill kills every process of d and of the cgroups below it, those it cannot
// see and those just being forked included. A missing cgroup holds none. The
// kernel kills whole processes: not those of a threaded cgroup, but those of the
// domain above it.
func (d *Dir) Kill() error {
	err := d.write(killFile, "1")
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("%w (it is threaded: kill the processes of its domain, the next cgroup above that is not)", err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, statErr := os.Stat(d.path); statErr == nil {
		return fmt.Errorf("killing the processes of %s: it has no cgroup.kill (Linux 5.14 or later has it): %w",
			d.path, errors.ErrUnsupported)
	}
	return nil
}

// OpenKill opens the file that kills as Kill does when 1 is written to it, for
// processes that have to be able to when nothing else can be opened any more.
func (d *Dir) OpenKill() (*os.File, error) {
	file, err := open(d.file(killFile), unix.O_WRONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (Linux 5.14 or later has it)", err)
	}
	return file, err
}

// Populated says whether a live process is in d or below it. A missing cgroup
// is empty.
func (d *Dir) Populated() (bool, error) {
	content, err := d.read(eventsFile)
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	live, err := event(content, "populated")
	return live != 0, err
}

// Procs returns the ids of the processes in the cgroup at path, not of those
// below it. A threaded cgroup has threads and no processes (EOPNOTSUPP); those
// its threads belong to are in its domain, the next cgroup above that is not threaded.
func Procs(path string) ([]int, error) { return (&Dir{path: path}).ids("cgroup.procs") }

// Threads returns the ids of the threads in the cgroup at path, not of those below it.
func Threads(path string) ([]int, error) { return (&Dir{path: path}).ids("cgroup.threads") }

func (d *Dir) ids(file string) ([]int, error) {
	content, err := d.read(file)
	if err != nil {
		return nil, err
	}
	var ids []int
	for field := range bytes.FieldsSeq(content) {
		id, err := strconv.Atoi(string(field))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", d.file(file), err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// CheckName says what is wrong with a cgroup's name relative to its parent.
func CheckName(name string) error {
	if strings.ContainsRune(name, 0) {
		return errors.New("a name must not hold a NUL byte")
	}
	for component := range strings.SplitSeq(name, "/") {
		switch component {
		case "":
			return errors.New("a name must not be empty, begin or end with / or hold //")
		case ".", "..":
			return fmt.Errorf("a name must not hold %s as a component", component)
		}
	}
	return nil
}

// checkBelow refuses a path whose parent, or the nearest ancestor there is, is
// not in a cgroup2 file system. The top of a hierarchy is refused with it:
// whoever removed that would kill every process of the machine.
func checkBelow(path string) error {
	if !filepath.IsAbs(path) {
		return errors.New("the path must be absolute")
	}
	if err := CheckName(strings.TrimPrefix(path, "/")); err != nil {
		return err
	}
	for parent := filepath.Dir(path); ; parent = filepath.Dir(parent) {
		inside, err := isCgroup2(parent)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case !inside:
			return ErrOutside
		}
		return nil
	}
}

// isCgroup2 says whether a path is in a cgroup2 file system.
func isCgroup2(path string) (bool, error) {
	return bounded("looking at", path, func() (bool, error) {
		var st unix.Statfs_t
		if err := unix.Statfs(path, &st); err != nil {
			return false, &os.PathError{Op: "statfs", Path: path, Err: err}
		}
		return st.Type == unix.CGROUP2_SUPER_MAGIC, nil
	})
}

// event is the value of a key of cgroup.events.
func event(events []byte, key string) (uint64, error) {
	stat, err := parseFlat(events)
	if err != nil {
		return 0, err
	}
	n, ok := stat[key]
	if !ok {
		return 0, fmt.Errorf("cgroup.events does not say %q", key)
	}
	return n, nil
}

// parseFlat reads the kernel's "flat keyed" format: lines of a name and a number.
func parseFlat(content []byte) (map[string]uint64, error) {
	numbers := make(map[string]uint64)
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("line %q is not a name and a number", lines.Text())
		}
		numbers[key] = n
	}
	return numbers, lines.Err()
}
