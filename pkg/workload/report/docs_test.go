// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/interference"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/telemetry"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const page = "../../../docs/report.md"

// member is a member of a JSON object of the report.
type member struct {
	name string
	kind string // as it is in the table
}

// objects are the kinds of objects that there are in a report.
type objects struct {
	order   []reflect.Type
	at      map[reflect.Type][]string
	members map[reflect.Type][]member
}

func objectsOfReport() *objects {
	o := &objects{at: map[reflect.Type][]string{}, members: map[reflect.Type][]member{}}
	o.visit(reflect.TypeFor[Report](), "")
	return o
}

// opaque types are told of in words, not member by member.
var opaque = map[reflect.Type]string{
	reflect.TypeFor[spec.Run](): "object", reflect.TypeFor[topology.Machine](): "object",
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// visit notes an object at a path, and what is in it.
func (o *objects) visit(t reflect.Type, path string) {
	known := o.at[t] != nil
	o.at[t] = append(o.at[t], path)
	if !known {
		o.order = append(o.order, t)
		o.members[t] = nil
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			o.visit(f.Type, path)
			continue
		}
		if name == "-" || !f.IsExported() {
			continue
		}
		in := path + "." + name
		kind := o.kind(f.Type, strings.TrimPrefix(in, "."))
		if !known {
			o.members[t] = append(o.members[t], member{name, kind})
		}
	}
}

// kind is what a value is in JSON; objects in it are visited.
func (o *objects) kind(t reflect.Type, path string) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[Distribution]() {
		t = reflect.TypeFor[distributionJSON]()
	}
	if kind, ok := opaque[t]; ok {
		return kind
	}
	if t.Implements(jsonMarshaler) || t.Implements(textMarshaler) {
		return "string"
	}
	switch t.Kind() {
	case reflect.Struct:
		o.visit(t, path)
		return "object"
	case reflect.Slice:
		return "array of " + o.kind(t.Elem(), path+"[]")
	case reflect.Map:
		return "object of " + o.kind(t.Elem(), path+"{}")
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	default:
		return "number"
	}
}

// titles are those of types whose names are not theirs alone.
var titles = map[reflect.Type]string{
	reflect.TypeFor[interference.Figures](): "Interference", reflect.TypeFor[spec.Interference](): "Limits",
	reflect.TypeFor[spec.Check](): "Check as asked", reflect.TypeFor[distributionJSON](): "Distribution",
}

func title(t reflect.Type) string {
	if title, ok := titles[t]; ok {
		return title
	}
	return t.Name()
}

var tableRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]*) \\| ([^|]*) \\| ([^|]*) \\|$")

// The page tells of every member of every object of a report, with its unit, and of no other; and where the
// objects are.
func TestThePageTellsOfEveryMember(t *testing.T) {
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for part := range strings.SplitSeq(string(content), "\n### ") {
		name, text, _ := strings.Cut(part, "\n")
		sections[name] = text
	}
	o := objectsOfReport()
	for _, object := range o.order {
		text, ok := sections[title(object)]
		if !ok {
			t.Errorf("there is no section %s", title(object))
			continue
		}
		for _, at := range o.at[object] {
			if at != "" && !strings.Contains(text, "`"+at+"`") {
				t.Errorf("section %s does not say that there is one at %s", title(object), at)
			}
		}
		told := map[string][]string{}
		for _, columns := range tableRow.FindAllStringSubmatch(text, -1) {
			told[columns[1]] = columns[2:]
		}
		for _, m := range o.members[object] {
			columns := told[m.name]
			delete(told, m.name)
			if columns == nil || columns[0] != m.kind || columns[1] == "" || columns[2] == "" {
				t.Errorf("section %s: %s is to be a %s with a unit and a meaning: %q", title(object), m.name, m.kind, columns)
			}
			if strings.HasSuffix(m.name, "Nanoseconds") && columns != nil && columns[1] != "ns" {
				t.Errorf("section %s: the unit of %s is %s", title(object), m.name, columns[1])
			}
		}
		for name := range told {
			t.Errorf("section %s: there is no %s", title(object), name)
		}
	}
	if !strings.Contains(string(content), fmt.Sprintf("schema version %d", SchemaVersion)) {
		t.Errorf("the page is not of schema version %d", SchemaVersion)
	}
}

// The program on the page gives the percentiles that we give.
func TestThePercentilesOfThePageAreOurs(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skipf("the program on the page needs Python: %v", err)
	}
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(content), "```python\n")
	program, _, _ = strings.Cut(program, "```")
	h, r := &telemetry.Histogram{}, rand.New(rand.NewPCG(1, 2))
	for range 997 {
		h.Record(r.Uint64N(1<<r.IntN(40)), 1+r.Uint64N(1<<r.IntN(50)))
	}
	d := Distribution{work.Measure{Metric: work.MetricWake, Sample: work.SampleSleep}, h}
	input, err := json.Marshal(&Report{Groups: []Group{{Name: "g", Distributions: []Distribution{d}}}})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(python, "-c", program)
	command.Stdin = bytes.NewReader(input)
	got, err := command.CombinedOutput()
	want := fmt.Sprintf("g WakeLatency Sleep [%d, %d, %d, %d] ns\n", h.Quantile(0.5), h.Quantile(0.9), h.Quantile(0.99), h.Quantile(0.999))
	if err != nil || string(got) != want {
		t.Errorf("%v\ngot  %swant %s", err, got, want)
	}
}
