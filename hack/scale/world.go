// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/access"
	"github.com/schedfleet/schedfleet/config/crd"
	"github.com/schedfleet/schedfleet/config/rbac"
)

const (
	planeStartTimeout = 2 * time.Minute
	planeStopTimeout  = 30 * time.Second
	managerStopWait   = 30 * time.Second
	// tokenLife is longer than any measurement.
	tokenLife = 6 * time.Hour
	// namespace is where everything is made.
	namespace = "default"
	// rawNamespace holds the objects whose creation is only timed. No node has their names.
	rawNamespace = "raw"
)

// world is a control plane, a manager and a fleet.
type world struct {
	options options
	dir     string
	env     *envtest.Environment
	scheme  *runtime.Scheme
	admin   client.Client
	// watch follows what observers want to see.
	watch     cache.Cache
	stopWatch context.CancelFunc
	config    *rest.Config
	manager   *process
	fleet     *fleet
	figures   figures
}

// begin starts the control plane. No manager and no agent is there yet.
func begin(ctx context.Context, o options) (*world, error) {
	dir, err := os.MkdirTemp("", "schedfleet-scale-")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	w := &world{options: o, dir: dir, scheme: runtime.NewScheme(), manager: &process{}}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(w.scheme); err != nil {
			return nil, err
		}
	}
	if err := w.startPlane(); err != nil {
		w.end()
		return nil, err
	}
	if err := w.prepare(ctx); err != nil {
		w.end()
		return nil, err
	}
	w.figures.conditions(o)
	ctx, w.stopWatch = context.WithCancel(ctx)
	go func() {
		if err := w.watch.Start(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "scale: watching:", err)
		}
	}()
	return w, nil
}

func (w *world) startPlane() error {
	crds, err := crd.All()
	if err != nil {
		return err
	}
	ours := false
	w.env = &envtest.Environment{
		UseExistingCluster: &ours, CRDs: crds, BinaryAssetsDirectory: w.options.assets, Scheme: w.scheme,
		ControlPlaneStartTimeout: planeStartTimeout, ControlPlaneStopTimeout: planeStopTimeout,
	}
	config, err := w.env.Start()
	if err != nil {
		return fmt.Errorf("starting the control plane (-assets names its directory): %w", err)
	}
	config.QPS = -1
	w.config = config
	if w.admin, err = client.New(config, client.Options{Scheme: w.scheme}); err != nil {
		return err
	}
	w.watch, err = cache.New(config, cache.Options{Scheme: w.scheme})
	return err
}

// prepare makes namespaces, accounts, roles and the admission policy, as a real cluster has them.
func (w *world) prepare(ctx context.Context) error {
	if err := w.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: rawNamespace}}); err != nil {
		return fmt.Errorf("creating namespace %s: %w", rawNamespace, err)
	}
	return access.Install(ctx, w.admin)
}

// agentToken is a token of the agents' account, bound to a node.
func (w *world) agentToken(ctx context.Context, name string) (string, error) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := w.admin.Create(ctx, node); err != nil {
		return "", fmt.Errorf("creating Node %s: %w", name, err)
	}
	token, err := access.Token(ctx, w.admin, rbac.AgentAccount, node, tokenLife)
	if err != nil {
		return "", err
	}
	return token.Token, nil
}

// startManager starts the real binary, with a log of its own.
func (w *world) startManager(ctx context.Context) error {
	token, err := access.Token(ctx, w.admin, rbac.ManagerAccount, nil, tokenLife)
	if err != nil {
		return err
	}
	const name = "scale"
	text, err := clientcmd.Write(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: w.config.Host, CertificateAuthorityData: w.config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {Token: token.Token}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	})
	if err != nil {
		return err
	}
	kubeconfig := filepath.Join(w.dir, "kubeconfig")
	if err := os.WriteFile(kubeconfig, text, 0o600); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(w.dir, "manager.log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the process has its own
	cmd := exec.Command(w.options.manager, "--kubeconfig", kubeconfig, "--metrics-bind-address", "0", "--health-probe-bind-address", "0")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the manager (-manager names it): %w", err)
	}
	w.manager = watchProcess(cmd)
	return nil
}

// managerLog is the end of the manager's log, for an error.
func (w *world) managerLog() string {
	const last = 2000
	text, err := os.ReadFile(filepath.Join(w.dir, "manager.log"))
	if err != nil {
		return ""
	}
	return "\nthe end of the manager's log:\n" + string(text[max(len(text)-last, 0):])
}

// end stops everything, whatever has been started.
func (w *world) end() {
	if w.fleet != nil {
		w.fleet.stop()
	}
	w.manager.stop()
	if w.stopWatch != nil {
		w.stopWatch()
	}
	var failed []error
	if w.env != nil {
		failed = append(failed, w.env.Stop())
	}
	if err := errors.Join(append(failed, os.RemoveAll(w.dir))...); err != nil {
		fmt.Fprintln(os.Stderr, "scale: cleaning up:", err)
	}
}

// process is a child whose memory is followed.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	once sync.Once
}

func watchProcess(cmd *exec.Cmd) *process {
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // its log says why
		close(p.done)
	}()
	return p
}

func (p *process) stop() {
	if p.cmd == nil {
		return
	}
	p.once.Do(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(managerStopWait):
			_ = p.cmd.Process.Kill()
			<-p.done
		}
	})
}

// peakMiB is the most memory the process has had.
func (p *process) peakMiB() float64 { return statusMiB(p.cmd.Process.Pid, "VmHWM") }

func (p *process) rssMiB() float64 { return rssMiB(p.cmd.Process.Pid) }

// cpu is the CPU time the process has used.
func (p *process) cpu() time.Duration { return cpuTime(p.cmd.Process.Pid) }
