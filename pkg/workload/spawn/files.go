// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	// scratchPrefix begins the name that a scratch file has for a moment, where it must have one.
	scratchPrefix = "schedfleet-scratch-"
	// scratchNames is how many names are tried.
	scratchNames = 100
	// fillChunk is what is written at once to fill a scratch file.
	fillChunk = 1 << 20
)

// openFile opens a scratch file in a directory, or a device, and tells its size.
func openFile(dir string, f *work.File) (fd int, bytes int64, err error) {
	if f.Device != "" {
		return openDevice(f)
	}
	fd, err = openScratch(dir, f.Flags)
	if err != nil {
		return -1, 0, err
	}
	if err := fill(fd, f.Bytes); err != nil {
		_ = unix.Close(fd)
		return -1, 0, fmt.Errorf("writing a scratch file of %d bytes in %s: %w%s", f.Bytes, dir, err, spaceHint(err))
	}
	return fd, f.Bytes, nil
}

func spaceHint(err error) string {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG) {
		return ": give a smaller fileSize, or use another --scratch-dir"
	}
	return ""
}

// openScratch makes a file without a name, so that nothing of it is left when its
// worker ends, however it ends.
func openScratch(dir string, flags int) (int, error) {
	if err := checkScratch(dir); err != nil {
		return -1, err
	}
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_EXCL|unix.O_RDWR|unix.O_CLOEXEC|flags, 0o600)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) {
		fd, err = openUnlinked(dir, flags)
	}
	if errors.Is(err, unix.EINVAL) && flags&unix.O_DIRECT != 0 {
		return -1, fmt.Errorf("the file system of %s has no direct I/O (%w): use another --scratch-dir", dir, err)
	}
	if err != nil {
		return -1, fmt.Errorf("making a scratch file in %s: %w: use another --scratch-dir", dir, err)
	}
	return fd, nil
}

// checkScratch refuses file systems that are in memory: what is asked for is input and output.
func checkScratch(dir string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("making a scratch file in %s: %w: use another --scratch-dir", dir, err)
	}
	if fs.Type == unix.TMPFS_MAGIC || fs.Type == unix.RAMFS_MAGIC {
		return fmt.Errorf("the file system of %s is in memory, where nothing is read from or written to a device: use another --scratch-dir", dir)
	}
	return nil
}

// openUnlinked makes a file on a file system that has none without a name, and takes its
// name away at once.
func openUnlinked(dir string, flags int) (int, error) {
	for n := range scratchNames {
		path := filepath.Join(dir, fmt.Sprintf("%s%d-%d", scratchPrefix, os.Getpid(), n))
		fd, err := unix.Open(path, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|unix.O_CLOEXEC|flags, 0o600)
		if errors.Is(err, unix.EEXIST) {
			continue
		}
		// Where it has no direct I/O, the file is made and not opened.
		if removed := unix.Unlink(path); removed != nil && err == nil {
			_ = unix.Close(fd)
			return -1, removed
		}
		return fd, err
	}
	return -1, unix.EEXIST
}

// fill writes all of a file, so that it has blocks that can be read, and has them synced,
// so that they are not written during the run.
func fill(fd int, bytes int64) error {
	if err := unix.Fallocate(fd, 0, 0, bytes); err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return err
	}
	zeros, err := unix.Mmap(-1, 0, fillChunk, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS) // aligned, and no memory
	if err != nil {
		return err
	}
	defer func() { _ = unix.Munmap(zeros) }()
	for at := int64(0); at < bytes; {
		n, err := unix.Pwrite(fd, zeros[:min(fillChunk, bytes-at)], at)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	return unix.Fdatasync(fd)
}

// openDevice opens a block device that nothing else uses.
func openDevice(f *work.File) (fd int, bytes int64, err error) {
	var stat unix.Stat_t
	if err := unix.Stat(f.Device, &stat); err != nil {
		return -1, 0, fmt.Errorf("opening %s: %w", f.Device, err)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFBLK {
		return -1, 0, fmt.Errorf("%s is no block device", f.Device)
	}
	fd, err = unix.Open(f.Device, unix.O_RDWR|unix.O_CLOEXEC|f.Flags, 0)
	if err != nil {
		return -1, 0, fmt.Errorf("opening %s: %w", f.Device, err)
	}
	if err := checkUnused(fd, f.Device); err != nil {
		_ = unix.Close(fd)
		return -1, 0, err
	}
	size, err := unix.IoctlGetInt(fd, unix.BLKGETSIZE64)
	if err == nil && size < work.MinFileBytes {
		err = fmt.Errorf("%d is less than %d", size, work.MinFileBytes)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, 0, fmt.Errorf("the size of %s: %w", f.Device, err)
	}
	return fd, int64(size), nil
}

// checkUnused refuses a device that has a file system mounted, or is otherwise in exclusive
// use. To find out is to use it exclusively for a moment, which one zygote does at a time.
func checkUnused(fd int, device string) error {
	if err := lock(fd, unix.LOCK_EX); err != nil {
		return fmt.Errorf("locking %s: %w", device, err)
	}
	exclusive, err := unix.Open(device, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
	if err == nil {
		_ = unix.Close(exclusive)
	}
	if unlocked := lock(fd, unix.LOCK_UN); err == nil && unlocked != nil {
		return fmt.Errorf("unlocking %s: %w", device, unlocked)
	}
	if err != nil {
		return fmt.Errorf("%s is in use, or cannot be had alone: %w", device, err)
	}
	return nil
}

func lock(fd, how int) error {
	for {
		if err := unix.Flock(fd, how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
