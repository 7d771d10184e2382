// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package node makes guests test nodes: a guest runs schedfleet-agent, which
// takes part in a cluster whose API server listens on this machine's loopback.
package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/schedfleet/schedfleet/hack/guest"
)

const (
	// minMemoryMiB is what the whole guest has at least: the initramfs with the
	// agent lies in memory twice while it is unpacked, and the agent has a heap.
	minMemoryMiB = 512
	// defaultLifetime ends a node that was forgotten.
	defaultLifetime = 30 * time.Minute
	// stopTimeout is how long an agent that was told to end may take: it stops
	// the run in hand and delivers its report first.
	stopTimeout = time.Minute
)

// Where things are in the guest.
const (
	agentPath      = "/usr/bin/schedfleet-agent"
	runnerPath     = "/usr/bin/schedfleet-runner"
	kubeconfigPath = "/etc/schedfleet/kubeconfig"
)

// Config says what machine joins which cluster.
type Config struct {
	// Name is that of the TestNode and the guest's host name.
	Name  string
	Shape guest.Shape
	// BinDir has schedfleet-agent and schedfleet-runner, static.
	BinDir string
	// Kubeconfig is the content of one that works on this machine, for a user
	// who may do what agents do.
	Kubeconfig []byte
	// Lifetime bounds the life of the node; 0 stands for 30 minutes.
	Lifetime time.Duration
	// Log gets the console and what the agent prints. Nil discards it.
	Log io.Writer
}

// Node is a guest with an agent in it.
type Node struct {
	name  string
	guest *guest.Guest
}

// Start boots a guest and returns when its agent has been started; it is ready
// when its TestNode says so. The node ends with Stop or Close, with ctx, at the
// end of its lifetime, or with this process, whichever comes first. The error
// wraps guest.ErrUnavailable if this machine cannot boot guests.
func Start(ctx context.Context, cfg Config) (*Node, error) {
	kubeconfig, err := forGuest(cfg.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig of node %s: %w", cfg.Name, err)
	}
	dir, err := os.MkdirTemp("", "schedfleet-node-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is in the directory for temporary files
	file := filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		return nil, err
	}
	if nodes := cfg.Shape.Nodes + cfg.Shape.MemoryOnlyNodes; cfg.Shape.MemoryMiB != 0 && nodes*cfg.Shape.MemoryMiB < minMemoryMiB {
		return nil, fmt.Errorf("node %s: %d MiB of memory in each of %d nodes are too little for an agent: give it %d in all",
			cfg.Name, cfg.Shape.MemoryMiB, nodes, minMemoryMiB)
	}
	g, err := guest.Boot(ctx, guest.Config{
		Shape: cfg.Shape, Network: true, Hostname: cfg.Name,
		Files: map[string]string{
			agentPath:      filepath.Join(cfg.BinDir, "schedfleet-agent"),
			runnerPath:     filepath.Join(cfg.BinDir, "schedfleet-runner"),
			kubeconfigPath: file,
		},
		Command: []string{agentPath, "--kubeconfig=" + kubeconfigPath, "--node-name=" + cfg.Name, "--runner=" + runnerPath},
		Timeout: cmp.Or(cfg.Lifetime, defaultLifetime),
		Console: cfg.Log, Stdout: cfg.Log, Stderr: cfg.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", cfg.Name, err)
	}
	return &Node{name: cfg.Name, guest: g}, nil
}

// Stop tells the agent to end, as a node that is shut down does, and returns
// when the guest is gone. It is an error if the agent did not end well, or not
// in time, or had ended before.
func (n *Node) Stop() error {
	limit := time.AfterFunc(stopTimeout, n.guest.Close)
	defer limit.Stop()
	if err := n.guest.Signal(syscall.SIGTERM); err != nil {
		n.guest.Close()
		return fmt.Errorf("node %s: %w", n.name, err)
	}
	result, err := n.guest.Wait()
	switch {
	case errors.Is(err, guest.ErrClosed):
		return fmt.Errorf("node %s: the agent had not ended %v after it was told to", n.name, stopTimeout)
	case err != nil:
		return fmt.Errorf("node %s: %w", n.name, err)
	case result.Signal != 0:
		return fmt.Errorf("node %s: the agent was ended by a signal: %v", n.name, result.Signal)
	case result.ExitCode != 0:
		return fmt.Errorf("node %s: the agent ended with status %d", n.name, result.ExitCode)
	}
	return nil
}

// Close pulls the plug: nothing in the guest has time to say anything. It
// returns when the guest is gone, and does nothing if it is gone already.
func (n *Node) Close() { n.guest.Close() }
