// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package guest boots emulated machines of a wanted topology and runs one
// command in each, for tests that need a kernel and a machine of their own.
//
// Boot fetches an emulator and a kernel from Debian's archive once (packages.txt),
// packs an initramfs with our init (hack/guest/init) and the files asked for,
// and starts the emulator. The initramfs is all the guest has: it has no disk,
// and leaves nothing behind.
package guest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/schedfleet/schedfleet/hack/guest/internal/wire"
)

// Limits for a busy machine: a guest is up within seconds on one that is not.
const (
	defaultBootTimeout = 2 * time.Minute
	defaultTimeout     = 2 * time.Minute
)

// HostAddress is where a guest with a network finds this machine's loopback.
const HostAddress = wire.HostAddress

var errTimeout = errors.New("time is up")

// Config says what to boot and what to run in it.
type Config struct {
	Shape Shape
	// KernelArgs are added to the kernel's command line.
	KernelArgs []string
	// Files are put into the guest: from an absolute path there to a file, or a
	// directory with all below it, here. Programs have to be static.
	Files map[string]string
	// Command runs as root, as a child of init, in the root cgroup. The guest has
	// busybox with all its names in /bin.
	Command []string
	// Env is added to PATH, HOME, TMPDIR and USER.
	Env []string
	// Dir is where the command runs; it is made if need be. Empty stands for "/".
	Dir string
	// Network gives the guest eth0: 10.0.2.15, with this machine's loopback at 10.0.2.2.
	Network bool
	// Hostname is the guest's; empty stands for "guest".
	Hostname string
	// BootTimeout bounds the time until the command has started, Timeout that
	// from then on; 0 stands for two minutes.
	BootTimeout, Timeout time.Duration
	// Console gets what the kernel and init print, whole lines. Nil discards it.
	Console io.Writer
	// Stdout and Stderr get what the command prints. Nil discards it.
	Stdout, Stderr io.Writer

	// accel is how the emulator works; empty, Boot chooses.
	accel string
}

// Result is how the command ended.
type Result struct {
	// ExitCode is its exit status, -1 if a signal ended it.
	ExitCode int
	// Signal is that signal, 0 if there was none.
	Signal syscall.Signal
	// Uptime is how long the guest had been up when the command started, by its own clock.
	Uptime time.Duration
}

// ErrClosed is returned by Wait if Close ended the guest before its command had ended.
var ErrClosed = errors.New("the guest was closed before its command ended")

// PanicError is the end of a guest whose kernel panicked.
type PanicError struct {
	Message string // as the kernel put it
	// StaleCode says that the emulator is to blame, which now and then goes on with
	// code that the kernel has patched: another try may well succeed.
	StaleCode bool
	Console   string // the last lines
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("the guest's kernel panicked: %s; the console ends with:\n%s", e.Message, e.Console)
}

// TimeoutError is the end of a guest that was killed because its time was up.
type TimeoutError struct {
	After   time.Duration
	Started bool   // whether the command had been started
	Console string // the last lines
}

func (e *TimeoutError) Error() string {
	what := "the guest had not come to its command"
	if e.Started {
		what = "the command still ran in the guest"
	}
	return fmt.Sprintf("%s after %v; the console ends with:\n%s", what, e.After, e.Console)
}

// Guest is a machine whose command has been started.
type Guest struct {
	cfg                 Config
	console, complaints *console // of the guest, of the emulator
	port                *os.File
	emulator            *exec.Cmd
	started             chan struct{} // closed when the command has started
	done                chan struct{} // closed when the emulator is gone and all it said has been read
	close               func()

	// Written by listen, before it ends.
	uptime time.Duration
	exit   *wire.Exit
	failed string // what init could not do

	// Written before done is closed.
	result Result
	err    error
}

// Run boots a guest, waits for the end of its command and closes it.
func Run(ctx context.Context, cfg Config) (Result, error) {
	g, err := Boot(ctx, cfg)
	if err != nil {
		return Result{}, err
	}
	defer g.Close()
	return g.Wait()
}

