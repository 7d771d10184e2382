// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/schedfleet/schedfleet/hack/guest/internal/wire"
)

// Descriptors of the emulator: those of exec.Cmd.ExtraFiles begin at 3.
const (
	portFD   = 3
	initrdFD = 4
)

// kernelArgs come before those of Config. What they leave out costs seconds of
// every boot under emulation, and means nothing there.
var kernelArgs = []string{
	"console=ttyS0", "quiet",
	"panic=-1",   // reboot at once, which ends the emulator
	"oops=panic", // no result is to be had from a kernel that stumbled
	"mitigations=off",
	"nokaslr",
	"tsc=reliable", "no_timer_check", "lpj=10000000",
}

// emulatorArgs is the machine.
func emulatorArgs(base, kernel string, cfg *Config) []string {
	share := filepath.Join(base, "usr/share")
	args := []string{
		"-L", filepath.Join(share, "qemu"), "-L", filepath.Join(share, "seabios"),
		"-nodefaults", "-no-user-config", "-display", "none", "-vga", "none", "-no-reboot",
		"-machine", "q35", "-accel", cfg.accel,
		// As an AMD the emulator cannot describe shared caches. As an Intel it
		// aborts when the firmware asks for a leaf beyond the last one, if that
		// last one is 0x1f: so the last one is 0x20.
		"-cpu", "max,vendor=GenuineIntel,level=0x20",
	}
	args = append(args, cfg.Shape.arguments()...)
	args = append(args,
		"-kernel", kernel,
		"-initrd", fmt.Sprintf("/proc/self/fd/%d", initrdFD),
		"-append", strings.Join(slices.Concat(kernelArgs, clockArgs(), cfg.KernelArgs), " "),
		"-serial", "stdio",
		"-chardev", fmt.Sprintf("socket,id=port,fd=%d", portFD),
		"-device", "virtio-serial-pci",
		"-device", "virtserialport,chardev=port,name="+wire.Port,
	)
	if cfg.Network {
		args = append(args, "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=")
	}
	return args
}

// emulatorCommand is qemu as it was unpacked, with the libraries unpacked beside it.
func emulatorCommand(base string, cfg *Config, port, initrd *os.File) (*exec.Cmd, error) {
	kernel, err := glob(base, "usr/lib/modules/*/vmlinuz", "boot/vmlinuz-*")
	if err != nil {
		return nil, err
	}
	const libraries = "lib/x86_64-linux-gnu"
	cmd := exec.Command(filepath.Join(base, "usr/bin/qemu-system-x86_64"), emulatorArgs(base, kernel, cfg)...)
	cmd.Env = append(os.Environ(),
		"LD_LIBRARY_PATH="+filepath.Join(base, "usr", libraries)+":"+filepath.Join(base, libraries),
		"QEMU_MODULE_DIR="+filepath.Join(base, "usr", libraries, "qemu"))
	cmd.ExtraFiles = []*os.File{port, initrd}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, nil
}

// launch starts cmd, and closes the channel when it has ended. The kernel kills
// the emulator when the thread that started it ends: so one thread does both.
func launch(cmd *exec.Cmd) (ended <-chan struct{}, err error) {
	started, waited := make(chan error), make(chan struct{})
	go func() {
		defer close(waited)
		runtime.LockOSThread() // never unlocked: the thread ends here
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in cmd.ProcessState
		}
	}()
	return waited, <-started
}

// socketPair returns two connected sockets. The first is ours, and reading it
// ends when it is closed.
func socketPair() (ours, theirs *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "port")
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		syscall.Close(fds[0]) //nolint:errcheck // never used
		theirs.Close()        //nolint:errcheck // never used
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fds[0]), "port"), theirs, nil
}
