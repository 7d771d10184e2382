// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/allowed"
	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/hotplug"
	"github.com/schedfleet/schedfleet/pkg/workload/probe"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// thisRoot is the root of this machine's files.
const thisRoot = "/"

// fitsHere says in a cluster's words what this machine lacks.
func fitsHere(job *runner.Job) error {
	cgroups := ""
	if job.Cgroup != "" {
		cgroups = filepath.Dir(job.Cgroup)
	}
	here, err := thisNode(job.Run.Needs(), cgroups)
	if err != nil {
		return err
	}
	here.Policy = manifest.NodePolicy(job.Policy)
	if why := manifest.Unfit(&job.Run, here); why != "" {
		return fmt.Errorf("this machine %s", why)
	}
	return nil
}

// thisNode is what this machine would publish as a test node, as far as the needs
// of a run go. cgroups is where the run's cgroup is to be, "" for nowhere.
func thisNode(needs []spec.Need, cgroups string) (*v1alpha1.TestNodeStatus, error) {
	m, err := topology.Read(thisRoot)
	if err != nil {
		return nil, err
	}
	here := &v1alpha1.TestNodeStatus{}
	if here.Topology, err = manifest.Topology(m); err != nil {
		return nil, err
	}
	mine, err := allowed.CPUs(0)
	if err != nil {
		return nil, err
	}
	memory, err := allowed.MemoryNodes()
	if err != nil {
		return nil, err
	}
	if err := manifest.Allow(here.Topology, m, mine, memory); err != nil {
		return nil, err
	}
	host := probe.Host{Root: thisRoot, CgroupParent: cgroups}
	here.Realtime = manifest.Realtime(host.RealtimeBandwidth())
	if len(needs) == 0 {
		return here, nil // without a name, everything would be probed for
	}
	if host.CgroupMount, err = cgroup.Mount(); err != nil && !errors.Is(err, cgroup.ErrNoCgroup2) {
		return nil, err
	}
	var names []string
	for _, need := range needs {
		names = append(names, need.Capability)
	}
	here.Features = manifest.Features(host.Probe(names...))
	return here, nil
}

func newJob(w *v1alpha1.Workload, policy *spec.Policy) (*runner.Job, error) {
	model, err := manifest.Model(&w.Spec.RunSpec)
	if err != nil {
		return nil, err
	}
	job := &runner.Job{RunID: w.Name + "-" + strings.ToLower(rand.Text()[:10]), Name: w.Name, Policy: policy, Run: *model}
	// A machine without a name has a report without one.
	job.Node, _ = os.Hostname()
	job.Cgroup, err = cgroupFor(job.RunID)
	return job, err
}

// cgroupFor is the directory for a run's cgroup, or "" where the caller has no
// cgroup v2 to write to: a laptop without root. The report then says so.
func cgroupFor(runID string) (string, error) {
	mount, err := cgroup.Mount()
	if errors.Is(err, cgroup.ErrNoCgroup2) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	err = unix.Access(mount, unix.W_OK)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) {
		return "", nil
	}
	return filepath.Join(mount, runCgroups+runID), err
}

// runCgroups begins the names of the cgroups of runs without a cluster.
const runCgroups = "schedfleet-run-"

// tidyTimeout bounds the removal of what earlier runs left.
const tidyTimeout = 20 * time.Second

// tidy removes what earlier runs left that were killed together with their runner.
func tidy(ctx context.Context, cgroups string) error {
	if cgroups == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, tidyTimeout)
	defer cancel()
	_, err := cgroup.RemoveAbandoned(ctx, filepath.Dir(cgroups), runCgroups)
	_, recoverErr := hotplug.Recover(thisRoot)
	return errors.Join(err, recoverErr)
}
