// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// fileTimeout bounds every access to the cgroup file system. The kernel serves
// them under a global lock that a broken scheduler can leave held.
const fileTimeout = 2 * time.Second

// bounded calls f and waits for it no longer than fileTimeout. Past that, its
// goroutine goes on until the kernel lets it return.
func bounded[T any](step, path string, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	timeout := time.NewTimer(fileTimeout)
	defer timeout.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-timeout.C:
		var zero T
		return zero, fmt.Errorf("%s %s: the kernel did not answer within %v: %w", step, path, fileTimeout, unix.ETIMEDOUT)
	}
}

func (d *Dir) file(name string) string { return filepath.Join(d.path, name) }

func (d *Dir) parent() *Dir { return &Dir{path: filepath.Dir(d.path)} }

// write writes a value to a file of the cgroup in one system call, as the kernel requires.
func (d *Dir) write(name, value string) error {
	path := d.file(name)
	_, err := bounded("writing", path, func() (int, error) {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return 0, err
		}
		n, err := f.WriteString(value)
		return n, errors.Join(err, f.Close())
	})
	if err != nil {
		return fmt.Errorf("writing %q: %w", value, err)
	}
	return nil
}

func (d *Dir) read(name string) ([]byte, error) {
	path := d.file(name)
	return bounded("reading", path, func() ([]byte, error) { return os.ReadFile(path) })
}

// open opens a file that the poller of the Go runtime has nothing to do with.
// One that opens too late is closed by its finalizer.
func open(path string, flags int) (*os.File, error) {
	return bounded("opening", path, func() (*os.File, error) {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
		return os.NewFile(uintptr(fd), path), nil
	})
}

// gone says whether err means that the cgroup is not there (any more): an open
// file of a removed cgroup answers ENODEV.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV)
}
