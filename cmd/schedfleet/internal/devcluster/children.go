// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

const (
	// restartMin and restartMax bound the pause before a child that ended is
	// started again; it doubles each time, until the child has run for stableAfter.
	restartMin  = 200 * time.Millisecond
	restartMax  = 10 * time.Second
	stableAfter = 30 * time.Second
	// childGrace is how long a child that was asked to end may take.
	childGrace = 10 * time.Second
)

// startChildren starts the programs and keeps them running. What it returns
// stops them all, and returns when the last has ended.
func (s *supervisor) startChildren(ctx context.Context, programs []program) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, p := range programs {
		running.Go(func() { s.keep(ctx, p) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// keep runs a program until ctx ends, again whenever it ends by itself.
func (s *supervisor) keep(ctx context.Context, p program) {
	// The kernel kills a child with a parent-death signal when the thread that
	// started it ends: this one lives as long as the children, and is not
	// given back.
	runtime.LockOSThread()
	pause := restartMin
	for {
		began := time.Now()
		err := s.runChild(ctx, p)
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("a program ended and is started again", "name", p.name, "error", err)
		if time.Since(began) > stableAfter {
			pause = restartMin
		}
		select {
		case s.exits <- exit{p.name, err}: // waitNodes counts
		default: // the cluster has long been ready
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, restartMax)
	}
}

// runChild runs a program once. When ctx ends it is asked to end, and killed
// if it does not.
func (s *supervisor) runChild(ctx context.Context, p program) error {
	log, err := openLog(s.paths.log(p.name))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the child writes it
	cmd := exec.CommandContext(ctx, p.args[0], p.args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = childGrace
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	// Not yet waited for, the number is the child's, even if it has ended.
	self, err := identify(cmd.Process.Pid)
	if err == nil {
		err = s.update(func(st *State) { st.Children[p.name] = self })
	}
	return errors.Join(ignoreGone(err), cmd.Wait())
}

// waitNodes waits until every node is ready. It gives up early if a program
// cannot be kept running.
func (s *supervisor) waitNodes(ctx context.Context, cfg *rest.Config) error {
	s.step("waiting for the nodes to be ready")
	ctx, cancel := context.WithTimeout(ctx, nodesReadyTimeout)
	defer cancel()
	changes, err := watch(ctx, cfg, "", &v1alpha1.TestNode{})
	if err != nil {
		return fmt.Errorf("watching the nodes: %w", err)
	}
	waiting := map[string]string{} // why, by node
	for _, n := range nodeNames(s.opts.Nodes) {
		waiting[n] = "its agent has not published it"
	}
	ended := map[string]int{}
	for len(waiting) > 0 {
		select {
		case <-ctx.Done():
			return s.notReady(waiting)
		case e := <-s.exits:
			if ended[e.name]++; ended[e.name] == giveUpAfter {
				return fmt.Errorf("%s ended %d times: %w\n%s", e.name, giveUpAfter, e.err, tail(s.paths.log(e.name)))
			}
		case o := <-changes:
			n, ok := o.(*v1alpha1.TestNode)
			switch {
			case !ok:
			case n.Ready():
				delete(waiting, n.Name)
			case waiting[n.Name] != "":
				waiting[n.Name] = whyNotReady(n)
			}
		}
	}
	return nil
}

func whyNotReady(n *v1alpha1.TestNode) string {
	if c := meta.FindStatusCondition(n.Status.Conditions, v1alpha1.ConditionReady); c != nil {
		return c.Reason + ": " + c.Message
	}
	return "its agent has not said so"
}

func (s *supervisor) notReady(waiting map[string]string) error {
	var text strings.Builder
	for _, n := range slices.Sorted(maps.Keys(waiting)) {
		fmt.Fprintf(&text, "%s: %s\n%s", n, waiting[n], tail(s.paths.log(n)))
	}
	return fmt.Errorf("not all nodes were ready within %v\n%s%s", nodesReadyTimeout, &text, tail(s.paths.log("manager")))
}
