// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/schedfleet/schedfleet/config/crd"
)

const (
	// planeStartTimeout bounds the start of etcd and of the API server, each;
	// usual are 5 s for both.
	planeStartTimeout = time.Minute
	// planeStopTimeout bounds their end, each; then they are killed.
	planeStopTimeout = 10 * time.Second
)

// controlPlane is etcd and the API server, with our CRDs.
type controlPlane struct {
	env  *envtest.Environment
	stop func()
}

// startPlane starts the control plane. What it returns can be stopped in any
// case, also with an error beside it.
func (s *supervisor) startPlane(ctx context.Context) (*controlPlane, error) {
	none := &controlPlane{stop: func() {}}
	crds, err := crd.All()
	if err != nil {
		return none, err
	}
	logs := map[string]*os.File{}
	for _, name := range []string{"etcd", "kube-apiserver"} {
		f, err := openLog(s.paths.log(name))
		if err != nil {
			return none, err
		}
		logs[name] = f
	}
	ours := false
	env := &envtest.Environment{
		UseExistingCluster:       &ours,
		CRDs:                     crds,
		ControlPlaneStartTimeout: planeStartTimeout,
		ControlPlaneStopTimeout:  planeStopTimeout,
	}
	env.ControlPlane.Etcd = &envtest.Etcd{
		Path: filepath.Join(s.opts.Assets, "etcd"),
		Out:  logs["etcd"], Err: logs["etcd"],
	}
	api := env.ControlPlane.GetAPIServer()
	api.Path = filepath.Join(s.opts.Assets, "kube-apiserver")
	api.Out, api.Err = logs["kube-apiserver"], logs["kube-apiserver"]
	env.ControlPlane.KubectlPath = filepath.Join(s.opts.Assets, "kubectl")

	// envtest knows no context. A start that is given up goes on in the
	// background, until this process ends, which kills what it started.
	started := make(chan error, 1)
	go func() {
		_, err := env.Start()
		started <- err
	}()
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case err = <-started:
	}
	plane := &controlPlane{env: env, stop: func() {
		if err := env.Stop(); err != nil {
			s.log.Error("stopping the control plane", "error", err)
		}
	}}
	if err != nil {
		return plane, fmt.Errorf("starting the control plane: %w\n%s%s", err,
			tail(s.paths.log("etcd")), tail(s.paths.log("kube-apiserver")))
	}
	return plane, s.recordPlane()
}

// recordPlane writes down the processes of the control plane, which are the
// only ones of the cluster yet.
func (s *supervisor) recordPlane() error {
	found, err := marked(s.opts.Dir)
	if err != nil {
		return err
	}
	return s.update(func(st *State) {
		for _, p := range found {
			comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.PID))
			if err == nil {
				st.Children[strings.TrimSpace(string(comm))] = p
			}
		}
	})
}

// addUser writes a kubeconfig for a user, who may do what is bound to the groups.
func (p *controlPlane) addUser(file, name string, groups ...string) error {
	user, err := p.env.AddUser(envtest.User{Name: name, Groups: groups}, &rest.Config{})
	if err != nil {
		return fmt.Errorf("creating user %s: %w", name, err)
	}
	text, err := user.KubeConfig()
	if err != nil {
		return fmt.Errorf("writing a kubeconfig for %s: %w", name, err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("writing a kubeconfig for %s: %w", name, err)
	}
	return nil
}

func openLog(file string) (*os.File, error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening a log: %w", err)
	}
	return f, nil
}

const (
	tailLines = 15
	tailBytes = 16 << 10
)

// tail returns the end of a log, for an error message.
func tail(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // only read
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return ""
		}
	}
	text, err := io.ReadAll(f)
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return fmt.Sprintf("%s is empty\n", file)
	}
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	return fmt.Sprintf("the end of %s:\n  %s\n", file, strings.Join(lines, "\n  "))
}
