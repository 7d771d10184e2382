// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
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
