// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/arena"
	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// outputTimeout is how long what programs started may keep their output open when they
// are gone themselves.
const outputTimeout = time.Second

// defaultPath is PATH for programs that are given none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Program is a program that a worker became.
type Program struct {
	// Name is that under which it is offered, Path where it is, Digest its SHA-256.
	Name, Path, Digest string
	Exit               payload.Exit
	// Ran is how long it ran, in ns; 0 while it does.
	Ran            int64
	Stdout, Stderr *payload.Output
	// Cut says that its output was not waited for any longer: what it started has it open.
	Cut bool
	// Values are the figures found in its output, once the workers were stopped.
	Values []payload.Value
}

// program is a worker that becomes a program.
type program struct {
	work *work.Exec
	// group and index say which worker it is, worker is its number in the arena.
	group, index, worker int
	path, digest         string
	args, env            []string
	stdout, stderr       *pipe
	// values and cut are known when all output was collected.
	values []payload.Value
	cut    bool
}

// pipe is what a program writes to, and the goroutine that reads it.
type pipe struct {
	output      payload.Output
	read, write *os.File
	done        chan struct{} // closed when nothing more is read
	cut         bool          // before its end; for whoever has seen done
}

// programs are those of a run, in the order of their workers.
type programs []*program

// newPrograms finds the programs of a run, prepares what they are told, and opens their
// pipes. What it returns is to be closed, also with an error.
func newPrograms(cfg *Config, groups []bases) (all programs, err error) {
	digests := map[string]string{}
	for g := range cfg.Run.Groups {
		kind, ok := cfg.Run.Groups[g].Kind.(*work.Exec)
		if !ok {
			continue
		}
		path, err := cfg.find(kind.ProgramName(), digests)
		if err != nil {
			return all, fmt.Errorf("groups[%d].work.exec.program: %w", g, err)
		}
		for i := range cfg.Run.Groups[g].Workers {
			p := &program{work: kind, group: g, index: i, worker: groups[g].worker + i, path: path, digest: digests[path]}
			all = append(all, p)
			if err := p.prepare(&cfg.Run.Groups[g], cfg.Run.Run.Duration.D()); err != nil {
				return all, fmt.Errorf("groups[%d], worker %d: %w%s", g, i, err, limitHint(err))
			}
		}
	}
	return all, nil
}

// plan adds the programs to what the zygote is told, and what they write to behind the
// other files that it gets.
func (all programs) plan(p *plan, files []*os.File) []*os.File {
	p.Outputs = 2 * len(all)
	for _, a := range all {
		g := &p.Groups[a.group]
		g.Programs = append(g.Programs, programPlan{Path: a.path, Args: a.args, Env: a.env, Output: len(files)})
		files = append(files, a.stdout.write, a.stderr.write)
	}
	return files
}

// of is the program that a worker becomes, nil if it stays what it is.
func (all programs) of(worker int) *program {
	i, found := slices.BinarySearchFunc(all, worker, func(p *program, worker int) int { return cmp.Compare(p.worker, worker) })
	if !found {
		return nil
	}
	return all[i]
}

func (all programs) pipes(yield func(*pipe) bool) {
	for _, p := range all {
		for _, end := range []*pipe{p.stdout, p.stderr} {
			if end != nil && !yield(end) {
				return
			}
		}
	}
}

// started closes what only the programs are to have open.
func (all programs) started() error {
	var errs []error
	for p := range all.pipes {
		errs = append(errs, p.started())
	}
	return errors.Join(errs...)
}

// collect waits for the end of all output, and finds the figures in it.
func (all programs) collect() {
	deadline := time.Now().Add(outputTimeout)
	for p := range all.pipes {
		_ = p.read.SetReadDeadline(deadline) // it fails if it is closed, and then nobody reads
	}
	for _, p := range all {
		<-p.stdout.done
		<-p.stderr.done
		p.values = payload.Extract(p.work.Figures(), &p.stdout.output, &p.stderr.output)
		p.cut = p.stdout.cut || p.stderr.cut
	}
}

