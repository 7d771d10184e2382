// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package watchdog

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// Descriptors of a watchdog besides the standard ones.
const (
	inFD     = 0
	killFD   = 3
	runnerFD = 4
	// A watchdog with something to undo has the journal and the settings.
	journalFD = 5
	settingFD = 6
)

const (
	// priority is above that of every worker.
	priority = 99
	// over is what the runner says when the run is over.
	over = '.'
	// sayTimeout bounds the wait for somebody to read what it says.
	sayTimeout = time.Second
)

// Exit codes of a watchdog.
const (
	exitOver     = 0
	exitActed    = 1
	exitNotArmed = 2
)

// Main is the main function of a watchdog. It returns the exit code.
func Main() int {
	runtime.LockOSThread()
	// Only its runner ends it.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGPIPE)
	o, err := readOrders()
	if err == nil {
		err = harden()
	}
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		return exitNotArmed
	}
	o.deadline += sys.Monotonic()
	fmt.Fprintln(os.Stdout, armed)
	_ = os.Stdout.Close()
	return o.watch()
}

// orders are what a watchdog was told.
type orders struct {
	// deadline is when it acts, settings the digits that it then writes.
	deadline int64
	settings []byte
}

// maxOrders is more than the first line of the input can have: a number, a blank, and the digits of the settings.
const maxOrders = 32 + MaxSettings

// readOrders reads the first line of the input, and nothing behind it.
func readOrders() (orders, error) {
	var line []byte
	for b := []byte{0}; len(line) < maxOrders; line = append(line, b[0]) {
		if n, err := os.Stdin.Read(b); n != 1 {
			return orders{}, fmt.Errorf("reading its orders: %w", err)
		}
		if b[0] == '\n' {
			break
		}
	}
	digits, settings, _ := strings.Cut(string(line), " ")
	ns, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return orders{}, fmt.Errorf("reading its deadline: %w", err)
	}
	return orders{deadline: ns, settings: []byte(settings)}, nil
}

// harden puts the process above every worker. A watchdog that can be starved is none.
func harden() error {
	if errno := sys.RawSetScheduler(0, sys.PolicyFIFO, priority); errno != 0 {
		return fmt.Errorf("SCHED_FIFO with priority %d: %w%s", priority, errno, classHint(errno))
	}
	return lockMemory()
}

// lockMemory keeps what the process has in memory, and the whole of its program: to read a page of it
// from a disk takes tasks that may be starved by then. The rest of its address space, most of which is
// the Go runtime's for later, is locked when it is used.
func lockMemory() error {
	err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOMEM) {
		return nil // without the right to it, it has to do: the program is in memory most likely
	}
	if err != nil {
		return fmt.Errorf("mlockall: %w", err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	for mapping := range strings.Lines(string(maps)) {
		// 401000-62d000 r-xp 00001000 fe:00 12345 /path
		var from, to uintptr
		var rights string
		if _, err := fmt.Sscanf(mapping, "%x-%x %s", &from, &to, &rights); err != nil || !strings.Contains(mapping, "/") || rights[0] != 'r' {
			continue
		}
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_POPULATE_READ); errno != 0 {
			return fmt.Errorf("madvise(MADV_POPULATE_READ): %w", errno)
		}
	}
	return nil
}

func classHint(errno sys.Errno) string {
	if errno == unix.EPERM {
		return " (dangerous work needs a watchdog above it: give CAP_SYS_NICE, and the cgroup real-time bandwidth where the kernel has cpu.rt_runtime_us)"
	}
	return ""
}

// watch sleeps until something happens and returns the exit code.
func (o *orders) watch() int {
	for {
		left := o.deadline - sys.Monotonic()
		if left <= 0 {
			return o.act(true, "the runner did not end the run in time: killed the run and the runner")
		}
		ready, errno := sys.PollRead(inFD, left)
		if !ready && (errno == 0 || errno == sys.Interrupted) {
			continue
		}
		n, readErrno := sys.ReadByte(inFD)
		switch {
		case n == 1:
			return exitOver
		case readErrno != sys.Interrupted:
			return o.act(false, "the runner ended before the run was over: killed what was left of it")
		}
	}
}

// act kills first and then says so. The runner is first: that its workers die with it takes none of the
// kernel's locks that a starved task may hold, as writing to a file of a cgroup does.
func (o *orders) act(runner bool, why string) int {
	if runner {
		if err := unix.PidfdSendSignal(runnerFD, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			why += fmt.Sprintf("; killing the runner: %v", err)
		}
	}
	_, err := unix.Write(killFD, []byte("1"))
	if err != nil && !errors.Is(err, unix.ENODEV) { // somebody has removed the cgroup
		why += fmt.Sprintf("; writing to cgroup.kill: %v", err)
	}
	why += o.undo()
	say("schedfleet-runner: watchdog: " + why + "\n")
	return exitActed
}

// say writes to standard error, unless nobody takes it.
func say(text string) {
	out := []unix.PollFd{{Fd: int32(os.Stderr.Fd()), Events: unix.POLLOUT}}
	if n, err := unix.Poll(out, int(sayTimeout.Milliseconds())); n == 1 && err == nil {
		_, _ = os.Stderr.WriteString(text)
	}
}
