// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"
)

// What schedfleet changed in a directory that outlives its run stands in
// extended attributes of that very directory: whoever comes last puts it back,
// even if the one who changed it was killed.
const (
	recordControllers = "schedfleet.controllers" // "cpu cpuset"
	recordExclusive   = "schedfleet.exclusive"   // "0-3"
	// recordSize is more than any record: names of controllers, or a list of CPUs.
	recordSize = 64 << 10
)

// namespaces are those a record may be in. The first needs Linux 5.7, the
// second CAP_SYS_ADMIN.
var namespaces = []string{"user.", "trusted."}

const (
	// lockTimeout bounds the wait for the others who change controllers. Each
	// of them takes milliseconds, and a few seconds when the kernel is stuck.
	lockTimeout = 15 * time.Second
	lockRetry   = 5 * time.Millisecond
)

// lock keeps everyone else of schedfleet from changing controllers in the
// hierarchy of top. It ends with the process at the latest.
func lock(ctx context.Context, top *Dir) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	f, err := open(top.path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, fmt.Errorf("locking the controllers: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			// Unlocking by hand: a process forked meanwhile has the same open file.
			return func() { _ = errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close()) }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) || ctx.Err() != nil {
			_ = f.Close()
			return nil, fmt.Errorf("locking the controllers, for up to %v: %w", lockTimeout, &os.PathError{Op: "flock", Path: top.path, Err: err})
		}
		<-time.After(lockRetry)
	}
}

// getRecord returns a record of d, and "" if there is none.
func (d *Dir) getRecord(name string) (string, error) {
	for _, namespace := range namespaces {
		value, err := bounded("reading "+namespace+name+" of", d.path, func() (string, error) {
			buf := make([]byte, recordSize)
			n, err := unix.Getxattr(d.path, namespace+name, buf)
			if err != nil {
				return "", &os.PathError{Op: "getxattr " + namespace + name, Path: d.path, Err: err}
			}
			return string(buf[:n]), nil
		})
		switch {
		case err == nil:
			return value, nil
		case !unrecordable(err) && !errors.Is(err, unix.ENODATA) && !gone(err):
			return "", err
		}
	}
	return "", nil
}

// setRecord writes a record of d in the first namespace that takes it, and
// removes it if it is empty. An error for which unrecordable holds says that
// there is no such namespace.
func (d *Dir) setRecord(name, value string) error {
	var failed []error
	for _, namespace := range namespaces {
		_, err := bounded("writing "+namespace+name+" of", d.path, func() (struct{}, error) {
			return struct{}{}, setOrRemove(d.path, namespace+name, value)
		})
		switch {
		case err == nil && value != "":
			return nil
		case err == nil || value == "" && unrecordable(err):
		case unrecordable(err):
			failed = append(failed, err)
		default:
			return err
		}
	}
	return errors.Join(failed...)
}

func setOrRemove(path, attribute, value string) error {
	if value != "" {
		if err := unix.Setxattr(path, attribute, []byte(value), 0); err != nil {
			return &os.PathError{Op: "setxattr " + attribute, Path: path, Err: err}
		}
		return nil
	}
	err := unix.Removexattr(path, attribute)
	if err == nil || errors.Is(err, unix.ENODATA) || gone(err) {
		return nil
	}
	return &os.PathError{Op: "removexattr " + attribute, Path: path, Err: err}
}

// unrecordable says whether the file system, or the rights of this process, do
// not let a directory have the attribute.
func unrecordable(err error) bool {
	return errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM)
}

func (d *Dir) recordedControllers() ([]string, error) {
	value, err := d.getRecord(recordControllers)
	return strings.Fields(value), err
}

func (d *Dir) recordedCPUs() (cpuset.CPUSet, error) {
	value, err := d.getRecord(recordExclusive)
	if err != nil {
		return cpuset.New(), err
	}
	cpus, err := cpuset.Parse(value)
	if err != nil {
		return cpuset.New(), fmt.Errorf("the attribute %s of %s: %w", recordExclusive, d.path, err)
	}
	return cpus, nil
}

// hasRecord says whether something may have to be put back in d.
func (d *Dir) hasRecord() bool {
	for _, name := range []string{recordControllers, recordExclusive} {
		if value, err := d.getRecord(name); err != nil || value != "" {
			return true
		}
	}
	return false
}
