// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package watchdog ends a run whose runner does not: a process beside the runner, out of reach of what the
// run's workers may do to the machine.
//
// It is above every worker, in SCHED_FIFO with the highest priority, has its memory locked, is in no cgroup of
// the run, and holds what it needs to end the run: the file that kills the run's cgroup and a
// descriptor of the runner. It sleeps until one of three things happens:
//
//	a byte from the runner      the run is over: it ends and touches nothing
//	the end of its input        the runner is gone: it kills the run's cgroup
//	the deadline                the runner is stuck: it kills the run's cgroup and the runner
//
// When it has killed, it undoes what the run changed of the machine: it writes what it was told to files that
// it holds open.
//
// So it ends with its runner, or at its deadline.
package watchdog

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is the argument with which the runner's binary becomes a watchdog.
const Command = "watchdog"

const (
	// armTimeout bounds the time until a watchdog is armed, endTimeout until one that
	// was told that the run is over has ended.
	armTimeout = 10 * time.Second
	endTimeout = 5 * time.Second
	// armed is what it says when it is.
	armed = "armed"
)

// environment are the settings of its Go runtime: nothing but its one thread ever works.
var environment = []string{"GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1"}

// Config is what a watchdog watches.
type Config struct {
	// Kill is cgroup.kill of the run's cgroup, open for writing. Start leaves it to the caller.
	Kill *os.File
	// Runner is the process to kill at the deadline; 0 is the caller.
	Runner int
	// Deadline is when the run has to be over, from now on.
	Deadline time.Duration
	// Undo is what it puts back when it had to kill; nil is nothing.
	Undo *Undo
	// Stderr is where it says what it had to do.
	Stderr *os.File
}

// Undo is what a run changes of the machine.
type Undo struct {
	Settings []Setting
	// Journal is emptied when every setting reads as it should.
	Journal *os.File
}

// Setting is a file of one digit, open for reading and writing, and the digit that it is to have.
type Setting struct {
	File  *os.File
	Value byte
}

// MaxSettings bounds the settings of an undo.
const MaxSettings = 8192

// Watchdog is a started watchdog.
type Watchdog struct {
	cmd  *exec.Cmd
	tell *os.File
}

// Start starts a watchdog and returns when it is armed. End has to be called.
func Start(cfg Config) (*Watchdog, error) {
	if cfg.Undo != nil && len(cfg.Undo.Settings) > MaxSettings {
		return nil, fmt.Errorf("starting the watchdog: it can put back at most %d settings, not %d", MaxSettings, len(cfg.Undo.Settings))
	}
	if cfg.Runner == 0 {
		cfg.Runner = os.Getpid()
	}
	fd, err := unix.PidfdOpen(cfg.Runner, 0)
	if err != nil {
		return nil, fmt.Errorf("starting the watchdog: pidfd_open of the runner: %w", err)
	}
	runner := os.NewFile(uintptr(fd), "the runner")
	defer runner.Close() //nolint:errcheck // the watchdog has its own
	w, said, err := launch(cfg, runner)
	if err != nil {
		return nil, fmt.Errorf("starting the watchdog: %w", err)
	}
	defer said.Close() //nolint:errcheck // only read
	if err := w.arm(cfg.orders(), said); err != nil {
		w.abandon()
		return nil, fmt.Errorf("starting the watchdog: %w", err)
	}
	return w, nil
}

// orders are the first line of a watchdog's input: its deadline in ns and, after a blank, the digits of the settings.
func (c *Config) orders() string {
	line := strconv.FormatInt(c.Deadline.Nanoseconds(), 10)
	if c.Undo == nil {
		return line
	}
	digits := make([]byte, 0, len(c.Undo.Settings))
	for _, s := range c.Undo.Settings {
		digits = append(digits, s.Value)
	}
	return line + " " + string(digits)
}

// files are what a watchdog has open, from killFD on.
func (c *Config) files(runner *os.File) []*os.File {
	files := []*os.File{c.Kill, runner}
	if c.Undo == nil {
		return files
	}
	files = append(files, c.Undo.Journal)
	for _, s := range c.Undo.Settings {
		files = append(files, s.File)
	}
	return files
}

// launch starts the process and returns what it says.
func launch(cfg Config, runner *os.File) (*Watchdog, *os.File, error) {
	in, tell, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer in.Close() //nolint:errcheck // the watchdog has its own
	said, out, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, tell.Close())
	}
	defer out.Close() //nolint:errcheck // the watchdog has its own
	cmd := exec.Command("/proc/self/exe", Command)
	cmd.Args[0] = "schedfleet-runner" // what ps shows
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.ExtraFiles = environment, in, out, cfg.files(runner)
	if cfg.Stderr != nil { // a nil *os.File is not a nil io.Writer
		cmd.Stderr = cfg.Stderr
	}
	// What is sent to the runner's process group is not for its watchdog.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, nil, errors.Join(err, tell.Close(), said.Close())
	}
	return &Watchdog{cmd: cmd, tell: tell}, said, nil
}

// arm tells the watchdog its orders and waits for its answer.
func (w *Watchdog) arm(orders string, said *os.File) error {
	if err := said.SetReadDeadline(time.Now().Add(armTimeout)); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(w.tell, orders); err != nil {
		return fmt.Errorf("telling its orders: %w", err)
	}
	answer, err := bufio.NewReader(said).ReadString('\n')
	switch answer = strings.TrimSpace(answer); {
	case answer == armed:
		return nil
	case answer != "":
		return errors.New(answer)
	default:
		return fmt.Errorf("it does not answer: %w", err)
	}
}

// End tells the watchdog that the run is over and waits until it has ended. One that ended
// before is an error: for some time the run had none.
func (w *Watchdog) End() error {
	if w == nil {
		return nil
	}
	_, tellErr := w.tell.Write([]byte{over})
	limit := time.AfterFunc(endTimeout, func() { _ = w.cmd.Process.Kill() })
	defer limit.Stop()
	err := w.cmd.Wait()
	_ = w.tell.Close()
	if err != nil {
		return fmt.Errorf("the watchdog of the run failed: %w", err)
	}
	if tellErr != nil {
		return fmt.Errorf("the watchdog of the run was gone before its end: %w", tellErr)
	}
	return nil
}

// abandon ends a watchdog that was never armed.
func (w *Watchdog) abandon() {
	_ = w.cmd.Process.Kill()
	_ = w.tell.Close()
	_ = w.cmd.Wait()
}
