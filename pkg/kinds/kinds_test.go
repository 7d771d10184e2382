// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	gocmp "cmp"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/samples"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

func load(t *testing.T) *Catalog {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryKindOfTheEngineIsDescribed(t *testing.T) {
	c := load(t)
	var engine []string
	for member := range reflect.TypeFor[work.Spec]().Fields() {
		name, _, _ := strings.Cut(member.Tag.Get("json"), ",")
		engine = append(engine, name)
	}
	slices.Sort(engine)
	if diff := cmp.Diff(engine, c.Names()); diff != "" {
		t.Errorf("kinds of the engine and of the API (-want +got):\n%s", diff)
	}
	for _, name := range c.Names() {
		k, err := c.Describe(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(k.Description, name+" ") || len(k.Summary) > 80 || k.Summary == "" {
			t.Errorf("%s: the description has to begin with the name and a short sentence: %q", name, k.Summary)
		}
		for _, h := range k.Histograms {
			if h.Means == "" {
				t.Errorf("%s: nobody says what a value of %s is", name, h.Sample)
			}
		}
		for _, p := range k.Parameters {
			if p.Default != nil && p.Path != "definition" && !strings.Contains(strings.Join(strings.Fields(p.Description), " "), "Default ") {
				t.Errorf("%s: the description of %s does not say the default", name, p.Path)
			}
		}
	}
	if _, err := c.Describe("spinwait"); err == nil || !strings.Contains(err.Error(), `there is no kind of work called "spinwait"; there are: affinityChurn, `) {
		t.Errorf("of a name that is none: %v", err)
	}
}

var measured = regexp.MustCompile(`([A-Z][A-Za-z]+) \(([A-Z][A-Za-z]+)\):`)

// What kubectl explain says of a kind is what the engine does.
func TestDescriptionsAreTrue(t *testing.T) {
	c := load(t)
	progress := map[work.Progress]string{work.ProgressUnits: "work units", work.ProgressIterations: "iterations", work.ProgressCPU: "CPU time"}
	for _, name := range c.Names() {
		schema := c.work.Properties[name]
		variants, err := variants(name, &schema)
		if err != nil {
			t.Fatal(err)
		}
		said := strings.Join(strings.Fields(schema.Description), " ")
		records, dangerous := map[work.Measure]bool{}, false
		for _, v := range variants {
			dangerous = dangerous || v.Shape().Dangerous
			for _, m := range v.Shape().Metrics {
				records[m] = true
			}
		}
		if _, open := schema.Properties["arrival"]; open {
			response := work.Measure{Metric: work.MetricResponse, Sample: work.SampleArrival}
			if !records[response] {
				t.Errorf("%s has an arrival and records no response time", name)
			}
			delete(records, response) // the description of Arrival says it
		}
		says := map[work.Measure]bool{}
		for _, m := range measured.FindAllStringSubmatch(said, -1) {
			says[work.Measure{Metric: work.Metric(m[1]), Sample: work.Sample(m[2])}] = true
		}
		if diff := cmp.Diff(records, says); diff != "" {
			t.Errorf("%s: what is recorded and what is said (-want +got):\n%s", name, diff)
		}
		if len(records) == 0 && !strings.Contains(said, "Records nothing") {
			t.Errorf("%s: the description does not say that it records nothing", name)
		}
		shape := variants[0].Shape()
		if _, after, _ := strings.Cut(said, "Progress: "); !strings.Contains(after, progress[shape.Progress]) {
			t.Errorf("%s: the description does not say that progress is by %s", name, shape.Progress)
		}
		for words, is := range map[string]bool{
			"Dangerous": dangerous, "Processes only": shape.ForkOnly != "", "schedulingPolicy must be unset": hasClasses(shape.Roles),
			"Workers come in": shape.SetSize > 1 && !shape.OneProcess, "workers counts programs": shape.OneProcess || name == "exec",
		} {
			if strings.Contains(said, words) != is {
				t.Errorf("%s: the description has %q: %v, want %v", name, words, !is, is)
			}
		}
	}
}

func hasClasses(roles []work.Role) bool {
	return slices.ContainsFunc(roles, func(r work.Role) bool { return r.Class != nil })
}

// A status with a metric or sample that the API does not know would be refused.
func TestTheAPIKnowsEveryMeasure(t *testing.T) {
	c := load(t)
	metrics, samples := map[string]bool{}, map[string]bool{}
	for _, name := range c.Names() {
		k, err := c.Describe(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range k.Histograms {
			metrics[string(h.Metric)], samples[string(h.Sample)] = true, true
		}
	}
	for member, used := range map[string]map[string]bool{"metric": metrics, "sample": samples} {
		schema, err := schemaOf("NodeRun", "status", "result", "groups", "distributions", member)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Sorted(maps.Keys(used))
		known := parameter(member, schema, true).Enum
		slices.Sort(known)
		if diff := cmp.Diff(want, known); diff != "" {
			t.Errorf("%s: what kinds record and what the API takes (-want +got):\n%s", member, diff)
		}
		if diff := cmp.Diff(known, slices.Sorted(maps.Keys(meanings(schema)))); diff != "" {
			t.Errorf("%s: values and their meanings (-want +got):\n%s", member, diff)
		}
	}
}

// Each sample is of the kind it is called after, and each kind has one.
func TestEveryKindHasItsSample(t *testing.T) {
	c := load(t)
	files, err := samples.Kinds.ReadDir("kinds")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range c.Names() {
		texts, err := samplesOf(name)
		if err != nil || len(texts) == 0 {
			t.Errorf("%s: %d samples, %v", name, len(texts), err)
		}
		for _, text := range texts {
			found++
			var w v1alpha1.Workload
			if err := yaml.UnmarshalStrict([]byte(text), &w); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if !slices.ContainsFunc(w.Spec.Groups, func(g v1alpha1.Group) bool { return set(t, g.Work) == name }) {
				t.Errorf("%s: no group of the sample %s does that", name, w.Name)
			}
		}
	}
	if found != len(files) {
		t.Errorf("of %d samples, %d are of some kind", len(files), found)
	}
}

// set is the kind that is set.
func set(t *testing.T, w v1alpha1.Work) string {
	t.Helper()
	for member, value := range reflect.ValueOf(w).Fields() {
		if !value.IsNil() {
			name, _, _ := strings.Cut(member.Tag.Get("json"), ",")
			return name
		}
	}
	t.Error("no kind is set")
	return ""
}

// The page about kinds has a row for each, and what can be told from its shape is true.
func TestThePageIsTrue(t *testing.T) {
	c := load(t)
	page, err := os.ReadFile("../../docs/kinds.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if name := strings.Split(cells[0], "`"); len(name) == 3 && rows[name[1]] == nil {
			rows[name[1]] = append(cells, name[2])
		}
	}
	for _, name := range c.Names() {
		k, err := c.Describe(name)
		if err != nil {
			t.Fatal(err)
		}
		row := rows[name]
		if len(row) != 8 {
			t.Errorf("%s: its row has %d cells", name, len(row))
			continue
		}
		got := map[string]string{"workers": row[2], "records": row[3], "progress": row[4], "counters": strings.TrimSuffix(row[6], " |"), "marks": row[7]}
		if diff := cmp.Diff(cellsOf(k), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, h := range k.Histograms {
			if rows[string(h.Sample)] == nil {
				t.Errorf("the page does not say what one value of %s is", h.Sample)
			}
		}
	}
}

func cellsOf(k *Kind) map[string]string {
	var records, counters []string
	for _, h := range k.Histograms {
		text := string(h.Metric) + " " + string(h.Sample)
		if h.Conditional {
			text += "*"
		}
		records = append(records, text)
	}
	for _, counter := range k.Counters {
		counters = append(counters, "`"+counter+"`")
	}
	cells := map[string]string{
		"workers": "any", "records": strings.Join(records, ", "), "progress": string(k.Progress), "counters": strings.Join(counters, ", "), "marks": "",
	}
	switch {
	case k.OneProcess:
		cells["workers"] = "programs"
	case k.SetSize > 1:
		cells["workers"] = fmt.Sprintf("sets of %d", k.SetSize)
	}
	for _, cell := range []string{"records", "counters"} {
		cells[cell] = gocmp.Or(cells[cell], "-")
	}
	if k.Dangerous {
		cells["marks"] += "†"
	}
	if k.ForkOnly != "" {
		cells["marks"] += "‡"
	}
	return cells
}
