// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
)

// errReplaced ends an agent whose node has gone to another one.
var errReplaced = errors.New("another agent holds this node's Lease: two machines must not have one node name; give each agent a --node-name of its own")

// heldError says that another agent has the node, and lives.
type heldError struct{ holder string }

func (e *heldError) Error() string {
	return fmt.Sprintf("agent %s has this node: waiting until its Lease expires; if it runs elsewhere, give this agent another --node-name", e.holder)
}

// lease is the agent's claim on its node: of all agents with the node's name, on
// whatever machines, only the one that holds the Lease takes NodeRuns.
type lease struct {
	api *api
	// owner stands for the spool, which has one agent at a time: what the agent
	// before this one held is taken over at once. instance is this process.
	owner, instance string
	lasts           time.Duration

	// version is the Lease's as this agent last wrote it; empty if it has to look.
	version  string
	acquired time.Time
	// held says that this agent has held it.
	held bool
	// rival is the version of another's Lease, and since when it has not changed:
	// whether it has expired is judged by this machine's clock alone.
	rival      string
	rivalSince time.Time
}

// identity is what stands in the Lease as its holder.
func (l *lease) identity() string { return l.predecessors() + l.instance }

// predecessors is how the identities of all agents of this spool begin.
func (l *lease) predecessors() string { return l.api.node + "_" + l.owner + "_" }

// keep renews the Lease, or takes it if it is free. A heldError says that it is
// not, and errReplaced that it was this agent's and is another's now.
func (l *lease) keep(ctx context.Context, now time.Time) (err error) {
	for range maxConflicts {
		if l.version == "" {
			if err = l.look(ctx, now); err != nil {
				return err
			}
		}
		l.version, err = l.api.renewLease(ctx, l.version, l.identity(), l.acquired, now, l.lasts)
		switch {
		case err == nil:
			l.held = true
			return nil
		case !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !gone(err):
			return err
		}
	}
	return err
}

// look reads the Lease and says whether it can be had. A node without one has
// version "": renewing creates it.
func (l *lease) look(ctx context.Context, now time.Time) error {
	live, err := l.api.lease(ctx)
	if gone(err) {
		l.acquired = now
		return nil
	}
	if err != nil {
		return err
	}
	holder := ptr.Deref(live.Spec.HolderIdentity, "")
	mine := holder == l.identity()
	if !mine && !l.free(live, holder, now) {
		if l.held {
			return fmt.Errorf("%w (it is %s)", errReplaced, holder)
		}
		return &heldError{holder: holder}
	}
	if !mine {
		l.acquired = now
	}
	l.version = live.ResourceVersion
	return nil
}

// free says whether a Lease of another holder can be taken.
func (l *lease) free(live *coordinationv1.Lease, holder string, now time.Time) bool {
	if holder == "" || strings.HasPrefix(holder, l.predecessors()) {
		return true
	}
	if l.rival != live.ResourceVersion {
		l.rival, l.rivalSince = live.ResourceVersion, now
	}
	lasts := l.lasts
	if seconds := live.Spec.LeaseDurationSeconds; seconds != nil {
		lasts = time.Duration(*seconds) * time.Second
	}
	return now.Sub(l.rivalSince) >= lasts
}

// release lets another agent have the node at once.
func (l *lease) release(ctx context.Context, now time.Time) error {
	if !l.held || l.version == "" {
		return nil
	}
	_, err := l.api.renewLease(ctx, l.version, "", l.acquired, now, l.lasts)
	return err
}
