// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// blockSize is that of the tests' reads and writes.
const blockSize = 4096

// onDisk is a directory on a file system that is not in memory.
func onDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if checkScratch(dir) == nil {
		return dir
	}
	dir, err := os.MkdirTemp(".", "scratch-") // with the sources
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := checkScratch(dir); err != nil {
		t.Skipf("neither temporary files nor the sources are on a disk: %v", err)
	}
	return dir
}

func TestScratchFile(t *testing.T) {
	for name, tc := range map[string]struct {
		flags int
		bytes int64
	}{
		"written synchronously":        {unix.O_SYNC, 16 << 20},
		"past the page cache":          {unix.O_DIRECT, 16 << 20},
		"no whole number of chunks":    {unix.O_DIRECT, 1<<20 + blockSize},
		"less than is written at once": {unix.O_SYNC, 64 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			dir := onDisk(t)
			fd, size, err := openFile(dir, &work.File{Bytes: tc.bytes, Flags: tc.flags})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = unix.Close(fd) }()
			var stat unix.Stat_t
			if err := unix.Fstat(fd, &stat); err != nil {
				t.Fatal(err)
			}
			if size != tc.bytes || stat.Size != tc.bytes || stat.Nlink != 0 || stat.Blocks*512 < tc.bytes {
				t.Errorf("%d bytes: the file has %d, %d links and %d blocks of 512", size, stat.Size, stat.Nlink, stat.Blocks)
			}
			flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
			if err != nil || flags&tc.flags != tc.flags || flags&unix.O_ACCMODE != unix.O_RDWR {
				t.Errorf("it is open with %x: %v", flags, err)
			}
			if closes, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || closes != unix.FD_CLOEXEC {
				t.Errorf("an exec keeps it open: %v", err)
			}
			checkExtents(t, fd)
			checkNothingIn(t, dir)
		})
	}
}

// checkExtents fails when parts of a file were never written: those are read without asking
// the device.
func checkExtents(t *testing.T, fd int) {
	t.Helper()
	hole, err := unix.Seek(fd, 0, unix.SEEK_HOLE)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil || bytes.ContainsFunc(text, func(r rune) bool { return r != 0 }) {
		t.Errorf("not all of it is zeros: %v", err)
	}
	if hole != int64(len(text)) {
		t.Errorf("it has a hole at %d", hole)
	}
}

func checkNothingIn(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("in the directory are %v: %v", entries, err)
	}
}

// A file system that makes no files without a name gets one with a name for a moment, and
// another one where that is taken.
func TestScratchFileOfAName(t *testing.T) {
	dir := onDisk(t)
	taken := filepath.Join(dir, fmt.Sprintf("%s%d-0", scratchPrefix, os.Getpid()))
	if err := os.WriteFile(taken, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := openUnlinked(dir, unix.O_DIRECT)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || stat.Nlink != 0 || stat.Mode != unix.S_IFREG|0o600 {
		t.Errorf("it has %d links and mode %o: %v", stat.Nlink, stat.Mode, err)
	}
	if text, err := os.ReadFile(taken); err != nil || string(text) != "mine" {
		t.Errorf("the other file has %q: %v", text, err)
	}
	if err := os.Remove(taken); err != nil {
		t.Fatal(err)
	}
	checkNothingIn(t, dir)
}

func TestWhereNoScratchFileCanBe(t *testing.T) {
	for name, tc := range map[string]struct {
		dir   string
		bytes int64
		is    error
		want  string
	}{
		"nowhere":                {filepath.Join(t.TempDir(), "none"), 1 << 16, fs.ErrNotExist, "use another --scratch-dir"},
		"in a file":              {"/proc/self/status", 1 << 16, nil, "use another --scratch-dir"},
		"in no file system":      {"/proc/self", 1 << 16, nil, "use another --scratch-dir"},
		"in memory":              {"/dev/shm", 1 << 16, nil, "the file system of /dev/shm is in memory, where nothing is read from or written to a device: use another --scratch-dir"},
		"more than the disk has": {onDisk(t), 1 << 50, nil, "give a smaller fileSize, or use another --scratch-dir"},
	} {
		for _, flags := range []int{unix.O_SYNC, unix.O_DIRECT} {
			t.Run(name, func(t *testing.T) {
				fd, _, err := openFile(tc.dir, &work.File{Bytes: tc.bytes, Flags: flags})
				if err == nil {
					_ = unix.Close(fd)
					t.Fatal("it was made")
				}
				if !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.dir) || tc.is != nil && !errors.Is(err, tc.is) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
			})
		}
	}
}

