// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/hack/guest/internal/wire"
)

const (
	// deviceTimeout is how long a device may take to appear: drivers are probed
	// while user space runs already, under emulation.
	deviceTimeout = 20 * time.Second

	cgroupMount = "/sys/fs/cgroup"
	// openFiles is what a distribution gives to its services. The kernel alone
	// gives process 1 room for 4096.
	openFiles, maxOpenFiles = 1024, 524288
)

// mounts are made in this order. Those that are optional depend on how the
// kernel was built.
var mounts = []struct {
	kind, at, options string
	optional          bool
}{
	{kind: "proc", at: "/proc"},
	{kind: "sysfs", at: "/sys"},
	{kind: "devtmpfs", at: "/dev"},
	{kind: "devpts", at: "/dev/pts", options: "ptmxmode=666"},
	{kind: "tmpfs", at: "/dev/shm", options: "mode=1777"},
	{kind: "tmpfs", at: "/tmp", options: "mode=1777"},
	{kind: "tmpfs", at: "/run", options: "mode=755"},
	{kind: "cgroup2", at: cgroupMount},
	{kind: "tracefs", at: "/sys/kernel/tracing", optional: true},
	{kind: "debugfs", at: "/sys/kernel/debug", optional: true},
	{kind: "bpf", at: "/sys/fs/bpf", optional: true},
}

func mountAll() error {
	for _, m := range mounts {
		err := os.MkdirAll(m.at, 0o755)
		if err == nil {
			err = unix.Mount(m.kind, m.at, m.kind, 0, m.options)
		}
		if err != nil && !m.optional {
			return fmt.Errorf("mounting %s at %s: %w", m.kind, m.at, err)
		}
	}
	for name, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2",
	} {
		if err := os.Symlink(target, filepath.Join("/dev", name)); err != nil {
			return err
		}
	}
	return nil
}

// openPort opens the port to the host, once the host is there. Before that
// the port reads as ended.
func openPort() (*os.File, error) {
	var dev string
	if !poll(deviceTimeout, func() bool { dev = portDevice(); return dev != "" }) {
		return nil, fmt.Errorf("no virtio-serial port %s appeared within %v", wire.Port, deviceTimeout)
	}
	// Not os.OpenFile: reads and writes shall block.
	fd, err := unix.Open(dev, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", dev, err)
	}
	port := os.NewFile(uintptr(fd), dev)
	var kind wire.Kind
	if !poll(deviceTimeout, func() bool { kind, _, err = wire.Read(port); return err == nil }) {
		return nil, fmt.Errorf("no greeting came from the host on %s within %v: %w", dev, deviceTimeout, err)
	}
	if kind != wire.Hello {
		return nil, fmt.Errorf("the host began with a frame %q", kind)
	}
	return port, nil
}

func portDevice() string {
	names, _ := filepath.Glob("/sys/class/virtio-ports/*/name")
	for _, name := range names {
		if text, err := os.ReadFile(name); err == nil && strings.TrimSpace(string(text)) == wire.Port {
			return filepath.Join("/dev", filepath.Base(filepath.Dir(name)))
		}
	}
	return ""
}

// configure makes the machine what a command expects to find.
func configure(job *wire.Job) error {
	if err := unix.Sethostname([]byte(job.Hostname)); err != nil {
		return fmt.Errorf("setting the host name %q: %w", job.Hostname, err)
	}
	hosts := "127.0.0.1 localhost\n" + wire.GuestAddress + " " + job.Hostname + "\n" + wire.HostAddress + " host\n"
	files := map[string]string{
		"/etc/hosts":  hosts,
		"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
		"/etc/group":  "root:x:0:\nnogroup:x:65534:\n",
	}
	for _, dir := range []string{"/etc", "/root"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for name, text := range files {
		if err := writeMissing(name, text); err != nil {
			return err
		}
	}
	if err := enableControllers(); err != nil {
		return err
	}
	if err := keepCode(); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: openFiles, Max: maxOpenFiles}); err != nil {
		return fmt.Errorf("setting the limit of open files: %w", err)
	}
	if err := setUp("lo", nil); err != nil {
		return err
	}
	for _, m := range job.Modules {
		if err := loadModule(filepath.Join(wire.ModuleDir, m)); err != nil {
			return err
		}
	}
	if job.Network {
		return configureNetwork()
	}
	return nil
}

// writeMissing leaves alone what the caller of Boot put there.
func writeMissing(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// enableControllers hands every controller there is to the root's children.
func enableControllers() error {
	text, err := os.ReadFile(filepath.Join(cgroupMount, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for c := range strings.FieldsSeq(string(text)) {
		if err := os.WriteFile(filepath.Join(cgroupMount, "cgroup.subtree_control"), []byte("+"+c), 0); err != nil {
			return fmt.Errorf("enabling the cgroup controller %s: %w", c, err)
		}
	}
	return nil
}

// keepCode makes a cgroup that stays. The kernel patches its own code when the
// first cpuset or quota comes and when the last one goes, and the emulator now and
// then goes on with what it had translated of it before: that is a panic. So the
// first have come, and the last never go.
func keepCode() error {
	dir := filepath.Join(cgroupMount, "guest")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "cpu.max"), []byte("100000 100000"), 0)
}

// loadModule lets the kernel decompress the file itself.
func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	flags := 0
	if strings.HasSuffix(path, ".xz") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	if err := unix.FinitModule(int(f.Fd()), "", flags); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("loading the module %s: %w", path, err)
	}
	return nil
}
