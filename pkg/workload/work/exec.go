// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// Bounds of what a program is told.
const (
	maxExecArgs    = 64
	maxExecArg     = 1024
	maxExecEnv     = 64
	maxExecEnvName = 255
	maxExecValue   = 4096
	maxExecCodes   = 16
	// maxGrace bounds how long a program may take to end by itself.
	maxGrace = time.Minute

	defaultGrace = 2 * time.Second
)

// Exec turns each worker into a program that the node offers, at the common start. The program
// keeps the worker's cgroup, affinity, policies, credentials and name of the process group, and
// counts for itself: metrics say where its figures are.
type Exec struct {
	// Definition is a name of payload.Definitions. What else is set replaces what it says.
	Definition string `json:"definition,omitempty"`
	// Program is the name under which a node offers the program.
	Program string   `json:"program,omitempty"`
	Args    []string `json:"args,omitempty"`
	Env     []EnvVar `json:"env,omitempty"`
	// StopSignal is TERM where neither this nor the definition says another.
	StopSignal string `json:"stopSignal,omitempty"`
	// Grace is how long after the common stop the program may take to end by itself.
	Grace            *quantity.Duration `json:"grace,omitempty"`
	SuccessExitCodes []int32            `json:"successExitCodes,omitempty"`
	Metrics          []ExecMetric       `json:"metrics,omitempty"`
}

// EnvVar is a variable of a program's environment.
type EnvVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ExecMetric says where a figure is in what a program writes.
type ExecMetric = payload.Metric

// Name implements Kind.
func (*Exec) Name() string { return "exec" }

