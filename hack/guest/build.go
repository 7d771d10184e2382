// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/schedfleet/schedfleet/hack/guest/internal/wire"
	"github.com/schedfleet/schedfleet/hack/internal/command"
)

const module = "github.com/schedfleet/schedfleet"

// Build builds a command of this module for a guest, which has no libraries:
// a static binary in dir.
func Build(ctx context.Context, pkg, dir string) (string, error) {
	out := filepath.Join(dir, path.Base(pkg))
	return out, goBuild(ctx, "build", "-trimpath", "-o", out, pkg)
}

// testTag is the build tag of tests that make sense in a guest only.
const testTag = "guest"

// BuildTest builds the tests of a package as a static binary in dir, those in
// files with the build tag guest included.
func BuildTest(ctx context.Context, pkg, dir string) (string, error) {
	out := filepath.Join(dir, path.Base(pkg)+".test")
	return out, goBuild(ctx, "test", "-c", "-tags", testTag, "-o", out, pkg)
}

func goBuild(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// initramfs makes what the guest finds as its root: our init and its job, the
// tools, and the files asked for. The file has no name any more, so that
// nothing is left whatever happens.
func initramfs(ctx context.Context, base string, cfg *Config) (_ *os.File, err error) {
	dir, err := os.MkdirTemp("", "schedfleet-guest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is in the directory for temporary files
	program, err := Build(ctx, module+"/hack/guest/init", dir)
	if err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(dir, "initramfs"))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close() //nolint:errcheck // the error that counts is another
		}
	}()
	a := newArchive(f)
	a.file("/init", program)
	if err := addTools(ctx, a, base); err != nil {
		return nil, err
	}
	if err := addJob(ctx, a, cfg); err != nil {
		return nil, err
	}
	for name, source := range cfg.Files {
		a.file(name, source)
	}
	if err := a.close(); err != nil {
		return nil, fmt.Errorf("writing the initramfs: %w", err)
	}
	return f, nil
}

// addTools adds busybox under each of its names.
func addTools(ctx context.Context, a *archive, base string) error {
	found, err := glob(base, "bin/busybox", "usr/bin/busybox")
	if err != nil {
		return err
	}
	names, err := command.Output(ctx, base, found, "--list")
	if err != nil {
		return err
	}
	a.file("/bin/busybox", found)
	for name := range strings.FieldsSeq(names) {
		if name != "busybox" {
			a.symlink("/bin/"+name, "busybox")
		}
	}
	return nil
}

// addJob adds what init is to do, and the modules that takes.
func addJob(ctx context.Context, a *archive, cfg *Config) error {
	job := wire.Job{
		Hostname: cfg.Hostname, Network: cfg.Network,
		Command: cfg.Command, Env: cfg.Env, Dir: cfg.Dir,
	}
	if cfg.Network {
		dir, err := packages(ctx, partNetwork)
		if err != nil {
			return err
		}
		job.Modules = networkModules
		for _, m := range networkModules {
			a.file(path.Join(wire.ModuleDir, m), filepath.Join(dir, m))
		}
	}
	a.dir(cfg.Dir)
	text, err := job.Encode()
	if err != nil {
		return err
	}
	a.text(wire.JobPath, text)
	return nil
}

// glob finds the one file below dir that matches one of the patterns.
func glob(dir string, patterns ...string) (string, error) {
	for _, p := range patterns {
		if found, _ := filepath.Glob(filepath.Join(dir, p)); len(found) == 1 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("the packages unpacked in %s have no single %s: remove the directory to have them fetched again",
		dir, strings.Join(patterns, " or "))
}
