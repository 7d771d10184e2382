// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/hack/guest/internal/wire"
)

// defaultEnv is overridden by what the job says.
var defaultEnv = []string{"PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/root", "TMPDIR=/tmp", "USER=root"}

// run starts the command, forwards what it prints and waits for its end.
func run(job *wire.Job, h *host) (wire.Exit, error) {
	env := append(defaultEnv, job.Env...)
	for _, e := range env {
		if name, value, ok := strings.Cut(e, "="); ok && name == "PATH" {
			if err := os.Setenv(name, value); err != nil {
				return wire.Exit{}, err
			}
		}
	}
	path, err := exec.LookPath(job.Command[0])
	if err != nil {
		return wire.Exit{}, fmt.Errorf("looking for the command in the guest: %w", err)
	}
	var output sync.WaitGroup
	pid, err := start(path, job, env, h, &output)
	if err != nil {
		return wire.Exit{}, err
	}
	h.command.Store(int32(pid))
	up, err := uptime()
	if err == nil {
		err = h.sendJSON(wire.Started, wire.Start{Uptime: up})
	}
	if err != nil {
		return wire.Exit{}, err
	}
	exit, err := reap(pid)
	h.command.Store(0)
	if err != nil {
		return wire.Exit{}, err
	}
	// Whoever is left holds the pipes open: what they print no longer matters.
	if err := unix.Kill(-1, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		return wire.Exit{}, fmt.Errorf("killing what the command left: %w", err)
	}
	output.Wait()
	return exit, nil
}

// start starts the command with its output on two pipes. It uses no os/exec,
// whose Wait would compete with reap.
func start(path string, job *wire.Job, env []string, h *host, output *sync.WaitGroup) (int, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close() //nolint:errcheck // only read
	files := []uintptr{null.Fd()}
	for _, kind := range []wire.Kind{wire.Stdout, wire.Stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			return 0, err
		}
		defer w.Close() //nolint:errcheck // the command has its own
		files = append(files, w.Fd())
		output.Go(func() { h.forward(kind, r) })
	}
	pid, err := syscall.ForkExec(path, job.Command, &syscall.ProcAttr{
		Dir: job.Dir, Env: env, Files: files,
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, fmt.Errorf("starting %s in %s: %w", path, job.Dir, err)
	}
	return pid, nil
}

// forward sends what r yields until its end, which comes when nobody holds the
// other side of the pipe any more.
func (h *host) forward(kind wire.Kind, r io.Reader) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if err := h.send(kind, buf[:n]); err != nil {
				say("%v", err)
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// reap waits for the command, and for every orphan that ends before it.
func reap(command int) (wire.Exit, error) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return wire.Exit{}, fmt.Errorf("waiting for the command: %w", err)
		}
		if pid != command {
			continue
		}
		exit := wire.Exit{Code: status.ExitStatus()}
		if status.Signaled() {
			exit.Signal = int(status.Signal())
		}
		return exit, nil
	}
}

func uptime() (time.Duration, error) {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, err
	}
	seconds, _, _ := strings.Cut(string(text), " ")
	f, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		return 0, fmt.Errorf("reading /proc/uptime: %w", err)
	}
	return time.Duration(f * float64(time.Second)), nil
}
