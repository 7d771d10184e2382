// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package devcluster runs a whole schedfleet on this machine: a real API
// server, the manager, and agents that each stand for a test node.
//
// Up starts a supervisor, detached from the terminal, and returns when the
// cluster is ready. The supervisor starts etcd and kube-apiserver, then keeps
// the manager and the agents running, as a Deployment and a DaemonSet would.
// Down ends it all, also what a killed supervisor left behind.
//
//	schedfleet dev up ──starts──> schedfleet dev serve (the supervisor)
//	                               ├─ etcd, kube-apiserver   (by envtest)
//	                               ├─ schedfleet-manager     (restarted when it ends)
//	                               └─ schedfleet-agent ...   (one per node, restarted)
//
// Three things make sure that nothing is left: the supervisor holds a lock on
// the cluster's directory for as long as it lives; every process of the cluster
// carries the directory in its environment and is found by it; every file and
// cgroup is below one directory each.
package devcluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/sink"
)

const (
	// envMark is in the environment of every process of a cluster; its value is
	// the cluster's directory.
	envMark = "SCHEDFLEET_DEV_CLUSTER"
	// envAssets is where the control plane's binaries are, by the convention of envtest.
	envAssets = "KUBEBUILDER_ASSETS"

	// NoReportSink is said of a cluster that keeps no whole reports.
	NoReportSink = "none"

	// MaxNodes is how many nodes there are letters for.
	MaxNodes = 26
)

// Options is what a cluster is made of.
type Options struct {
	// Dir holds the cluster's files. It belongs to the cluster alone.
	Dir string
	// Nodes is the number of agents.
	Nodes int
	// Assets is the directory of kube-apiserver, etcd and kubectl.
	Assets string
	// BinDir is the directory of schedfleet-manager, -agent and -runner.
	BinDir string
	// ReportSink is the URL where agents keep whole reports; empty: a directory of the
	// cluster's own, NoReportSink: nowhere.
	ReportSink string
	// AgentFlags are further flags of every agent, such as --allow-dangerous-work.
	AgentFlags []string
}

// DefaultDir is the directory of the cluster a user has without asking for
// another.
func DefaultDir() string {
	base := os.Getenv("XDG_RUNTIME_DIR")
	if base == "" {
		base = os.TempDir()
	}
	return filepath.Join(base, "schedfleet-dev-"+strconv.Itoa(os.Getuid()))
}

// check fills in what was not given, and tells what a cluster lacks on this
// machine, before anything is started.
func (o *Options) check() error {
	if err := o.complete(); err != nil {
		return err
	}
	_, err := chooseCgroupRoot(o.Dir)
	return err
}

func (o *Options) complete() error {
	if o.Nodes < 1 || o.Nodes > MaxNodes {
		return fmt.Errorf("--nodes %d: a development cluster has 1 to %d nodes", o.Nodes, MaxNodes)
	}
	if o.BinDir == "" {
		exe, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding this binary: %w", err)
		}
		o.BinDir = filepath.Dir(exe)
	}
	if o.Assets == "" {
		o.Assets = findAssets()
	}
	if o.Assets == "" {
		return fmt.Errorf("no kube-apiserver, etcd and kubectl found: "+
			"build them with make control-plane, or name their directory with --assets or %s", envAssets)
	}
	for _, dir := range []*string{&o.Dir, &o.BinDir, &o.Assets} {
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return fmt.Errorf("making %s absolute: %w", *dir, err)
		}
		*dir = abs
	}
	return errors.Join(o.checkReportSink(),
		checkBinaries(o.BinDir, "make build, or --bin-dir", "schedfleet-manager", "schedfleet-agent", "schedfleet-runner"),
		checkBinaries(o.Assets, "make control-plane, or --assets", "kube-apiserver", "etcd", "kubectl"))
}

func (o *Options) checkReportSink() error {
	switch o.ReportSink {
	case NoReportSink:
		return nil
	case "":
		o.ReportSink = paths(o.Dir).reports()
	}
	s, err := sink.Open(o.ReportSink)
	if err != nil {
		return fmt.Errorf("--report-sink: %w", err)
	}
	o.ReportSink = s.String()
	return nil
}

