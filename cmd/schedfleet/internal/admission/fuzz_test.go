// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"reflect"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/samples"
	"github.com/schedfleet/schedfleet/pkg/manifest"
	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

const (
	// mutated is how many manifests the plain test makes, and fuzzSeed from what.
	mutated  = 10_000
	fuzzSeed = 20261201
	// hangs is when a manifest is taken to be one that never ends; usual are 2 ms.
	hangs = time.Minute
)

// how far a manifest got.
type stage int

const (
	notAdmitted stage = iota // the API server says no
	notAccepted              // the manager says no
	unfit                    // a machine cannot do it, or its policy says no
	runnable                 // all machines can
	stages
)

func (s stage) String() string {
	return [...]string{"refused by the API server", "refused by the manager", "unfit for a machine", "fit for all machines"}[s]
}

// gauntlet is everything that a manifest goes through before a node has it.
type gauntlet struct {
	judge *Judge
	// nodes are what agents publish, machines what is made of it.
	nodes    []*v1alpha1.TestNodeStatus
	machines []spec.Machine
}

func newGauntlet(t testing.TB) *gauntlet {
	t.Helper()
	judge, err := New()
	if err != nil {
		t.Fatal(err)
	}
	g := &gauntlet{judge: judge}
	has := g.needs(t)
	for shape, policy := range map[string]*spec.Policy{
		"1n1l1c1t": {},
		"2n4l2c2t": {DangerousWork: true, CPUHotplug: true, Programs: programs()},
		"1n2l4c1t": {DangerousWork: true, Programs: programs(), Bounds: spec.Bounds{
			UserIDs: spec.IDs{{First: 0, Last: 1000}}, MaxRealtimePriority: new(50), ForbidDeadline: true, MinNice: new(-5),
			MaxMemory: new(quantity.Bytes(1 << 30)), MaxWorkers: new(64), MaxDuration: new(quantity.Duration(time.Hour)),
		}},
	} {
		m, err := topology.Synthetic(shape)
		if err != nil {
			t.Fatal(err)
		}
		node := &v1alpha1.TestNodeStatus{Policy: manifest.NodePolicy(policy), Realtime: manifest.Realtime(&spec.Bandwidth{Runtime: 950 * time.Millisecond, Period: time.Second})}
		if node.Topology, err = manifest.Topology(m); err != nil {
			t.Fatal(err)
		}
		node.Features = manifest.Features(has)
		machine, err := manifest.Machine(node)
		if err != nil {
			t.Fatal(err)
		}
		g.nodes, g.machines = append(g.nodes, node), append(g.machines, machine)
	}
	return g
}

// needs are the features that some sample needs: the machines have them all.
func (g *gauntlet) needs(t testing.TB) (has []capability.Finding) {
	t.Helper()
	texts, _ := seeds(t)
	known := map[string]bool{}
	for _, text := range texts {
		w, err := g.judge.Decode(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		model, err := manifest.Model(&w.Spec.RunSpec)
		if err != nil {
			t.Fatal(err)
		}
		for _, need := range model.Needs() {
			if !known[need.Capability] {
				known[need.Capability] = true
				has = append(has, capability.Finding{Name: need.Capability, State: capability.Present})
			}
		}
	}
	return has
}

func programs() map[string]string {
	all := map[string]string{"dd": "/bin/dd"}
	for _, name := range payload.Names() {
		all[name] = "/bin/" + name
	}
	return all
}

// run takes a manifest as far as it goes. An error is a defect of ours.
func (g *gauntlet) run(ctx context.Context, text []byte) (at stage, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	w, err := g.judge.Decode(ctx, text)
	if err != nil {
		if err.Error() == "" {
			return notAdmitted, fmt.Errorf("refused without a word")
		}
		return notAdmitted, nil
	}
	if err := manifest.Check(&w.Spec.RunSpec, &w.Spec.Placement); err != nil {
		if err.Error() == "" {
			return notAccepted, fmt.Errorf("refused without a word")
		}
		return notAccepted, nil
	}
	model, err := manifest.Model(&w.Spec.RunSpec)
	if err != nil {
		return notAccepted, fmt.Errorf("accepted, but there is no model of it: %w", err)
	}
	if err := lossless(w, model); err != nil {
		return notAccepted, err
	}
	at = runnable
	for i := range g.nodes {
		fits, err := g.place(model, i)
		if err != nil {
			return at, err
		}
		if !fits {
			at = unfit
		}
	}
	return at, nil
}

// place resolves a run on a machine, as placement and as the node do.
func (g *gauntlet) place(model *spec.Run, node int) (fits bool, err error) {
	why := manifest.Unfit(model, g.nodes[node])
	resolved, err := model.Resolve(g.machines[node])
	if (err == nil) != (why == "") {
		return false, fmt.Errorf("placement says %q, and the node %w", why, err)
	}
	if err != nil {
		return false, nil //nolint:nilerr // what does not fit is no defect
	}
	for i := range resolved.Groups {
		if group := &resolved.Groups[i]; group.Workers < 1 || group.Workers > spec.MaxWorkers {
			return false, fmt.Errorf("group %s has %d workers on a machine that fits", group.Name, group.Workers)
		}
	}
	return true, nil
}

// lossless says what of an accepted manifest is not in the model, by the way back.
func lossless(w *v1alpha1.Workload, model *spec.Run) error {
	text, err := json.Marshal(model)
	if err != nil {
		return err
	}
	back := &v1alpha1.RunSpec{}
	if err := yaml.UnmarshalStrict(text, back); err != nil {
		return fmt.Errorf("the model is no run of the API: %w", err)
	}
	again, err := manifest.Model(back)
	if err != nil {
		return fmt.Errorf("there is no model of what the model says: %w", err)
	}
	if !reflect.DeepEqual(model, again) {
		return fmt.Errorf("the model changes on the way to the API and back (-before +after):\n%s", cmp.Diff(model, again))
	}
	return kept(&w.Spec.RunSpec, back)
}

// kept says what of a run is not in another. Amounts may be written in another way.
func kept(run, back *v1alpha1.RunSpec) error {
	var was, is map[string]any
	for _, c := range []struct {
		from *v1alpha1.RunSpec
		to   *map[string]any
	}{{run, &was}, {back, &is}} {
		text, err := json.Marshal(c.from)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, c.to); err != nil {
			return err
		}
	}
	return missing(was, is, "spec")
}