func (all programs) close() error {
	var errs []error
	for p := range all.pipes {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}

// find is the path of a program that may be executed, whose digest it notes.
func (cfg *Config) find(name string, digests map[string]string) (string, error) {
	path, offered := cfg.Programs[name]
	if !offered {
		return "", fmt.Errorf("no program %s is offered here", name)
	}
	if digests[path] != "" {
		return path, nil
	}
	if err := payload.Check(path); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	digest, err := payload.Digest(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	digests[path] = digest
	return path, nil
}

// prepare expands what the program is told and opens its pipes.
func (p *program) prepare(g *spec.ResolvedGroup, duration time.Duration) error {
	values := &payload.Values{Duration: duration, CPUs: g.Pool.Size(), Worker: p.index}
	p.args = []string{filepath.Base(p.path)}
	for i, arg := range p.work.Arguments() {
		text, err := payload.Expand(arg, values)
		if err != nil {
			return fmt.Errorf("args[%d]: %w", i, err)
		}
		p.args = append(p.args, text)
	}
	for i, v := range p.work.Env {
		text, err := payload.Expand(v.Value, values)
		if err != nil {
			return fmt.Errorf("env[%d]: %w", i, err)
		}
		p.env = append(p.env, v.Name+"="+text)
	}
	if !slices.ContainsFunc(p.work.Env, func(v work.EnvVar) bool { return v.Name == "PATH" }) {
		p.env = append(p.env, "PATH="+defaultPath)
	}
	owner := -1
	if g.UID != nil {
		owner = int(*g.UID)
	}
	var err error
	if p.stdout, err = newPipe(owner); err != nil {
		return err
	}
	p.stderr, err = newPipe(owner)
	return err
}

// newPipe opens a pipe and reads it until its end. The owner, -1 for ours, may open it once more
// by a name such as /dev/stdout.
func newPipe(owner int) (*pipe, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("opening a pipe for its output: %w", err)
	}
	err := unix.Fchown(ends[1], owner, -1)
	if err == nil {
		// A reader that does not block waits in Go's poller and not in a thread; what the
		// program has must block.
		err = unix.SetNonblock(ends[0], true)
	}
	p := &pipe{read: os.NewFile(uintptr(ends[0]), "output"), write: os.NewFile(uintptr(ends[1]), "output"), done: make(chan struct{})}
	go func() { // ends with the last writer, at the latest with close
		defer close(p.done)
		_, err := io.Copy(&p.output, p.read)
		p.cut = errors.Is(err, os.ErrDeadlineExceeded)
	}()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing a pipe for its output: %w", err), p.close())
	}
	return p, nil
}

// started closes what only the programs are to have.
func (p *pipe) started() error {
	if p.write == nil {
		return nil
	}
	err := p.write.Close()
	p.write = nil
	return err
}

func (p *pipe) close() error {
	err := errors.Join(p.started(), p.read.Close())
	<-p.done
	return err
}

// endPrograms gives programs the time to end by themselves that they are to have after a
// stop, and the stop signal to those that have not. Who hurries cuts it short.
func (h *Handle) endPrograms() {
	after := map[time.Duration][]*program{}
	for _, p := range h.programs {
		after[p.work.GraceTime()] = append(after[p.work.GraceTime()], p)
	}
	for _, grace := range slices.Sorted(maps.Keys(after)) {
		if h.reaper.waitUnless(h.hurried(), grace-time.Duration(sys.Monotonic()-h.stopped.Load())) {
			return
		}
		for _, p := range after[grace] {
			signal, _ := payload.Signal(p.work.Signal()) // it was validated
			h.reaper.tell(h.processOf[p.worker], signal)
		}
	}
}

// hurried is closed when programs have no more time; nil, which never is, without a Hold.
func (h *Handle) hurried() <-chan struct{} {
	if c := h.hurry.Load(); c != nil {
		return *c
	}
	return nil
}

// program is what there is to know of a worker that becomes a program.
func (h *Handle) program(p *program, w *Worker) *Program {
	ended := payload.Ended{Told: w.Exit.Told, Killed: w.Exit.Killed != NotKilled, Otherwise: w.Exit.String()}
	if w.Exit.Reaped {
		ended.Status = &w.Exit.Status
	}
	if w.Stage != arena.StageRunning {
		ended.NotExecuted = cmp.Or(w.Text, fmt.Sprintf("%s while %s", w.Exit, w.Stage))
	}
	out := &Program{
		Name: p.work.ProgramName(), Path: p.path, Digest: p.digest, Exit: payload.Classify(ended, p.work.Succeeded),
		Stdout: &p.stdout.output, Stderr: &p.stderr.output, Values: p.values, Cut: p.cut,
	}
	if w.Exit.Reaped && ended.NotExecuted == "" {
		out.Ran = w.Exit.At - w.Began
		h.charge(p.worker, w)
	}
	return out
}

// charge puts what the kernel says that a program used, with children it waited for, in the
// place of what was counted before the program began. Nobody watched it, so that no more is known.
func (h *Handle) charge(worker int, w *Worker) {
	for r := range w.Phases {
		if !h.arena.Block(worker).Entered(r) {
			continue
		}
		p := &w.Phases[r]
		before, used := p.Figures, &w.Exit.Usage
		p.CPUs = nil
		p.Figures = arena.Figures{
			Wall: w.Exit.At - w.Began, CPU: used.Utime.Nano() + used.Stime.Nano() - before.CPU,
			Voluntary: uint64(used.Nvcsw) - before.Voluntary, Involuntary: uint64(used.Nivcsw) - before.Involuntary,
		}
	}
}
