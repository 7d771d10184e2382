// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// upTimeout bounds the start of a cluster; usual are 10 s.
	upTimeout = 3 * time.Minute
	// statePoll is how often the state of a cluster that someone else is
	// starting is looked at.
	statePoll = 200 * time.Millisecond
	// healthTimeout bounds the question to an API server whether it is well.
	healthTimeout = 5 * time.Second
)

// Up starts a cluster, or finds the one that is up. It tells on progress what
// it does. When it fails or ctx ends, nothing is left of the start.
func Up(ctx context.Context, opts Options, progress io.Writer) (State, error) {
	if err := opts.check(); err != nil {
		return State{}, err
	}
	p := paths(opts.Dir)
	if err := p.make(); err != nil {
		return State{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, upTimeout)
	defer cancel()

	lock, err := p.tryLock()
	for ; errors.Is(err, errLocked); lock, err = p.tryLock() {
		s, ready, err := joinCluster(ctx, opts)
		if err != nil {
			return s, err
		}
		if ready {
			fmt.Fprintln(progress, "a cluster is up already in", opts.Dir)
			return s, nil
		}
	}
	if err != nil {
		return State{}, err
	}
	defer lock.Close() //nolint:errcheck // nothing was written; the supervisor has it, too
	if err := removeLeftovers(ctx, opts.Dir); err != nil {
		return State{}, fmt.Errorf("removing what an earlier cluster left: %w", err)
	}
	if err := p.make(); err != nil {
		return State{}, err
	}
	if err := startSupervisor(ctx, opts, lock, progress); err != nil {
		_ = lock.Close()
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), downTimeout)
		defer cancel()
		return State{}, errors.Join(err, Down(undo, opts.Dir, io.Discard))
	}
	return ReadState(opts.Dir)
}

// joinCluster looks at the cluster that holds the lock. One that is not ready
// is starting or stopping: it takes a pause before it says so.
func joinCluster(ctx context.Context, opts Options) (s State, ready bool, err error) {
	s, err = ReadState(opts.Dir)
	if err != nil || !s.Ready {
		select {
		case <-ctx.Done():
			return s, false, fmt.Errorf("another call starts or stops a cluster in %s, and has not come to an end: %w", opts.Dir, context.Cause(ctx))
		case <-time.After(statePoll):
			return s, false, nil
		}
	}
	remedy := "take it down first: schedfleet dev down --dir " + opts.Dir
	if len(s.Nodes) != opts.Nodes {
		return s, false, fmt.Errorf("a cluster is up in %s already, with %d nodes, not %d; %s", opts.Dir, len(s.Nodes), opts.Nodes, remedy)
	}
	if err := s.healthy(ctx); err != nil {
		return s, false, fmt.Errorf("a cluster is up in %s already, but %w; %s", opts.Dir, err, remedy)
	}
	return s, true, nil
}

// healthy says what is wrong with a cluster that has been ready.
func (s State) healthy(ctx context.Context) error {
	for name, p := range s.Children {
		if !p.alive() {
			return fmt.Errorf("its %s does not run", name)
		}
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		return fmt.Errorf("its kubeconfig is damaged: %w", err)
	}
	cfg.Timeout = healthTimeout
	c, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return fmt.Errorf("its kubeconfig is damaged: %w", err)
	}
	if _, err := c.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err != nil {
		return fmt.Errorf("its API server does not answer: %w", err)
	}
	return nil
}

// startSupervisor starts the supervisor and waits until the cluster is ready.
func startSupervisor(ctx context.Context, opts Options, lock *os.File, progress io.Writer) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this binary: %w", err)
	}
	log, err := openLog(paths(opts.Dir).log("supervisor"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the supervisor writes it
	notices, theirs, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	defer notices.Close() //nolint:errcheck // only read

	cmd := exec.Command(exe, "dev", "serve", "--dir="+opts.Dir, "--nodes="+strconv.Itoa(opts.Nodes),
		"--assets="+opts.Assets, "--bin-dir="+opts.BinDir)
	cmd.Args = append(cmd.Args, "--report-sink="+opts.ReportSink)
	for _, flag := range opts.AgentFlags {
		cmd.Args = append(cmd.Args, "--agent-flag="+flag)
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{noticeFD - 3: theirs, lockFD - 3: lock}
	// All that the cluster's processes leave in a temporary directory is in ours.
	cmd.Env = append(os.Environ(), envMark+"="+opts.Dir, "TMPDIR="+paths(opts.Dir).temp())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C here is not meant for it
	err = cmd.Start()
	_ = theirs.Close()
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	go func() { _ = cmd.Wait() }() // ends with the supervisor, which tells its errors by notice and log

	if err := follow(ctx, notices, progress); err != nil {
		if errors.Is(err, errSilent) {
			return fmt.Errorf("%w\n%s", err, tail(log.Name()))
		}
		return err
	}
	return nil
}

// errSilent says that the supervisor ended without a word.
var errSilent = errors.New("the supervisor ended before the cluster was ready")

// follow passes the supervisor's notices on until one is an end.
func follow(ctx context.Context, notices *os.File, progress io.Writer) error {
	// The read below has no context of its own.
	defer context.AfterFunc(ctx, func() { _ = notices.SetReadDeadline(time.Now()) })()
	dec := json.NewDecoder(notices)
	for {
		var n notice
		if err := dec.Decode(&n); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("the cluster was not ready yet: %w", context.Cause(ctx))
			}
			return errSilent
		}
		switch {
		case n.Failed != "":
			return errors.New(n.Failed)
		case n.Ready:
			return nil
		default:
			fmt.Fprintln(progress, n.Step)
		}
	}
}