func missing(was, is any, at string) error {
	switch was := was.(type) {
	case map[string]any:
		is, _ := is.(map[string]any)
		for key, value := range was {
			if err := missing(value, is[key], at+"."+key); err != nil {
				return err
			}
		}
	case []any:
		is, _ := is.([]any)
		if len(was) != len(is) {
			return fmt.Errorf("%s: %d of %d are kept", at, len(is), len(was))
		}
		for i := range was {
			if err := missing(was[i], is[i], fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	default:
		if !same(was, is) {
			return fmt.Errorf("%s: %v has become %v", at, was, is)
		}
	}
	return nil
}

// seeds are all samples, as documents.
func seeds(t testing.TB) (texts [][]byte, docs []map[string]any) {
	t.Helper()
	for _, in := range []struct {
		files embed.FS
		dir   string
	}{{samples.Files, "."}, {samples.Kinds, "kinds"}, {samples.Scenarios, "scenarios"}} {
		entries, err := in.files.ReadDir(in.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			text, err := in.files.ReadFile(path.Join(in.dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			doc, err := parse(text)
			if err != nil {
				t.Fatalf("%s: %v", e.Name(), err)
			}
			texts, docs = append(texts, text), append(docs, doc)
		}
	}
	return texts, docs
}

// Ten thousand manifests, always the same ones, go through all that stands between a
// person and a node: nothing panics, hangs, leaks or gets lost.
func TestMutatedManifests(t *testing.T) {
	g := newGauntlet(t)
	texts, docs := seeds(t)
	for i, text := range texts {
		if at, err := g.run(t.Context(), text); err != nil || at < unfit {
			t.Fatalf("%s is %v, %v", docs[i]["metadata"], at, err)
		}
	}
	m := newMutator(docs)
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	var reached [stages]atomic.Int64
	var slowest slow
	var next atomic.Uint64
	var running sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			for n := next.Add(1); n <= mutated && !t.Failed(); n = next.Add(1) {
				text, err := json.Marshal(m.manifest(fuzzSeed, n))
				if err != nil {
					t.Errorf("manifest %d: %v", n, err)
					return
				}
				began := time.Now()
				watch := time.AfterFunc(hangs, func() { panic(fmt.Sprintf("manifest %d takes %v and more:\n%s", n, hangs, text)) })
				at, err := g.run(t.Context(), text)
				watch.Stop()
				slowest.note(n, time.Since(began))
				reached[at].Add(1)
				if err != nil {
					t.Errorf("manifest %d: %v\n%s", n, err, cut(text))
				}
			}
		})
	}
	running.Wait()
	for s := range stages {
		t.Logf("%5d %v", reached[s].Load(), s)
		// Otherwise the test would look at one door only.
		if reached[s].Load() < mutated/100 {
			t.Errorf("%d of %d manifests are %v: the mutations have become too coarse, or too tame", reached[s].Load(), mutated, s)
		}
	}
	t.Logf("the slowest is number %d: %v", slowest.number, slowest.took)
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines, %d before", now, goroutines)
	}
	if now := openFiles(t); now > files {
		t.Errorf("%d open files, %d before", now, files)
	}
}

// slow is the manifest that took longest.
type slow struct {
	mu     sync.Mutex
	number uint64
	took   time.Duration
}

func (s *slow) note(n uint64, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if took > s.took {
		s.number, s.took = n, took
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func cut(text []byte) []byte { return text[:min(len(text), 4000)] }

func FuzzManifest(f *testing.F) {
	g := newGauntlet(f)
	texts, _ := seeds(f)
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := g.run(t.Context(), text); err != nil {
			t.Error(err)
		}
	})
}

// same says whether two leaves are the same value. What is not there is zero.
func same(was, is any) bool {
	if reflect.DeepEqual(was, is) {
		return true
	}
	if is == nil {
		return reflect.ValueOf(was).IsZero()
	}
	a, aOK := was.(string)
	b, bOK := is.(string)
	if !aOK || !bOK {
		return false
	}
	if x, err := time.ParseDuration(a); err == nil {
		y, err := time.ParseDuration(b)
		return err == nil && x == y
	}
	x, err := resource.ParseQuantity(a)
	if err != nil {
		return false
	}
	y, err := resource.ParseQuantity(b)
	return err == nil && x.Cmp(y) == 0
}
