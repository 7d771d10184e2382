// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"embed"
	"errors"
	"flag"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/cmd/internal/nodepolicy"
	"github.com/schedfleet/schedfleet/config/samples"
	"github.com/schedfleet/schedfleet/hack/programs"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// eachSample calls f with the name and the text of every sample: those of whole runs,
// which work for 10s, and those of kinds of work, which work for 3s.
func eachSample(t *testing.T, f func(t *testing.T, name, text string)) {
	t.Helper()
	eachFile(t, samples.Files, ".", 9, f)
	t.Run("kinds", func(t *testing.T) { eachFile(t, samples.Kinds, "kinds", 50, f) })
}

func eachFile(t *testing.T, in embed.FS, dir string, least int, f func(t *testing.T, name, text string)) {
	t.Helper()
	files, err := in.ReadDir(dir)
	if err != nil || len(files) < least {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	for _, file := range files {
		text, err := in.ReadFile(path.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(file.Name(), ".yaml")
		t.Run(name, func(t *testing.T) { f(t, name, string(text)) })
	}
}

// A machine with two NUMA nodes, SMT and every feature can run all samples.
func TestSamplesFitAMachineThatHasEverything(t *testing.T) {
	m, err := topology.Synthetic("2n4l2c2t")
	if err != nil {
		t.Fatal(err)
	}
	node := &v1alpha1.TestNodeStatus{
		Realtime: manifest.Realtime(&spec.Bandwidth{Runtime: 950 * time.Millisecond, Period: time.Second}),
		Policy:   &v1alpha1.NodePolicy{DangerousWork: v1alpha1.DangerousWorkAllowed, Programs: append(payload.Names(), "dd")},
	}
	if node.Topology, err = manifest.Topology(m); err != nil {
		t.Fatal(err)
	}
	eachSample(t, func(t *testing.T, name, text string) {
		w, err := loadWorkload(t.Context(), "-", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if w.Name != name {
			t.Errorf("it is the Workload %s", w.Name)
		}
		run, err := manifest.Model(&w.Spec.RunSpec)
		if err != nil {
			t.Fatal(err)
		}
		var has []capability.Finding
		for _, need := range run.Needs() {
			has = append(has, capability.Finding{Name: need.Capability, State: capability.Present})
		}
		node.Features = manifest.Features(has)
		if why := manifest.Unfit(run, node); why != "" {
			t.Errorf("the machine %s", why)
		}
	})
}

// everythingHere lets runs do whatever the samples do, with the programs that this
// machine has or can get.
func everythingHere(t *testing.T) *nodepolicy.Flags {
	t.Helper()
	var set flag.FlagSet
	policy := nodepolicy.Register(&set)
	args := []string{"--allow-dangerous-work"}
	for _, name := range append(payload.Names(), "dd") {
		path, err := programs.Find(t.Context(), name)
		if errors.Is(err, programs.ErrUnavailable) {
			continue // its sample is skipped, with the reason
		}
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, "--allow-program", name+"="+path)
	}
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return policy
}

var working = regexp.MustCompile(`(?m)^  duration: (10|3)s$`)

// What this machine can run of the samples is run, for a shorter time.
func TestSamplesRun(t *testing.T) {
	policy := everythingHere(t)
	eachSample(t, func(t *testing.T, _, text string) {
		short := working.ReplaceAllString(text, "  duration: 300ms")
		if short == text {
			t.Fatal("its duration is neither 10s nor 3s")
		}
		var out, progress strings.Builder
		o := runOptions{output: "table", policy: policy}
		err := o.run(t.Context(), "-", strings.NewReader(short), &out, &progress)
		if bad := (badCall{}); errors.As(err, &bad) {
			if _, why, unfit := strings.Cut(err.Error(), "this machine "); unfit {
				t.Skipf("this machine %s", why)
			}
		}
		// That others use the machine beside the tests is not the sample's fault.
		disturbed := strings.Contains(out.String(), "void (Disturbed)") || strings.Contains(out.String(), "void (Steal)")
		if err != nil && !disturbed {
			t.Fatalf("%v\n%s%s", err, progress.String(), out.String())
		}
		t.Log(out.String())
	})
}
