// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/schedfleet/schedfleet/cmd/internal/sibling"
	"github.com/schedfleet/schedfleet/pkg/workload/runner"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"schedfleet":   func() { os.Exit(execute(os.Args[1:])) },
		sibling.Runner: func() { os.Exit(runner.Main(os.Args[1:])) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Condition: func(cond string) (bool, error) {
			return cond == "root" && os.Geteuid() == 0, nil
		},
	})
}

func TestSamplesAreValid(t *testing.T) {
	samples, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil || len(samples) < 3 {
		t.Fatalf("samples %q, %v", samples, err)
	}
	for _, path := range samples {
		w, err := loadWorkload(t.Context(), path, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if want := strings.TrimSuffix(filepath.Base(path), ".yaml"); w.Name != want {
			t.Errorf("%s is the Workload %s", path, w.Name)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want int
	}{
		"a good call":              {[]string{"version"}, 0},
		"an unknown flag":          {[]string{"run", "--bogus", "x"}, exitBadCall},
		"a file that is not there": {[]string{"run", "/nonexistent"}, exitBadCall},
		"no file":                  {[]string{"validate"}, exitBadCall},
		"a machine that is not":    {[]string{"topo", "--root", t.TempDir()}, exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			if got := execute(tc.args); got != tc.want {
				t.Errorf("exit code %d, want %d", got, tc.want)
			}
		})
	}
}
