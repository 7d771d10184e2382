// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package programs finds the programs that tests need: the benchmarks that the engine has
// definitions for, which it tests, and a browser. What is not installed is fetched from Debian into the
// cache and unpacked there; nothing is installed.
package programs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/schedfleet/schedfleet/hack/internal/cache"
	"github.com/schedfleet/schedfleet/hack/internal/command"
)

// packages are Debian's, by the program.
var packages = map[string]string{
	"fio": "fio", "stress-ng": "stress-ng", "hackbench": "rt-tests", "cyclictest": "rt-tests",
	browser: browser,
}

const browser = "chromium-headless-shell"

// places are where programs are that usr/bin only has a script of, which starts what is installed.
var places = map[string]string{browser: "usr/lib/chromium/" + browser}

// ErrUnavailable is why a program cannot be had on this machine, whatever is done.
var ErrUnavailable = errors.New("the program is not to be had here")

// Browser is the path of a browser that runs without a screen: an installed one, or the fetched one.
func Browser(ctx context.Context) (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	return Find(ctx, browser)
}

// Find is the path of a program: the one in PATH, or a script in the cache that starts the fetched one.
func Find(ctx context.Context, name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	of, known := packages[name]
	if !known {
		return "", fmt.Errorf("%w: it is not in PATH, and Debian has no package of %s", ErrUnavailable, name)
	}
	base, err := cache.Dir("programs")
	if err != nil {
		return "", err
	}
	script := filepath.Join(base, of, "start", name)
	if _, err := os.Stat(script); err == nil {
		return script, nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", fmt.Errorf("%w: it is not in PATH, and packages are fetched on Debian only: %w", ErrUnavailable, err)
	}
	if err := fetch(ctx, base, of); err != nil {
		return "", fmt.Errorf("%w: it is not in PATH (package %s), and fetching it failed: %w", ErrUnavailable, of, err)
	}
	_, err = os.Stat(script)
	return script, err
}

// fetch unpacks a package and what it needs that is not installed. The result gets its
// name when all is there; one who was faster wins.
func fetch(ctx context.Context, base, name string) error {
	dir, err := os.MkdirTemp(base, "fetching.")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is gone, or of no use to anybody
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	all, err := needed(ctx, dir, name)
	if err != nil {
		return err
	}
	if _, err := command.Output(ctx, dir, "apt-get", append([]string{"-qq", "download"}, all...)...); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return err
	}
	for _, deb := range debs {
		if _, err := command.Output(ctx, dir, "dpkg-deb", "-x", deb, dir); err != nil {
			return err
		}
		if err := os.Remove(deb); err != nil {
			return err
		}
	}
	final := filepath.Join(base, name)
	if err := writeScripts(dir, final); err != nil {
		return err
	}
	if err := os.Rename(dir, final); err != nil {
		if _, there := os.Stat(final); there == nil {
			return nil
		}
		return err
	}
	return nil
}

// installed is a line of what apt-get would do.
var installed = regexp.MustCompile(`(?m)^Inst (\S+) `)

// needed are a package and those it needs that are not installed.
func needed(ctx context.Context, dir, name string) ([]string, error) {
	plan, err := command.Output(ctx, dir, "apt-get", "--simulate", "--no-install-recommends", "install", name)
	if err != nil {
		return nil, fmt.Errorf("%w (apt-get update may help)", err)
	}
	all := []string{name}
	for _, match := range installed.FindAllStringSubmatch(plan, -1) {
		if match[1] != name {
			all = append(all, match[1])
		}
	}
	return all, nil
}

// writeScripts makes a script for each program that was unpacked in dir, which is to
// become final: it starts the program with the libraries that came with it.
func writeScripts(dir, final string) error {
	libraries, err := librariesIn(dir)
	if err != nil {
		return err
	}
	for i := range libraries {
		libraries[i] = filepath.Join(final, libraries[i])
	}
	programs, err := filepath.Glob(filepath.Join(dir, "usr/bin/*"))
	if err != nil {
		return err
	}
	start := filepath.Join(dir, "start")
	if err := os.Mkdir(start, 0o755); err != nil {
		return err
	}
	for _, program := range programs {
		name := filepath.Base(program)
		place := filepath.Join("usr/bin", name)
		if at := places[name]; at != "" {
			place = at
		}
		text := fmt.Sprintf("#!/bin/sh\nexport LD_LIBRARY_PATH='%s'\nexec '%s' \"$@\"\n",
			strings.Join(libraries, ":"), filepath.Join(final, place))
		if err := os.WriteFile(filepath.Join(start, name), []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// librariesIn are the directories with shared libraries, relative to dir.
func librariesIn(dir string) ([]string, error) {
	var list []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.Contains(filepath.Base(path), ".so") {
			return err
		}
		relative, err := filepath.Rel(dir, filepath.Dir(path))
		if !slices.Contains(list, relative) {
			list = append(list, relative)
		}
		return err
	})
	return list, err
}
