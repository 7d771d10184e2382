// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sys/unix"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

const (
	// noticeFD and lockFD are what the supervisor inherits from Up: where to
	// tell how it goes, and the lock it is to hold.
	noticeFD, lockFD = 3, 4

	// nodesReadyTimeout bounds the time from the agents' start to all nodes ready.
	nodesReadyTimeout = time.Minute
	// giveUpAfter is how often a program may end before the cluster is ready.
	giveUpAfter = 3
)

// notice is one line from the supervisor to Up: a step begun, or one of the
// two ends.
type notice struct {
	Step   string `json:"step,omitempty"`
	Ready  bool   `json:"ready,omitempty"`
	Failed string `json:"failed,omitempty"`
}

// supervisor is the process that keeps a cluster up.
type supervisor struct {
	opts    Options
	paths   paths
	log     *slog.Logger
	notices *json.Encoder
	exits   chan exit // of children, until the cluster is ready

	mu    sync.Mutex
	state State
}

// exit tells that a child ended.
type exit struct {
	name string
	err  error
}

// Serve is the supervisor's main function. It returns when ctx ends, with
// every process it started gone; the files are left to Down.
func Serve(ctx context.Context, opts Options) error {
	if err := opts.complete(); err != nil {
		return err
	}
	if os.Getenv(envMark) != opts.Dir {
		return errors.New("dev serve is started by dev up, not by hand")
	}
	// Children are given neither: a lock they held would outlive the supervisor.
	unix.CloseOnExec(noticeFD)
	unix.CloseOnExec(lockFD)
	notices := os.NewFile(noticeFD, "notices")

	handler := slog.NewTextHandler(os.Stderr, nil)
	ctrllog.SetLogger(logr.FromSlogHandler(handler))
	s := &supervisor{
		opts:    opts,
		paths:   paths(opts.Dir),
		log:     slog.New(handler),
		notices: json.NewEncoder(notices),
		exits:   make(chan exit, giveUpAfter*(MaxNodes+1)),
	}
	err := s.run(ctx, notices)
	// Whatever was not stopped in good order, such as an API server that was
	// still starting, ends here.
	sweep, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepTimeout)
	defer cancel()
	if _, sweepErr := killMarked(sweep, opts.Dir); sweepErr != nil {
		err = errors.Join(err, sweepErr)
	}
	return err
}

func (s *supervisor) run(ctx context.Context, notices io.Closer) error {
	stop, err := s.start(ctx)
	defer stop()
	if err != nil {
		if ctx.Err() != nil {
			return nil // told to stop before it was up
		}
		s.notify(notice{Failed: err.Error()})
		return err
	}
	s.notify(notice{Ready: true})
	_ = notices.Close()
	s.log.Info("the cluster is ready")
	<-ctx.Done()
	s.log.Info("stopping")
	return nil
}

// notify tells Up, which may be gone: the cluster does not depend on it.
func (s *supervisor) notify(n notice) { _ = s.notices.Encode(n) }

func (s *supervisor) step(text string) {
	s.log.Info(text)
	s.notify(notice{Step: text})
}

// start brings the cluster up. What it returns undoes as much as was done, and
// is to be called in any case.
func (s *supervisor) start(ctx context.Context) (stop func(), err error) {
	var undo []func()
	stop = func() {
		for _, f := range slices.Backward(undo) {
			f()
		}
	}
	self, err := identify(os.Getpid())
	if err != nil {
		return stop, err
	}
	root, err := chooseCgroupRoot(s.opts.Dir)
	if err != nil {
		return stop, err
	}
	if err := s.update(func(st *State) {
		*st = State{
			Supervisor: self, Children: map[string]Process{}, Nodes: nodeNames(s.opts.Nodes),
			Kubeconfig: s.paths.kubeconfig(), Assets: s.opts.Assets, CgroupRoot: root, Logs: s.paths.logs(),
		}
	}); err != nil {
		return stop, err
	}

	s.step("starting etcd and kube-apiserver")
	plane, err := s.startPlane(ctx)
	undo = append(undo, plane.stop)
	if err != nil {
		return stop, err
	}
	s.step("creating accounts and roles")
	programs, tokens, err := s.prepare(ctx, plane)
	if err != nil {
		return stop, err
	}
	renewed, err := s.keepTokens(ctx, tokens)
	undo = append(undo, renewed)
	if err != nil {
		return stop, err
	}
	s.step(fmt.Sprintf("starting the manager and %d agents", s.opts.Nodes))
	undo = append(undo, s.startChildren(ctx, programs))
	if err := s.waitNodes(ctx, plane.env.Config); err != nil {
		return stop, err
	}
	return stop, s.update(func(st *State) { st.Ready = true })
}

// update changes the state and writes it down.
func (s *supervisor) update(change func(*State)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state)
	return s.state.write(s.opts.Dir)
}
