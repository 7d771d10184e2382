// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/config/access"
	"github.com/schedfleet/schedfleet/config/rbac"
)

// program is a child of the supervisor: its name in the state, and how to start it.
type program struct {
	name string
	args []string
}

// prepare creates what manager and agents need in the API, and returns how to
// start them, and their tokens.
func (s *supervisor) prepare(ctx context.Context, plane *controlPlane) ([]program, []token, error) {
	c, err := client.New(plane.env.Config, client.Options{})
	if err != nil {
		return nil, nil, fmt.Errorf("preparing the API: %w", err)
	}
	if err := access.Install(ctx, c); err != nil {
		return nil, nil, fmt.Errorf("creating accounts and roles: %w", err)
	}
	if err := plane.addUser(s.paths.kubeconfig(), "admin", "system:masters"); err != nil {
		return nil, nil, err
	}
	programs := []program{s.manager()}
	tokens := []token{{file: s.paths.token("manager"), request: requesting(c, rbac.ManagerAccount, nil)}}
	for _, name := range nodeNames(s.opts.Nodes) {
		// There is no kubelet that would; the agents' tokens are bound to it.
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := c.Create(ctx, node); err != nil {
			return nil, nil, fmt.Errorf("creating Node %s: %w", name, err)
		}
		if err := os.MkdirAll(filepath.Join(s.paths.spools(), name), 0o700); err != nil {
			return nil, nil, fmt.Errorf("creating the spool of %s: %w", name, err)
		}
		programs = append(programs, s.agent(name))
		tokens = append(tokens, token{file: s.paths.token(name), request: requesting(c, rbac.AgentAccount, node)})
	}
	for i, p := range programs {
		if err := writeKubeconfig(s.paths.user(p.name), plane.env.Config, tokens[i].file); err != nil {
			return nil, nil, fmt.Errorf("writing a kubeconfig for %s: %w", p.name, err)
		}
	}
	return programs, tokens, nil
}

func (s *supervisor) manager() program {
	return program{name: "manager", args: []string{
		filepath.Join(s.opts.BinDir, "schedfleet-manager"),
		"--kubeconfig=" + s.paths.user("manager"),
		// Ports are for production; several clusters fit on one machine.
		"--metrics-bind-address=0",
		"--health-probe-bind-address=0",
	}}
}

func (s *supervisor) agent(node string) program {
	args := []string{
		filepath.Join(s.opts.BinDir, "schedfleet-agent"),
		"--kubeconfig=" + s.paths.user(node),
		"--node-name=" + node,
		"--runner=" + filepath.Join(s.opts.BinDir, "schedfleet-runner"),
		"--cgroup-root=" + filepath.Join(s.state.CgroupRoot, node),
		"--spool-dir=" + filepath.Join(s.paths.spools(), node),
	}
	if s.opts.ReportSink != NoReportSink {
		args = append(args, "--report-sink="+s.opts.ReportSink)
	}
	return program{name: node, args: append(args, s.opts.AgentFlags...)}
}
