// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// importRule says that files in some folders do not import some packages.
type importRule struct {
	in     []string // folders the rule holds in; none: everywhere
	notIn  []string // folders it does not hold in
	deny   []string // packages, with all below them
	except []string // packages below those, allowed after all
	why    string
}

var importRules = []importRule{
	{
		in: []string{"controllers"}, deny: []string{module + "/nodeagent"},
		why: "manager and agent meet in the API only",
	},
	{
		in: []string{"nodeagent"}, deny: []string{module + "/controllers"},
		why: "manager and agent meet in the API only",
	},
	{
		in: []string{"api"}, deny: []string{module},
		except: []string{module + "/api"},
		why:    "everyone imports the API, so it imports nothing of ours",
	},
	{
		in: []string{"pkg/workload"}, deny: []string{module},
		except: []string{module + "/pkg/workload"},
		why:    "the engine has its own model; pkg/manifest converts",
	},
	{
		in: []string{"pkg/workload", "cmd/runner"}, deny: []string{"k8s.io", "sigs.k8s.io"},
		except: []string{"k8s.io/utils/cpuset"},
		why:    "the runner is built from it, and knows no Kubernetes",
	},
	{
		in: []string{"controllers", "nodeagent", "api", "pkg"}, deny: []string{module + "/cmd"},
		why: "commands are put together from libraries, not the other way round",
	},
	{
		notIn: []string{"pkg/workload", "nodeagent", "cmd", "hack/guest"}, deny: []string{"golang.org/x/sys/unix"},
		why: "system calls stay where they are looked for",
	},
	{
		notIn: []string{"nodeagent", "cmd", "pkg/sink"}, deny: []string{module + "/pkg/sink"},
		why: "whole reports go from an agent or a person to a sink; nothing else has to do with them, workers least of all",
	},
	{
		notIn: []string{"pkg/sink/objectstore"}, deny: []string{"gocloud.dev"},
		why: "clients of object stores are large, and are linked into one program that lives for one call",
	},
	{
		notIn: []string{"cmd/sink", "pkg/sink/objectstore"}, deny: []string{module + "/pkg/sink/objectstore"},
		why: "clients of object stores are large, and are linked into one program that lives for one call",
	},
	{
		notIn: []string{"pkg/workload/network"}, deny: []string{"github.com/vishvananda"},
		why: "speaking netlink by hand is long, so there is a library for it; what it can do to a machine stays in one place",
	},
}

// within tells whether p is one of the folders or packages, or below one.
func within(p string, tops []string) bool {
	return slices.ContainsFunc(tops, func(top string) bool {
		return p == top || strings.HasPrefix(p, top+"/")
	})
}

// broken lists the imports of s that a rule forbids.
func broken(s source, rules []importRule) []string {
	var found []string
	for _, r := range rules {
		if (len(r.in) > 0 && !within(s.dir(), r.in)) || within(s.dir(), r.notIn) {
			continue
		}
		for _, i := range s.imports {
			if within(i, r.deny) && !within(i, r.except) {
				found = append(found, fmt.Sprintf("%s imports %s: %s", s.path, i, r.why))
			}
		}
	}
	if slices.Contains(s.imports, "unsafe") && !strings.HasSuffix(strings.TrimSuffix(s.base(), "_test.go"), "_unsafe") &&
		!strings.HasSuffix(s.base(), "_unsafe.go") {
		found = append(found, s.path+" imports unsafe: only files called *_unsafe.go do, so that they are found")
	}
	return found
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, b := range broken(s, importRules) {
			t.Error(b)
		}
	}
}

