// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/sink"
)

// fakeCluster answers for a cluster with NodeRuns, and returns the path of its kubeconfig.
func fakeCluster(t *testing.T, runs map[string]*v1alpha1.ReportReference) string {
	t.Helper()
	gv := v1alpha1.GroupVersion
	at := "/apis/" + gv.String()
	resources := metav1.APIResourceList{GroupVersion: gv.String(), APIResources: []metav1.APIResource{{Name: "noderuns", Kind: "NodeRun", Namespaced: true}}}
	version := metav1.GroupVersionForDiscovery{GroupVersion: gv.String(), Version: gv.Version}
	group := metav1.APIGroup{Name: gv.Group, Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any
		switch r.URL.Path {
		case at:
			answer = resources
		case "/apis":
			answer = metav1.APIGroupList{Groups: []metav1.APIGroup{group}}
		case "/apis/" + gv.Group:
			answer = group
		default:
			ref, known := runs[strings.TrimPrefix(r.URL.Path, at)]
			if !known {
				http.NotFound(w, r)
				return
			}
			run := v1alpha1.NodeRun{TypeMeta: metav1.TypeMeta{APIVersion: gv.String(), Kind: "NodeRun"}}
			run.Status.Result = &v1alpha1.RunResult{Report: ref}
			answer = run
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, namespace: own}}], clusters: [{name: c, cluster: {server: %q}}]}`, server.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReportsAreFoundByTheirNodeRun(t *testing.T) {
	s, err := sink.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	put, err := s.Put(t.Context(), "report.json", []byte("the report"))
	if err != nil {
		t.Fatal(err)
	}
	ref := &v1alpha1.ReportReference{URL: put.URL, SHA256: put.SHA256, Bytes: put.Bytes}
	changed := *ref
	changed.SHA256 = strings.Repeat("0", len(ref.SHA256))
	kubeconfig := fakeCluster(t, map[string]*v1alpha1.ReportReference{
		"/namespaces/own/noderuns/good": ref, "/namespaces/other/noderuns/there": ref, "/namespaces/own/noderuns/changed": &changed, "/namespaces/own/noderuns/without": nil,
	})
	for name, tc := range map[string]struct {
		from, namespace string
		wrong           string // empty if the report is to be read
	}{
		"in the kubeconfig's namespace": {"noderun/good", "", ""},
		"in another":                    {"noderun/there", "other", ""},
		"not in the one that was named": {"noderun/good", "other", "reading the report of NodeRun good"},
		"one without a report":          {"noderun/without", "", "it names no stored report"},
		"what is there is another":      {"noderun/changed", "", sink.ErrDigest.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			o := reportOptions{cluster: clusterFlags{namespace: tc.namespace, kubeconfig: kubeconfig}}
			data, err := o.read(t.Context(), tc.from, nil)
			if tc.wrong == "" && (err != nil || string(data) != "the report") {
				t.Errorf("got %q, %v", data, err)
			}
			if tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)) {
				t.Errorf("got %v, want %q in it", err, tc.wrong)
			}
		})
	}
}

func TestStandardInputIsBounded(t *testing.T) {
	var o reportOptions
	if _, err := o.read(t.Context(), "-", endless{}); err == nil || !strings.Contains(err.Error(), "it has more than 67108864 bytes") {
		t.Errorf("got %v", err)
	}
	broken := errors.New("the pipe broke")
	if _, err := o.read(t.Context(), "-", io.MultiReader(strings.NewReader("{"), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// endless is an input without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// failing is an input that fails.
type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }
