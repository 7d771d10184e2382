// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodepolicy

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

func fileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPolicyFiles(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want spec.Policy
	}{
		"empty, it allows nothing and bounds nothing": {"# nothing\n", spec.Policy{}},
		"in full": {`
dangerousWork: true
cpuHotplug: true
programs: {sh: /bin/sh}
scratch: /tmp
userIDs: 1000-1999,65534
groupIDs: "1000"
maxRealtimePriority: 0
forbidDeadline: true
minNice: -5
maxMemory: 4Gi
maxWorkers: 256
maxDuration: 10m
`, spec.Policy{
			DangerousWork: true, CPUHotplug: true, Programs: map[string]string{"sh": "/bin/sh"}, Scratch: "/tmp",
			Bounds: spec.Bounds{
				UserIDs: spec.IDs{{First: 1000, Last: 1999}, {First: 65534, Last: 65534}}, GroupIDs: spec.IDs{{First: 1000, Last: 1000}},
				MaxRealtimePriority: new(0), ForbidDeadline: true, MinNice: new(-5),
				MaxMemory: new(quantity.Bytes(4 << 30)), MaxWorkers: new(256), MaxDuration: new(quantity.Duration(600e9)),
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse(t, "--policy-file", fileOf(t, tc.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The file that the manifests come with is one.
func TestThePolicyOfTheManifests(t *testing.T) {
	text, err := os.ReadFile("../../../config/agent/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parse(t, "--policy-file", fileOf(t, string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&spec.Policy{}, got); diff != "" {
		t.Errorf("it allows something (-want +got):\n%s", diff)
	}
}

// The docs show every field. What is at the paths there need not be here.
func TestThePolicyOfTheDocs(t *testing.T) {
	page, err := os.ReadFile("../../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	var got spec.Policy
	if err := yaml.UnmarshalStrict([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
	var shown map[string]any
	if err := yaml.Unmarshal([]byte(text), &shown); err != nil {
		t.Fatal(err)
	}
	var missing []string
	for field := range reflect.TypeFor[spec.Policy]().Fields() {
		for _, f := range members(field) {
			if _, ok := shown[f]; !ok {
				missing = append(missing, f)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("the page does not show %v", missing)
	}
}

// members are the names of a field in a file; those of an embedded struct are its own.
func members(field reflect.StructField) (names []string) {
	if field.Anonymous {
		for inner := range field.Type.Fields() {
			names = append(names, members(inner)...)
		}
		return names
	}
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return []string{name}
}

func TestPolicyFilesThatCannotBe(t *testing.T) {
	open := fileOf(t, "")
	if err := os.Chmod(open, 0o602); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"a file that is not there":    {[]string{"--policy-file=/no/such"}, "--policy-file /no/such: open"},
		"a directory":                 {[]string{"--policy-file=" + t.TempDir()}, "is no file"},
		"a file that others write":    {[]string{"--policy-file=" + open}, "others can write to it (mode 0602); chmod go-w it"},
		"beside a flag":               {[]string{"--policy-file=" + fileOf(t, ""), "--allow-dangerous-work"}, "--policy-file says all that runs may do: leave out --allow-dangerous-work"},
		"an unknown field":            {[]string{"--policy-file", fileOf(t, "maxWorker: 5\n")}, `unknown field "maxWorker"`},
		"a field twice":               {[]string{"--policy-file", fileOf(t, "maxWorkers: 5\nmaxWorkers: 6\n")}, "maxWorkers"},
		"what is no YAML":             {[]string{"--policy-file", fileOf(t, "{")}, "yaml"},
		"a bound that cannot be":      {[]string{"--policy-file", fileOf(t, "maxRealtimePriority: 99\n")}, "maxRealtimePriority: must be 0, for none, to 98, not 99"},
		"ids that are none":           {[]string{"--policy-file", fileOf(t, "userIDs: me\n")}, `"me" is no list of ids`},
		"ids without one":             {[]string{"--policy-file", fileOf(t, "userIDs: ''\n")}, `"" is no list of ids`},
		"a program that is not there": {[]string{"--policy-file", fileOf(t, "programs: {p: /bin/no-such}\n")}, "programs: p: "},
		"a device that is none":       {[]string{"--policy-file", fileOf(t, "devices: [/dev/null]\n")}, "devices[0]: /dev/null: is no block device"},
		"a scratch that is none":      {[]string{"--policy-file", fileOf(t, "scratch: tmp\n")}, "scratch: tmp: must be an absolute path"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(t, tc.args...); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// One that is not would be dropped.
func TestEveryFlagOfAPolicyIsRefusedBesideAFile(t *testing.T) {
	set := flag.NewFlagSet("test", flag.ContinueOnError)
	Register(set)
	set.VisitAll(func(f *flag.Flag) {
		if f.Name == fileFlag {
			return
		}
		value := "=x"
		if f.DefValue == "false" {
			value = ""
		}
		if _, err := parse(t, "--policy-file", fileOf(t, ""), "--"+f.Name+value); err == nil || !strings.Contains(err.Error(), "leave out --"+f.Name) {
			t.Errorf("--%s: %v", f.Name, err)
		}
	})
}