func TestWhatIsNoDevice(t *testing.T) {
	for name, tc := range map[string]struct{ path, want string }{
		"nothing":          {"/dev/schedfleet-none", "opening /dev/schedfleet-none: no such file or directory"},
		"a terminal":       {"/dev/null", "/dev/null is no block device"},
		"a directory":      {"/dev/shm", "/dev/shm is no block device"},
		"an ordinary file": {"/proc/self/status", "/proc/self/status is no block device"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := openFile("", &work.File{Device: tc.path}); err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestDevice(t *testing.T) {
	device := loopDevice(t, 1<<20)
	for name, flags := range map[string]int{"written synchronously": unix.O_SYNC, "past the page cache": unix.O_DIRECT} {
		t.Run(name, func(t *testing.T) {
			fd, size, err := openFile("", &work.File{Device: device, Flags: flags})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = unix.Close(fd) }()
			if got, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || got&flags != flags || size != 1<<20 {
				t.Errorf("%d bytes, open with %x: %v", size, got, err)
			}
		})
	}
}

// Zygotes open one device at the same time, and each looks whether it is in use.
func TestDeviceOfManyZygotes(t *testing.T) {
	device := loopDevice(t, 1<<20)
	const zygotes, times = 8, 100
	errs := make(chan error)
	for range zygotes {
		go func() {
			var first error
			for range times {
				fd, _, err := openFile("", &work.File{Device: device})
				if err == nil {
					err = unix.Close(fd)
				}
				first = cmp.Or(first, err)
			}
			errs <- first
		}()
	}
	for range zygotes {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestDeviceThatCannotBeUsed(t *testing.T) {
	device := loopDevice(t, 1<<20)
	mounted, err := unix.Open(device, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0) // as a mount has it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(mounted) }()
	if _, _, err := openFile("", &work.File{Device: device}); !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), device+" is in use") {
		t.Errorf("in use: %v", err)
	}
	small := loopDevice(t, 32<<10)
	if _, _, err := openFile("", &work.File{Device: small}); err == nil || err.Error() != "the size of "+small+": 32768 is less than 65536" {
		t.Errorf("small: %v", err)
	}
}

// loopDevice makes a block device of a file.
func loopDevice(t *testing.T, bytes int64) string {
	t.Helper()
	control, err := unix.Open("/dev/loop-control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("there are no loop devices: %v", err)
	}
	defer func() { _ = unix.Close(control) }()
	file, err := os.Create(filepath.Join(onDisk(t), "device"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := file.Truncate(bytes); err != nil {
		t.Fatal(err)
	}
	for range 10 { // another test may be faster
		n, err := unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE)
		if err != nil {
			t.Skipf("there is no free loop device: %v", err)
		}
		path := fmt.Sprintf("/dev/loop%d", n)
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Skipf("loop devices cannot be used: %v", err)
		}
		defer func() { _ = unix.Close(fd) }()
		err = unix.IoctlLoopConfigure(fd, &unix.LoopConfig{Fd: uint32(file.Fd())})
		if err == nil {
			t.Cleanup(func() { releaseLoop(t, path) })
			return path
		}
		if !errors.Is(err, unix.EBUSY) {
			t.Fatal(err)
		}
	}
	t.Fatal("no loop device stays free")
	return ""
}

func releaseLoop(t *testing.T, path string) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.IoctlSetInt(fd, unix.LOOP_CLR_FD, 0)
		_ = unix.Close(fd)
	}
	if err != nil {
		t.Errorf("%s stays in use: %v", path, err)
	}
}
