// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/watchdog"
)

// maxJobBytes bounds a job.
const maxJobBytes = 4 << 20

// Serve is the main function of a runner process. It returns the exit code.
func Serve(stdin io.Reader, stdout, stderr io.Writer) int {
	// A parent that is gone must not keep the run from being cleaned up.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	out := json.NewEncoder(stdout)
	job, stdin, err := readJob(stdin)
	if err != nil {
		return fail(out, stderr, err)
	}
	starts := make(chan time.Time, 1)
	go func() { // ends with the parent's end of the pipe, at the latest with the process
		listen(stdin, starts)
		cancel()
	}()
	if job.Synchronized {
		job.StartAt = func(ctx context.Context) (time.Time, error) { return awaitStart(ctx, starts) }
	}
	if err := BecomeRealtime(); err != nil && !errors.Is(err, unix.EPERM) {
		return fail(out, stderr, fmt.Errorf("becoming a real-time process: %w", err))
	}
	if err := takePlace(job.CPUs); err != nil {
		return fail(out, stderr, err)
	}
	rep, err := Supervise(ctx, job, func(t EventType) {
		if err := out.Encode(Event{Type: t}); err != nil {
			cancel()
		}
	})
	if err != nil && rep != nil {
		// It was set up and measured, which is not what an error event says.
		fmt.Fprintln(stderr, "schedfleet-runner: cleaning up after the run:", err)
		return 1
	}
	if err != nil {
		return fail(out, stderr, err)
	}
	if err := out.Encode(Event{Type: EventReport, Report: rep}); err != nil {
		fmt.Fprintln(stderr, "schedfleet-runner: writing the report:", err)
		return 1
	}
	return 0
}

// takePlace moves the runner, and so its workers, to the CPUs of its job.
func takePlace(list string) error {
	if list == "" {
		return nil
	}
	cpus, err := cpuset.Parse(list)
	if err != nil || cpus.IsEmpty() {
		return fmt.Errorf("cpus: must be a list of CPUs such as 0-3,8, not %q", list)
	}
	return restrict(cpus)
}

// readJob reads exactly one job, and returns what comes after it.
func readJob(stdin io.Reader) (Job, io.Reader, error) {
	var job Job
	in := json.NewDecoder(io.LimitReader(stdin, maxJobBytes))
	in.DisallowUnknownFields()
	if err := in.Decode(&job); err != nil {
		return Job{}, nil, fmt.Errorf("reading the job: %w", err)
	}
	return job, io.MultiReader(in.Buffered(), stdin), nil
}

// listen hands on the first Start that comes, and returns at the end of stdin.
func listen(stdin io.Reader, starts chan<- time.Time) {
	var s Start
	if err := json.NewDecoder(io.LimitReader(stdin, maxJobBytes)).Decode(&s); err == nil {
		starts <- s.At
	}
	_, _ = io.Copy(io.Discard, stdin)
}

func fail(out *json.Encoder, stderr io.Writer, err error) int {
	if werr := out.Encode(Event{Type: EventError, Error: err.Error()}); werr != nil {
		fmt.Fprintln(stderr, "schedfleet-runner:", err)
	}
	return 1
}

// Main is the runner's binary: it runs a job, or becomes a zygote or a watchdog.
func Main(args []string) int {
	switch {
	case len(args) == 1 && args[0] == spawn.ZygoteCommand:
		return spawn.Zygote()
	case len(args) == 1 && args[0] == watchdog.Command:
		return watchdog.Main()
	case len(args) == 1 && args[0] == Command:
		return Serve(os.Stdin, os.Stdout, os.Stderr)
	default:
		fmt.Fprintf(os.Stderr, "usage: schedfleet-runner %s < job.json\nIt is started by schedfleet run and by schedfleet-agent.\n", Command)
		return 2
	}
}