func checkBinaries(dir, remedy string, names ...string) error {
	for _, name := range names {
		if err := unix.Access(filepath.Join(dir, name), unix.X_OK); err != nil {
			return fmt.Errorf("%s has no executable %s (%w); needed is: %s", dir, name, err, remedy)
		}
	}
	return nil
}

// findAssets looks where envtest's convention says, then where
// hack/controlplane.sh puts what it builds: the newest is what was built last.
func findAssets() string {
	if dir := os.Getenv(envAssets); dir != "" {
		return dir
	}
	cache := os.Getenv("SCHEDFLEET_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "" // no home: there is no cache to look into
		}
		cache = filepath.Join(user, "schedfleet")
	}
	built, err := filepath.Glob(filepath.Join(cache, "controlplane", "kubernetes-*-"+runtime.GOOS+"-"+runtime.GOARCH))
	if err != nil || len(built) == 0 {
		return ""
	}
	return slices.MaxFunc(built, func(a, b string) int { return modTime(a).Compare(modTime(b)) })
}

// nodeNames returns node-a, node-b and so on.
func nodeNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "node-" + string(rune('a'+i))
	}
	return names
}

// paths are the places in a cluster's directory. Whatever is added here is
// removed by Down.
type paths string

func (p paths) lock() string       { return filepath.Join(string(p), "lock") }
func (p paths) state() string      { return filepath.Join(string(p), "state.json") }
func (p paths) newState() string   { return p.state() + ".new" }
func (p paths) kubeconfig() string { return filepath.Join(string(p), "kubeconfig") }
func (p paths) logs() string       { return filepath.Join(string(p), "logs") }
func (p paths) users() string      { return filepath.Join(string(p), "users") }
func (p paths) spools() string     { return filepath.Join(string(p), "spool") }
func (p paths) reports() string    { return filepath.Join(string(p), "reports") }
func (p paths) temp() string       { return filepath.Join(string(p), "tmp") }

func (p paths) log(name string) string { return filepath.Join(p.logs(), name+".log") }
func (p paths) user(name string) string {
	return filepath.Join(p.users(), name+".kubeconfig")
}
func (p paths) token(name string) string { return filepath.Join(p.users(), name+".token") }

// all lists what is in the directory, but for the lock: while that is there,
// the directory is known to be a cluster's.
func (p paths) all() []string {
	return []string{p.state(), p.newState(), p.kubeconfig(), p.logs(), p.users(), p.spools(), p.reports(), p.temp()}
}

// make creates the directory. It holds the keys of the cluster's
// administrator, and may be at a name in /tmp that anyone can guess: one that
// is not ours alone is refused.
func (p paths) make() error {
	if err := os.MkdirAll(filepath.Dir(string(p)), 0o755); err != nil {
		return fmt.Errorf("creating the parent of the cluster's directory: %w", err)
	}
	if err := os.Mkdir(string(p), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("creating the cluster's directory: %w", err)
	}
	if err := p.check(); err != nil {
		return err
	}
	for _, dir := range []string{p.logs(), p.users(), p.spools(), p.reports(), p.temp()} {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("creating the cluster's directories: %w", err)
		}
	}
	return nil
}

// check tells whether the directory can be a cluster's.
func (p paths) check() error {
	var st unix.Stat_t
	if err := unix.Lstat(string(p), &st); err != nil {
		return &fs.PathError{Op: "lstat", Path: string(p), Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return fmt.Errorf("%s is not a directory; name another with --dir", p)
	case int(st.Uid) != os.Getuid():
		return fmt.Errorf("%s belongs to user %d, not to you; name another directory with --dir", p, st.Uid)
	case st.Mode&0o077 != 0:
		return fmt.Errorf("%s is open to other users (mode %#o) and would hold keys; chmod 700 it, or name another directory with --dir",
			p, st.Mode&0o777)
	}
	entries, err := os.ReadDir(string(p))
	if err != nil {
		return fmt.Errorf("looking into the cluster's directory: %w", err)
	}
	if _, err := os.Lstat(p.lock()); len(entries) > 0 && err != nil {
		return fmt.Errorf("%s holds files that are no development cluster's; name another directory with --dir", p)
	}
	return nil
}