// Boot returns when the command has been started in the guest. The guest ends
// with its command, at a timeout, with ctx, with Close, or with this process,
// whichever comes first. The error wraps ErrUnavailable if the reason is the
// machine.
func Boot(ctx context.Context, cfg Config) (*Guest, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	base, err := packages(ctx, partBase)
	if err != nil {
		return nil, err
	}
	if cfg.accel == "" {
		if cfg.accel, err = accelerator(ctx); err != nil {
			return nil, fmt.Errorf("finding out whether KVM works: %w", err)
		}
	}
	initrd, err := initramfs(ctx, base, &cfg)
	if err != nil {
		return nil, err
	}
	defer initrd.Close() //nolint:errcheck // the emulator has its own
	return again(func() (*Guest, error) { return bootOnce(ctx, base, initrd, cfg) })
}

// maxBoots is how often a guest is booted whose emulator stumbles.
const maxBoots = 3

// again boots once more if the emulator was to blame that the guest did not come up.
// Its command has not been started by then, so nothing happens twice.
func again(boot func() (*Guest, error)) (g *Guest, err error) {
	for range maxBoots {
		var panicked *PanicError
		if g, err = boot(); !errors.As(err, &panicked) || !panicked.StaleCode {
			break
		}
	}
	return g, err
}

func bootOnce(ctx context.Context, base string, initrd *os.File, cfg Config) (*Guest, error) {
	g, err := power(ctx, base, initrd, cfg)
	if err != nil {
		return nil, fmt.Errorf("starting the emulator: %w", err)
	}
	select {
	case <-g.started:
	case <-g.done:
	}
	if !g.hasStarted() {
		return nil, fmt.Errorf("booting a guest %s: %w", cfg.Shape, g.err)
	}
	return g, nil
}

func (cfg *Config) complete() error {
	if err := cfg.Shape.check(); err != nil {
		return err
	}
	if len(cfg.Command) == 0 {
		return errors.New("a guest needs a command to run")
	}
	for name := range cfg.Files {
		if !strings.HasPrefix(name, "/") {
			return fmt.Errorf("the path %q in the guest is not absolute", name)
		}
	}
	cfg.Dir = cmp.Or(cfg.Dir, "/")
	cfg.Hostname = cmp.Or(cfg.Hostname, "guest")
	cfg.BootTimeout = cmp.Or(cfg.BootTimeout, defaultBootTimeout)
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultTimeout)
	cfg.Stdout = cmp.Or(cfg.Stdout, io.Discard)
	cfg.Stderr = cmp.Or(cfg.Stderr, io.Discard)
	return nil
}

// power starts the emulator, and what looks after it.
func power(ctx context.Context, base string, initrd *os.File, cfg Config) (*Guest, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close() //nolint:errcheck // the emulator has its own
	cmd, err := emulatorCommand(base, &cfg, theirs, initrd)
	if err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	g := &Guest{
		cfg: cfg, port: ours, console: &console{out: cfg.Console}, complaints: &console{},
		started: make(chan struct{}), done: make(chan struct{}),
	}
	cmd.Stdout, cmd.Stderr = g.console, g.complaints
	ended, err := launch(cmd)
	if err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	g.emulator = cmd
	_ = wire.Write(ours, wire.Hello, nil) // an emulator that is gone already says why
	life, end := context.WithCancelCause(ctx)
	g.close = func() { end(ErrClosed) }
	go func() {
		defer g.close()
		g.supervise(life, ended)
	}()
	return g, nil
}

// supervise ends the guest when it has to end, and decides what became of it.
func (g *Guest) supervise(life context.Context, ended <-chan struct{}) {
	listened := make(chan struct{})
	go func() {
		defer close(listened)
		g.listen()
	}()
	cut := g.attend(life, ended)
	if cut != nil {
		g.kill()
	}
	<-ended
	<-listened         // the emulator's end of the port is closed by now
	_ = g.port.Close() // nothing was left to be written
	g.err = g.verdict(cut)
	if g.err == nil {
		g.result = Result{ExitCode: g.exit.Code, Signal: syscall.Signal(g.exit.Signal), Uptime: g.uptime}
	}
	close(g.done)
}

