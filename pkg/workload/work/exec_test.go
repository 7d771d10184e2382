// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

func many[T any](n int, of func(i int) T) []T {
	var list []T
	for i := range n {
		list = append(list, of(i))
	}
	return list
}

func TestExecThatCannotBe(t *testing.T) {
	text := func(n int) func(int) string { return func(int) string { return strings.Repeat("x", n) } }
	variables := func(n int) []EnvVar { return many(n, func(i int) EnvVar { return EnvVar{Name: fmt.Sprint("V", i)} }) }
	for name, tc := range map[string]struct {
		exec Exec
		want string // "" for none
	}{
		"a program":                 {Exec{Program: "fio-3.40_a+b"}, ""},
		"a definition":              {Exec{Definition: "stress-ng"}, ""},
		"a definition's other name": {Exec{Definition: "fio", Program: "fio-3.40"}, ""},
		"all there can be":          {Exec{Program: "p", Args: many(64, text(1024)), Env: variables(64), Grace: new(quantity.Duration(time.Minute)), SuccessExitCodes: []int32{0, 255}}, ""},
		"nothing":                   {Exec{}, "program must be set where definition is not"},
		"no such definition":        {Exec{Definition: "Fio"}, `definition must be one of schbench, fio, stress-ng, hackbench, cyclictest, not "Fio"`},
		"a path":                    {Exec{Program: "/usr/bin/fio"}, `program must be a letter or digit, then letters`},
		"a long name":               {Exec{Program: strings.Repeat("p", 64)}, `at most 63 in all`},
		"too many arguments":        {Exec{Program: "p", Args: many(65, text(1))}, "args must be at most 64, not 65"},
		"too long an argument":      {Exec{Program: "p", Args: many(1, text(1025))}, "args[0] must have at most 1024 bytes and no zero byte"},
		"a zero byte":               {Exec{Program: "p", Args: []string{"a", "\x00"}}, "args[1] must have at most 1024 bytes and no zero byte"},
		"an unknown variable":       {Exec{Program: "p", Args: []string{"$(CPU)"}}, "args[0] is wrong: $(CPU) is not a variable"},
		"too much environment":      {Exec{Program: "p", Env: variables(65)}, "env must be at most 64, not 65"},
		"a variable without a name": {Exec{Program: "p", Env: []EnvVar{{}}}, "env[0].name must be a letter"},
		"a variable with a dash":    {Exec{Program: "p", Env: []EnvVar{{Name: "A-B"}}}, "env[0].name must be a letter"},
		"a variable twice":          {Exec{Program: "p", Env: []EnvVar{{Name: "A"}, {Name: "A"}}}, `env[1].name: "A" is already taken`},
		"too long a value":          {Exec{Program: "p", Env: []EnvVar{{Name: "A", Value: strings.Repeat("x", 4097)}}}, "env[0].value must have at most 4096 bytes"},
		"code for the program":      {Exec{Program: "p", Env: []EnvVar{{Name: "LD_PRELOAD", Value: "x"}}}, "env[0].name must not be LD_PRELOAD: a linker, C library or shell would load or run"},
		"code for its C library":    {Exec{Program: "p", Env: []EnvVar{{Name: "A"}, {Name: "GCONV_PATH", Value: "x"}}}, "env[1].name must not be GCONV_PATH"},
		"code for a script":         {Exec{Program: "p", Env: []EnvVar{{Name: "BASH_ENV", Value: "x"}}}, "env[0].name must not be BASH_ENV"},
		"commands for a script":     {Exec{Program: "p", Env: []EnvVar{{Name: "SHELLOPTS", Value: "xtrace"}}}, "env[0].name must not be SHELLOPTS"},
		"tunables for the program":  {Exec{Program: "p", Env: []EnvVar{{Name: "GLIBC_TUNABLES", Value: "x"}}}, "env[0].name must not be GLIBC_TUNABLES"},
		"no signal to stop with":    {Exec{Program: "p", StopSignal: "STOP"}, `stopSignal must be one of TERM, INT, QUIT, HUP, USR1, USR2, KILL, not "STOP"`},
		"a grace before the stop":   {Exec{Program: "p", Grace: new(quantity.Duration(-1))}, "grace must be 0s to 1m0s, not -1ns"},
		"too long a grace":          {Exec{Program: "p", Grace: new(quantity.Duration(time.Minute + 1))}, "grace must be 0s to 1m0s"},
		"too many exit codes":       {Exec{Program: "p", SuccessExitCodes: many(17, func(i int) int32 { return int32(i) })}, "successExitCodes must be at most 16, not 17"},
		"an exit code that is none": {Exec{Program: "p", SuccessExitCodes: []int32{0, 256}}, "successExitCodes[1] must be 0 to 255, not 256"},
		"an exit code twice":        {Exec{Program: "p", SuccessExitCodes: []int32{3, 3}}, "successExitCodes[1]: 3 is there already"},
		"a metric that cannot be":   {Exec{Program: "p", Metrics: []ExecMetric{{Name: "m"}}}, `metrics[0].from must be Stdout or Stderr, not ""`},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.exec.Validate()
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// What is given takes the place of the definition's.
func TestExecTakesWhatItIsGiven(t *testing.T) {
	fio := payload.Find("fio")
	plain := Exec{Definition: "fio"}
	if plain.ProgramName() != "fio" || !slices.Equal(plain.Arguments(), fio.Args) || plain.Signal() != "INT" || len(plain.Figures()) != len(fio.Metrics) ||
		plain.GraceTime() != 2*time.Second || !plain.Succeeded(0) || plain.Succeeded(1) {
		t.Errorf("of the definition: %s %q, SIG%s after %v, %d metrics", plain.ProgramName(), plain.Arguments(), plain.Signal(), plain.GraceTime(), len(plain.Figures()))
	}
	own := Exec{
		Definition: "fio", Program: "fio3", Args: []string{"job"}, StopSignal: "QUIT", Grace: new(quantity.Duration(0)), SuccessExitCodes: []int32{1}, Metrics: []ExecMetric{{Name: "m"}},
	}
	if own.ProgramName() != "fio3" || !slices.Equal(own.Arguments(), own.Args) || own.Signal() != "QUIT" || len(own.Figures()) != 1 || own.GraceTime() != 0 || own.Succeeded(0) || !own.Succeeded(1) {
		t.Errorf("of its own: %s %q, SIG%s after %v, %d metrics", own.ProgramName(), own.Arguments(), own.Signal(), own.GraceTime(), len(own.Figures()))
	}
	if bare := (Exec{Program: "p"}); bare.Signal() != "TERM" || bare.Arguments() != nil || bare.Figures() != nil {
		t.Errorf("of neither: SIG%s, %q, %v", bare.Signal(), bare.Arguments(), bare.Figures())
	}
}

func TestProgramsThatCannotBePrepared(t *testing.T) {
	p, err := NewProgram("/bin/true", []string{"true"}, []string{"A=b"})
	if err != nil || p.failure(sys.Errno(2)) != "executing /bin/true: no such file or directory" || !strings.HasPrefix(p.failure(sys.Errno(9999)), "executing /bin/true: ") {
		t.Errorf("%v: %q, %q", err, p.failure(2), p.failure(9999))
	}
	for _, args := range [][3]string{{"\x00", "a", "A=b"}, {"/bin/true", "\x00", "A=b"}, {"/bin/true", "a", "\x00"}} {
		if _, err := NewProgram(args[0], []string{args[1]}, []string{args[2]}); err == nil {
			t.Errorf("%q was prepared", args)
		}
	}
}