func TestImportRulesFind(t *testing.T) {
	tests := map[string]struct {
		path string
		imp  string
		want int
	}{
		"a controller that reaches for the agent":     {"controllers/workload/a.go", module + "/nodeagent/spool", 1},
		"an agent that reaches for the controllers":   {"nodeagent/a.go", module + "/controllers", 1},
		"an API that uses the engine":                 {"api/v1alpha1/a.go", module + "/pkg/workload/spec", 1},
		"an engine that uses the API":                 {"pkg/workload/spec/a.go", module + "/api/v1alpha1", 1},
		"an engine that uses a Kubernetes package":    {"pkg/workload/spec/a.go", "k8s.io/api/core/v1", 1},
		"a runner that uses controller-runtime":       {"cmd/runner/main.go", "sigs.k8s.io/controller-runtime", 1},
		"a library that uses a command":               {"nodeagent/a.go", module + "/cmd/internal/version", 1},
		"a controller that makes system calls":        {"controllers/a.go", "golang.org/x/sys/unix", 1},
		"an engine that makes links elsewhere":        {"pkg/workload/work/a.go", "github.com/vishvananda/netlink", 1},
		"a network that makes links is fine":          {"pkg/workload/network/a.go", "github.com/vishvananda/netlink", 0},
		"an engine that stores reports":               {"pkg/workload/runner/a.go", module + "/pkg/sink", 2},
		"a controller that reads reports":             {"controllers/a.go", module + "/pkg/sink", 1},
		"an agent with clients of object stores":      {"nodeagent/a.go", module + "/pkg/sink/objectstore", 1},
		"a sink with clients of its own":              {"pkg/sink/a.go", "gocloud.dev/blob", 1},
		"an agent that stores reports is fine":        {"nodeagent/a.go", module + "/pkg/sink", 0},
		"unsafe outside its files":                    {"pkg/workload/arena/arena.go", "unsafe", 1},
		"an engine that uses CPU sets is fine":        {"pkg/workload/spec/a.go", "k8s.io/utils/cpuset", 0},
		"an engine that uses itself is fine":          {"pkg/workload/run/a.go", module + "/pkg/workload/spec", 0},
		"an agent that makes system calls is fine":    {"nodeagent/sweep/a.go", "golang.org/x/sys/unix", 0},
		"a guest that makes system calls is fine":     {"hack/guest/init/a.go", "golang.org/x/sys/unix", 0},
		"a name that only begins alike is fine":       {"controllers/a.go", module + "/nodeagentx", 0},
		"unsafe in its files is fine":                 {"pkg/workload/arena/arena_unsafe.go", "unsafe", 0},
		"unsafe in a test of its files is fine":       {"pkg/workload/arena/arena_unsafe_test.go", "unsafe", 0},
		"a manifest package that uses both is fine":   {"pkg/manifest/a.go", module + "/api/v1alpha1", 0},
		"a command that uses the controllers is fine": {"cmd/manager/main.go", module + "/controllers", 0},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := broken(source{path: tc.path, imports: []string{tc.imp}}, importRules)
			if len(got) != tc.want {
				t.Errorf("broken() = %q, want %d findings", got, tc.want)
			}
		})
	}
}

// TestClosures looks at everything that is linked into a program. The runner is started
// once for each run, beside what it measures, and stays small; the agent waits on every
// node, and must not carry three clouds.
func TestClosures(t *testing.T) {
	kubernetes := []string{"k8s.io", "sigs.k8s.io"}
	clouds := []string{"gocloud.dev", "github.com/aws", "cloud.google.com", "github.com/Azure"}
	for program, rule := range map[string]struct{ deny, except []string }{
		"./cmd/runner":     {deny: slices.Concat(kubernetes, clouds, []string{module + "/pkg/sink"}), except: []string{"k8s.io/utils"}},
		"./cmd/agent":      {deny: clouds},
		"./cmd/manager":    {deny: slices.Concat(clouds, []string{module + "/pkg/sink"})},
		"./cmd/schedfleet": {deny: clouds},
	} {
		t.Run(program, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", program)
			cmd.Dir, cmd.Stderr = root, os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("listing what %s depends on: %v", program, err)
			}
			var got []string
			for p := range strings.FieldsSeq(string(out)) {
				if within(p, rule.deny) && !within(p, rule.except) {
					got = append(got, p)
				}
			}
			if diff := cmp.Diff([]string(nil), got); diff != "" {
				t.Errorf("packages linked into it that must not be (-want +got):\n%s\nfind the way with: go mod why PACKAGE", diff)
			}
		})
	}
}