// attend returns when the emulator has ended, without an error, or when it has
// to be killed, with the reason.
func (g *Guest) attend(life context.Context, ended <-chan struct{}) error {
	limit := time.NewTimer(g.cfg.BootTimeout)
	defer limit.Stop()
	started := g.started
	for {
		select {
		case <-ended:
			return nil
		case <-started:
			limit.Reset(g.cfg.Timeout)
			started = nil
		case <-limit.C:
			return errTimeout
		case <-life.Done():
			return context.Cause(life)
		}
	}
}

// kill kills the emulator, which may just have ended.
func (g *Guest) kill() { _ = g.emulator.Process.Kill() }

// listen takes what init sends, until the emulator is gone. After the last
// frame there is nothing to wait for.
func (g *Guest) listen() {
	for {
		kind, payload, err := wire.Read(g.port)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
			return
		}
		if err == nil {
			err = g.take(kind, payload)
		}
		if err != nil && g.failed == "" {
			g.failed = err.Error()
			g.kill()
		}
		if err != nil && kind == 0 {
			return // no further frame can be found
		}
	}
}

func (g *Guest) take(kind wire.Kind, payload []byte) error {
	switch kind {
	case wire.Started:
		var start wire.Start
		if err := json.Unmarshal(payload, &start); err != nil {
			return fmt.Errorf("reading what init said of the start: %w", err)
		}
		g.uptime = start.Uptime
		close(g.started)
	case wire.Stdout, wire.Stderr:
		w := g.cfg.Stdout
		if kind == wire.Stderr {
			w = g.cfg.Stderr
		}
		if _, err := w.Write(payload); err != nil {
			return fmt.Errorf("passing on what the command printed: %w", err)
		}
	case wire.Exited:
		g.exit = &wire.Exit{}
		if err := json.Unmarshal(payload, g.exit); err != nil {
			return fmt.Errorf("reading what init said of the end: %w", err)
		}
		g.kill()
	case wire.Failed:
		return errors.New(string(payload))
	default:
		return fmt.Errorf("init sent a frame %q", kind)
	}
	return nil
}

// verdict tells a command that ended from a guest that could not run it to
// its end. The emulator is gone; cut is why it was killed, if it was.
func (g *Guest) verdict(cut error) error {
	panicked, stale, tail := g.console.state()
	_, _, complaints := g.complaints.state()
	switch {
	case panicked != "":
		return &PanicError{Message: panicked, StaleCode: stale, Console: tail}
	case g.failed != "":
		return fmt.Errorf("in the guest: %s", g.failed)
	case g.exit != nil:
		return nil
	case errors.Is(cut, errTimeout):
		if !g.hasStarted() {
			return &TimeoutError{After: g.cfg.BootTimeout, Console: tail}
		}
		return &TimeoutError{After: g.cfg.Timeout, Started: true, Console: tail}
	case errors.Is(cut, ErrClosed):
		return ErrClosed
	case cut != nil:
		return fmt.Errorf("the guest was killed: %w", cut)
	case strings.Contains(complaints, "error while loading shared libraries"):
		return fmt.Errorf("%w: the emulator lacks a library, install it: %s", ErrUnavailable, complaints)
	}
	return fmt.Errorf("the guest ended before its command did (emulator: %v) %s; the console ends with:\n%s", g.emulator.ProcessState, complaints, tail)
}

func (g *Guest) hasStarted() bool {
	select {
	case <-g.started:
		return true
	default:
		return false
	}
}

// Uptime is how long the guest had been up when the command started, by its own clock.
func (g *Guest) Uptime() time.Duration {
	<-g.started
	return g.uptime
}

// Signal sends the command a signal. That the command has ended meanwhile is no
// error: Wait tells it.
func (g *Guest) Signal(sig syscall.Signal) error {
	err := wire.Write(g.port, wire.Signal, []byte{byte(sig)})
	if err == nil || errors.Is(err, os.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return fmt.Errorf("sending the command in the guest %v: %w", sig, err)
}

// Wait returns when the guest is gone. A command that failed is a result; an
// error means that the command did not come to its end: a PanicError, a
// TimeoutError, ErrClosed, or what the machine did.
func (g *Guest) Wait() (Result, error) {
	<-g.done
	return g.result, g.err
}

// Close ends the guest, if it has not ended, and returns when it is gone.
func (g *Guest) Close() {
	g.close()
	<-g.done
}