// Shape implements Kind.
func (*Exec) Shape() Shape {
	return Shape{
		SetSize: 1, ForkOnly: "a program takes the place of the worker's whole process", Opens: Opens{Output: true}, Progress: ProgressCPU,
	}
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Validate implements Kind.
func (k *Exec) Validate() error {
	if k.Definition != "" && payload.Find(k.Definition) == nil {
		return fmt.Errorf("definition must be one of %s, not %q", strings.Join(payload.Names(), ", "), k.Definition)
	}
	if k.ProgramName() == "" {
		return errors.New("program must be set where definition is not")
	}
	if err := payload.ValidateName(k.ProgramName()); err != nil {
		return fmt.Errorf("program %w; it is the name under which nodes offer it, and no path", err)
	}
	if _, known := payload.Signal(k.Signal()); !known {
		return fmt.Errorf("stopSignal must be one of %s, not %q", strings.Join(payload.Signals(), ", "), k.StopSignal)
	}
	if g := k.GraceTime(); g < 0 || g > maxGrace {
		return fmt.Errorf("grace must be 0s to %v, not %v", maxGrace, g)
	}
	return cmp.Or(k.validateArgs(), k.validateEnv(), k.validateCodes(), payload.ValidateMetrics(k.Metrics))
}

func (k *Exec) validateArgs() error {
	if len(k.Args) > maxExecArgs {
		return fmt.Errorf("args must be at most %d, not %d", maxExecArgs, len(k.Args))
	}
	for i, arg := range k.Args {
		if err := validText(arg, maxExecArg); err != nil {
			return fmt.Errorf("args[%d] %w", i, err)
		}
	}
	return nil
}

// validText checks a text that a program is given.
func validText(text string, most int) error {
	if len(text) > most || strings.ContainsRune(text, 0) {
		return fmt.Errorf("must have at most %d bytes and no zero byte", most)
	}
	_, err := payload.Expand(text, &payload.Values{})
	if err != nil {
		return fmt.Errorf("is wrong: %w", err)
	}
	return nil
}

// loaders are variables, besides those of the dynamic linker, by which glibc and bash load or run
// code, whatever the program is: what a node offers may be a script.
var loaders = []string{"GLIBC_TUNABLES", "GCONV_PATH", "BASH_ENV", "SHELLOPTS"}

func (k *Exec) validateEnv() error {
	if len(k.Env) > maxExecEnv {
		return fmt.Errorf("env must be at most %d, not %d", maxExecEnv, len(k.Env))
	}
	seen := map[string]bool{}
	for i, v := range k.Env {
		switch {
		case len(v.Name) > maxExecEnvName || !variable.MatchString(v.Name):
			return fmt.Errorf("env[%d].name must be a letter or '_', then letters, digits and '_', at most %d in all, not %q", i, maxExecEnvName, v.Name)
		case seen[v.Name]:
			return fmt.Errorf("env[%d].name: %q is already taken", i, v.Name)
		case strings.HasPrefix(v.Name, "LD_") || slices.Contains(loaders, v.Name):
			return fmt.Errorf("env[%d].name must not be %s: a linker, C library or shell would load or run what the node does not offer", i, v.Name)
		}
		if err := validText(v.Value, maxExecValue); err != nil {
			return fmt.Errorf("env[%d].value %w", i, err)
		}
		seen[v.Name] = true
	}
	return nil
}

func (k *Exec) validateCodes() error {
	if len(k.SuccessExitCodes) > maxExecCodes {
		return fmt.Errorf("successExitCodes must be at most %d, not %d", maxExecCodes, len(k.SuccessExitCodes))
	}
	for i, code := range k.SuccessExitCodes {
		if code < 0 || code > 255 {
			return fmt.Errorf("successExitCodes[%d] must be 0 to 255, not %d", i, code)
		}
		if slices.Contains(k.SuccessExitCodes[:i], code) {
			return fmt.Errorf("successExitCodes[%d]: %d is there already", i, code)
		}
	}
	return nil
}

// definition is what is known of the program; nothing, where none is named.
func (k *Exec) definition() payload.Definition {
	if d := payload.Find(k.Definition); d != nil {
		return *d
	}
	return payload.Definition{}
}

// ProgramName is the name under which a node is to offer the program.
func (k *Exec) ProgramName() string { return cmp.Or(k.Program, k.definition().Name) }

// Arguments are those of the program, without its name, and with variables in them.
func (k *Exec) Arguments() []string {
	if len(k.Args) > 0 {
		return k.Args
	}
	return k.definition().Args
}

// Signal is the name of the signal that ends the program.
func (k *Exec) Signal() string { return cmp.Or(k.StopSignal, k.definition().StopSignal, "TERM") }

// GraceTime is how long the program may take to end by itself.
func (k *Exec) GraceTime() time.Duration {
	if k.Grace == nil {
		return defaultGrace
	}
	return k.Grace.D()
}

// Succeeded says whether an exit code is one of success.
func (k *Exec) Succeeded(code int) bool {
	if len(k.SuccessExitCodes) == 0 {
		return code == 0
	}
	return slices.Contains(k.SuccessExitCodes, int32(code))
}

// Figures say where the program's figures are.
func (k *Exec) Figures() []ExecMetric {
	if len(k.Metrics) > 0 {
		return k.Metrics
	}
	return k.definition().Metrics
}

// Run implements Kind.
func (*Exec) Run(w *Worker) {
	if w.Stopped() {
		w.Leave("the run was over before its program could begin")
		return
	}
	// What the worker has used so far is no part of what its program uses.
	w.before = account{}
	w.publish()
	w.Leave(w.Program.failure(w.Program.exec.RawExec()))
}

// Program is what a worker turns into, with all that has to be there before the fork.
type Program struct {
	exec *sys.Program
	// failures say for each errno that the program cannot be executed.
	failures [lastErrno + 1]string
}

const lastErrno = 133

// NewProgram prepares a program; see sys.NewProgram.
func NewProgram(path string, args, env []string) (*Program, error) {
	p := &Program{}
	for errno := range p.failures {
		p.failures[errno] = fmt.Sprintf("executing %s: %v", path, sys.Errno(errno))
	}
	var err error
	p.exec, err = sys.NewProgram(path, args, env)
	return p, err
}

func (p *Program) failure(errno sys.Errno) string { return p.failures[min(errno, lastErrno)] }

// Words is how many bytes its arguments and environment are.
func (k *Exec) Words() int {
	n := 0
	for _, arg := range k.Args {
		n += len(arg)
	}
	for _, v := range k.Env {
		n += len(v.Name) + len(v.Value)
	}
	return n
}
