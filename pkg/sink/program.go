// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Program is the name of the binary that speaks to object stores.
const Program = "schedfleet-sink"

// What Program is told as its first argument; the second is the URL of an object. Create
// reads it on standard input, Read writes it on standard output.
const (
	CommandCreate = "create"
	CommandRead   = "read"
)

// How Program ends, beside 0. What it says of an error is on standard error.
const (
	ExitFailed   = 1
	ExitUsage    = 2
	ExitExists   = 3
	ExitNotThere = 4
	ExitChanged  = 5
)

const (
	// maxComplaint bounds what is kept of what Program says.
	maxComplaint = 4 << 10
	// killGrace bounds the wait for the output of a process that was killed.
	killGrace = time.Second
)

// program is a store behind Program.
type program struct {
	path string
	at   location
}

func newProgram(at location) (*program, error) {
	path, err := findProgram()
	if err != nil {
		return nil, err
	}
	return &program{path: path, at: at}, nil
}

// findProgram looks beside this binary, then in PATH.
func findProgram() (string, error) {
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), Program)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath(Program)
	if err != nil {
		return "", fmt.Errorf("object stores need the program %s beside this binary or in PATH: %w", Program, err)
	}
	return path, nil
}

// create implements store.
func (p *program) create(ctx context.Context, name string, data []byte) error {
	_, err := p.run(ctx, CommandCreate, name, data)
	return err
}

// read implements store.
func (p *program) read(ctx context.Context, name string) ([]byte, error) {
	return p.run(ctx, CommandRead, name, nil)
}

func (p *program) run(ctx context.Context, command, name string, stdin []byte) ([]byte, error) {
	cmd := exec.CommandContext(ctx, p.path, command, p.at.join(name).String())
	out, complaint := &bounded{limit: MaxBytes}, &bounded{limit: maxComplaint}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), out, complaint
	cmd.WaitDelay = killGrace
	err := cmd.Run()
	said := strings.TrimSpace(complaint.text.String())
	var exit *exec.ExitError
	switch {
	case err == nil && out.over:
		return nil, fmt.Errorf("it is larger than %d bytes, so it is no report", MaxBytes)
	case err == nil:
		return out.text.Bytes(), nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("the object store does not answer: %w", context.Cause(ctx))
	case !errors.As(err, &exit):
		return nil, fmt.Errorf("running %s: %w", p.path, err)
	case exit.ExitCode() == ExitExists:
		return nil, fs.ErrExist
	case exit.ExitCode() == ExitNotThere:
		return nil, fmt.Errorf("there is no such object or bucket: %w", fs.ErrNotExist)
	case exit.ExitCode() == ExitChanged:
		return nil, ErrDigest
	case said != "":
		return nil, errors.New(said)
	}
	return nil, fmt.Errorf("%s ended without a word: %w", p.path, err)
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	text  bytes.Buffer
	limit int
	over  bool
}

// Write implements io.Writer. It takes everything, so that the writer comes to its end.
func (b *bounded) Write(p []byte) (int, error) {
	keep := min(len(p), b.limit-b.text.Len())
	b.text.Write(p[:keep])
	b.over = b.over || keep < len(p)
	return len(p), nil
}
