// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/check"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
	"github.com/schedfleet/schedfleet/pkg/workload/spawn"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// The test binary is its own runner and zygote.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && (os.Args[1] == runner.Command || os.Args[1] == spawn.ZygoteCommand) {
		os.Exit(runner.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// Each program, called as its definition says, ends by itself, and writes every figure that the definition
// names where it looks for it.
func TestDefinitionsWithTheirPrograms(t *testing.T) {
	absent := map[string][]string{"fio": {"writeP50", "writeP99", "writeP999"}} // it only reads
	for _, d := range payload.Definitions() {
		t.Run(d.Name, func(t *testing.T) {
			path, err := Find(t.Context(), d.Name)
			if errors.Is(err, ErrUnavailable) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			job := runner.Job{
				RunID: fmt.Sprintf("definition-%s-%d", d.Name, os.Getpid()), Policy: &spec.Policy{Programs: map[string]string{d.Name: path}},
				Run: spec.Run{Duration: quantity.Duration(2 * time.Second), Groups: []spec.Group{{
					Name: "g", Workers: 1, CloneMode: spec.CloneModeFork,
					// A machine that tests other things at the same time is slow.
					Work: work.Spec{Exec: &work.Exec{Definition: d.Name, Grace: new(quantity.Duration(time.Minute))}},
				}}},
			}
			rep, err := runner.Client{Path: "/proc/self/exe", Stderr: os.Stderr}.Run(t.Context(), job, nil)
			if err != nil {
				t.Fatal(err)
			}
			p := rep.Groups[0].Programs[0]
			if v := check.Sample(rep); !v.Valid || p.Exit.Class != payload.Succeeded {
				t.Fatalf("judged %+v; %+v", v, p)
			}
			var missing []string
			for _, m := range p.Metrics {
				if m.Value == nil {
					missing = append(missing, m.Name)
				}
			}
			if fmt.Sprint(missing) != fmt.Sprint(absent[d.Name]) || len(p.Metrics) != len(d.Metrics) {
				t.Errorf("missing are %q, want %q: %+v\n%s\n%s", missing, absent[d.Name], p.Metrics, p.Stdout, p.Stderr)
			}
		})
	}
}

func TestAProgramThatNobodyHas(t *testing.T) {
	if path, err := Find(t.Context(), "no-such-program"); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "Debian has no package") {
		t.Errorf("found %q, %v", path, err)
	}
}
