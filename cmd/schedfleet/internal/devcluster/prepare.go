// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/rbac"
)

// The groups the users of manager and agents are in. In a real cluster these
// are service accounts; the roles are the same.
const (
	managerGroup = "schedfleet:managers"
	agentGroup   = "schedfleet:agents"
)

// program is a child of the supervisor: its name in the state, and how to start it.
type program struct {
	name string
	args []string
}

// prepare creates what manager and agents need in the API, and returns how to
// start them.
func (s *supervisor) prepare(ctx context.Context, plane *controlPlane) ([]program, error) {
	c, err := client.New(plane.env.Config, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("preparing the API: %w", err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.DefaultLeaseNamespace}}
	if err := c.Create(ctx, ns); err != nil {
		return nil, fmt.Errorf("creating namespace %s: %w", ns.Name, err)
	}
	for group, roles := range map[string]func() (rbac.Roles, error){managerGroup: rbac.Manager, agentGroup: rbac.Agent} {
		if err := bind(ctx, c, group, roles); err != nil {
			return nil, err
		}
	}
	if err := plane.addUser(s.paths.kubeconfig(), "admin", "system:masters"); err != nil {
		return nil, err
	}
	if err := plane.addUser(s.paths.user("manager"), "schedfleet:manager", managerGroup); err != nil {
		return nil, err
	}
	programs := []program{s.manager()}
	for _, node := range nodeNames(s.opts.Nodes) {
		if err := plane.addUser(s.paths.user(node), "schedfleet:agent:"+node, agentGroup); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Join(s.paths.spools(), node), 0o700); err != nil {
			return nil, fmt.Errorf("creating the spool of %s: %w", node, err)
		}
		programs = append(programs, s.agent(node))
	}
	return programs, nil
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

// bind creates the roles and gives them to the group.
func bind(ctx context.Context, c client.Client, group string, load func() (rbac.Roles, error)) error {
	roles, err := load()
	if err != nil {
		return err
	}
	to := []rbacv1.Subject{{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: group}}
	ref := func(kind, name string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
	}
	var objects []client.Object
	for _, r := range roles.Cluster {
		objects = append(objects, r, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: r.Name}, Subjects: to, RoleRef: ref("ClusterRole", r.Name),
		})
	}
	for _, r := range roles.Namespaced {
		objects = append(objects, r, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: r.Name, Namespace: r.Namespace}, Subjects: to, RoleRef: ref("Role", r.Name),
		})
	}
	for _, o := range objects {
		if err := c.Create(ctx, o); err != nil {
			return fmt.Errorf("giving %s its roles: creating %s: %w", group, o.GetName(), err)
		}
	}
	return nil
}
