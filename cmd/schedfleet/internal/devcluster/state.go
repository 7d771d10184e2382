// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// State is what the supervisor writes down of a cluster, in state.json.
type State struct {
	Supervisor Process `json:"supervisor"`
	// Ready is set once all nodes have been ready.
	Ready bool `json:"ready"`
	// Children are the processes that run now: etcd, kube-apiserver, manager and each node's agent by the node's name.
	Children   map[string]Process `json:"children"`
	Nodes      []string           `json:"nodes"`
	Kubeconfig string             `json:"kubeconfig"`
	Assets     string             `json:"assets"`
	// CgroupRoot is the cgroup all others of the cluster are below.
	CgroupRoot string `json:"cgroupRoot"`
	Logs       string `json:"logs"`
}

// ReadState returns the state of the cluster in dir; fs.ErrNotExist if there
// is none.
func ReadState(dir string) (State, error) {
	var s State
	text, err := os.ReadFile(paths(dir).state())
	if err != nil {
		return s, fmt.Errorf("reading the cluster's state: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("reading the cluster's state in %s: %w", paths(dir).state(), err)
	}
	return s, nil
}

// write replaces the state file at once: a reader sees the old or the new.
func (s *State) write(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the cluster's state: %w", err)
	}
	p := paths(dir)
	err = os.WriteFile(p.newState(), append(text, '\n'), 0o600)
	if err == nil {
		err = os.Rename(p.newState(), p.state())
	}
	if err != nil {
		return fmt.Errorf("writing the cluster's state: %w", err)
	}
	return nil
}

// modTime is when the file was changed last; never, if it is not there.
func modTime(name string) time.Time {
	info, err := os.Stat(name)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
