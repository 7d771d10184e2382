// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestStateIsReadAsWritten(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadState(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadState() of no cluster = %v, want fs.ErrNotExist", err)
	}
	want := State{
		Supervisor: Process{PID: 1, StartTime: 2}, Ready: true,
		Children: map[string]Process{"node-a": {PID: 3, StartTime: 4}},
		Nodes:    []string{"node-a"}, Kubeconfig: "k", Assets: "a", CgroupRoot: "c", Logs: "l",
	}
	if err := want.write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := ReadState(dir)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("state (-want +got):\n%s%v", diff, err)
	}
	if _, err := os.Lstat(paths(dir).newState()); err == nil {
		t.Error("the temporary file is left")
	}
}

func TestCheckOptions(t *testing.T) {
	full := t.TempDir()
	for _, name := range []string{"schedfleet-manager", "schedfleet-agent", "schedfleet-runner", "kube-apiserver", "etcd", "kubectl"} {
		if err := os.WriteFile(filepath.Join(full, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	empty := t.TempDir()
	tests := map[string]struct {
		opts Options
		want string
	}{
		"complete":                {Options{Nodes: 2, Assets: full, BinDir: full}, ""},
		"no node":                 {Options{Nodes: 0, Assets: full, BinDir: full}, "--nodes 0"},
		"more nodes than letters": {Options{Nodes: 27, Assets: full, BinDir: full}, "1 to 26"},
		"no binaries of ours":     {Options{Nodes: 1, Assets: full, BinDir: empty}, "no executable schedfleet-manager"},
		"no API server":           {Options{Nodes: 1, Assets: empty, BinDir: full}, "make control-plane"},
		"nothing built at all":    {Options{Nodes: 1, BinDir: full}, "build them with make control-plane"},
	}
	t.Setenv(envAssets, "")
	t.Setenv("SCHEDFLEET_CACHE", empty)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			err := tc.opts.complete()
			if (tc.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("complete() = %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestFindAssetsTakesTheNewestBuild(t *testing.T) {
	cache := t.TempDir()
	t.Setenv(envAssets, "")
	t.Setenv("SCHEDFLEET_CACHE", cache)
	hour := time.Now()
	var newest string
	for _, version := range []string{"1.37.1", "1.37.2", "1.36.9"} {
		hour = hour.Add(time.Hour)
		newest = filepath.Join(cache, "controlplane", "kubernetes-"+version+"-etcd-3-x-"+runtime.GOOS+"-"+runtime.GOARCH)
		if err := errors.Join(os.MkdirAll(newest, 0o700), os.Chtimes(newest, hour, hour)); err != nil {
			t.Fatal(err)
		}
	}
	if got := findAssets(); got != newest {
		t.Errorf("findAssets() = %q, want the newest, %q", got, newest)
	}
	t.Setenv(envAssets, "/elsewhere")
	if got := findAssets(); got != "/elsewhere" {
		t.Errorf("findAssets() = %q, want what %s says", got, envAssets)
	}
}

func TestKeepStartsAProgramAgain(t *testing.T) {
	p := newCluster(t)
	s := &supervisor{
		opts: Options{Dir: string(p)}, paths: p, log: slog.New(slog.DiscardHandler),
		exits: make(chan exit, 8), state: State{Children: map[string]Process{}},
	}
	t.Setenv(envHelper, "fail")
	ctx, cancel := context.WithCancel(t.Context())
	stop := s.startChildren(ctx, []program{{name: "node-a", args: []string{os.Args[0]}}})
	for range 2 {
		select {
		case e := <-s.exits:
			if e.name != "node-a" || e.err == nil || !strings.Contains(e.err.Error(), "exit status 3") {
				t.Errorf("exit %+v, want node-a with status 3", e)
			}
		case <-testContext(t).Done():
			t.Fatal("the program was not started again")
		}
	}
	cancel()
	stop()
	if got := tail(p.log("node-a")); strings.Count(got, "this is why") < 2 {
		t.Errorf("the log holds %q, want both starts", got)
	}
	if st, err := ReadState(string(p)); err != nil || len(st.Children) != 1 {
		t.Errorf("the state has children %v (%v), want node-a", st.Children, err)
	}
}

func TestStopEndsChildren(t *testing.T) {
	p := newCluster(t)
	s := &supervisor{
		opts: Options{Dir: string(p)}, paths: p, log: slog.New(slog.DiscardHandler),
		exits: make(chan exit, 8), state: State{Children: map[string]Process{}},
	}
	t.Setenv(envHelper, "stay")
	stop := s.startChildren(t.Context(), []program{{name: "manager", args: []string{os.Args[0]}}})
	child := waitChild(t, p, "manager")
	stop()
	if child.alive() {
		t.Error("the child outlives stop()")
	}
	if got := tail(p.log("manager")); !strings.Contains(got, "told to stop") {
		t.Errorf("the child was killed, not told to stop; its log is %q", got)
	}
}

// waitChild returns a child once the state has it and its log says that it is up.
func waitChild(t *testing.T, p paths, name string) Process {
	t.Helper()
	ctx := testContext(t)
	for {
		st, err := ReadState(string(p))
		if child, ok := st.Children[name]; ok && err == nil && strings.Contains(tail(p.log(name)), "up") {
			return child
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is not up: %+v, %v", name, st, err)
		case <-time.After(statePoll / 10):
		}
	}
}

func TestTail(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	if got := tail(file); got != "" {
		t.Errorf("tail() of no file = %q", got)
	}
	long := strings.Repeat("x", tailBytes) + "\n" + strings.Repeat("line\n", tailLines-1) + "the last\n"
	if err := os.WriteFile(file, []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	got := tail(file)
	if !strings.HasSuffix(got, "\n  the last\n") || strings.Count(got, "\n") != tailLines+1 || strings.Contains(got, "xx") {
		t.Errorf("tail() = %q", got)
	}
}

func TestProgressPrintsChangesOnly(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out)
	now := p.began
	p.now = func() time.Time { return now }
	waiting := metav1.Condition{Type: "Placed", Status: "False", Reason: "Waiting", Message: "0 of 2"}
	placed := metav1.Condition{Type: "Placed", Status: "True", Reason: "Placed"}

	p.conditions("workload/a", []metav1.Condition{waiting})
	now = now.Add(1500 * time.Millisecond)
	p.conditions("workload/a", []metav1.Condition{waiting})
	p.conditions("workload/b", []metav1.Condition{waiting})
	now = now.Add(10 * time.Second)
	p.conditions("workload/a", []metav1.Condition{placed})

	want := `   0.0s  workload/a  Placed=False (Waiting): 0 of 2
   1.5s  workload/b  Placed=False (Waiting): 0 of 2
  11.5s  workload/a  Placed=True (Placed)
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestWorkloadIn(t *testing.T) {
	tests := map[string]struct{ manifest, want, wantErr string }{
		"the first one counts":          {manifest: "kind: Namespace\n---\nkind: Workload\nmetadata: {name: a, namespace: ns}\n---\nkind: Workload\n", want: "ns/a"},
		"without a namespace":           {manifest: "kind: Workload\nmetadata: {name: a}\n", want: "default/a"},
		"none":                          {manifest: "kind: Namespace\n", wantErr: "no Workload"},
		"something that is no YAML":     {manifest: "kind: [", wantErr: "reading the manifest"},
		"nothing at all is no manifest": {wantErr: "no Workload"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			key, err := workloadIn([]byte(tc.manifest))
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Errorf("workloadIn() = %v, want %q in it", err, tc.wantErr)
				}
				return
			}
			if err != nil || key.String() != tc.want {
				t.Errorf("workloadIn() = %v, %v, want %s", key, err, tc.want)
			}
		})
	}
}
