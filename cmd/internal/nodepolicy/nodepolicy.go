// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package nodepolicy reads from a file or from flags what the owner of a machine lets
// runs do on it.
package nodepolicy

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// Bounds of the API on what a node publishes.
const (
	maxPrograms = 64
	maxDevices  = 64
	maxDevice   = 255
)

// fileFlag names the file that says the same as the other flags, and more.
const fileFlag = "policy-file"

// Flags are the flags of a policy.
type Flags struct {
	dangerous         bool
	hotplug           bool
	programs, devices list
	scratch, file     string
}

// Register adds the flags to a set. Without any of them a policy allows nothing.
func Register(to *flag.FlagSet) *Flags {
	f := &Flags{}
	to.StringVar(&f.file, fileFlag, "", "`file` that says what runs may do on this machine, instead of the flags --allow-... and --scratch-dir")
	to.BoolVar(&f.dangerous, "allow-dangerous-work", false, "let runs do work that can harm what else runs on this machine, if they say so, too")
	to.BoolVar(&f.hotplug, "allow-cpu-hotplug", false, "let runs take CPUs of this machine offline; they are brought back when the run ends")
	to.Var(&f.programs, "allow-program", "`NAME=PATH` of a program that runs may execute; may be repeated")
	to.Var(&f.devices, "allow-device", "`path` of a block device whose content runs may destroy; may be repeated")
	to.StringVar(&f.scratch, "scratch-dir", "", "`directory` for files that runs write and read (default: that for temporary files)")
	return f
}

// Policy is what the flags or the file say. An error names the flag, or the file
// and its member.
func (f *Flags) Policy() (*spec.Policy, error) {
	if f.file == "" {
		return f.fromFlags()
	}
	others := f.given()
	// Which of the two holds would have to be remembered by everybody.
	if len(others) > 0 {
		return nil, fmt.Errorf("--%s says all that runs may do: leave out %s", fileFlag, strings.Join(others, ", "))
	}
	p, err := read(f.file)
	if err != nil {
		return nil, fmt.Errorf("--%s %s: %w", fileFlag, f.file, err)
	}
	return p, nil
}

// given are the flags that say something themselves.
func (f *Flags) given() []string {
	var names []string
	for name, given := range map[string]bool{
		"--allow-dangerous-work": f.dangerous, "--allow-cpu-hotplug": f.hotplug, "--allow-program": len(f.programs) > 0,
		"--allow-device": len(f.devices) > 0, "--scratch-dir": f.scratch != "",
	} {
		if given {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (f *Flags) fromFlags() (*spec.Policy, error) {
	p := &spec.Policy{DangerousWork: f.dangerous, CPUHotplug: f.hotplug, Scratch: f.scratch}
	if len(f.programs) > maxPrograms || len(f.devices) > maxDevices {
		return nil, fmt.Errorf("--allow-program and --allow-device may be given %d times each", maxPrograms)
	}
	for _, text := range f.programs {
		name, path, err := program(text)
		if err != nil {
			return nil, fmt.Errorf("--allow-program %s: %w", text, err)
		}
		if p.Programs[name] != "" {
			return nil, fmt.Errorf("--allow-program %s: there is a program %s already", text, name)
		}
		if p.Programs == nil {
			p.Programs = map[string]string{}
		}
		p.Programs[name] = path
	}
	for _, path := range f.devices {
		if err := device(path); err != nil {
			return nil, fmt.Errorf("--allow-device %s: %w", path, err)
		}
		if !slices.Contains(p.Devices, path) {
			p.Devices = append(p.Devices, path)
		}
	}
	if err := directory(f.scratch); err != nil {
		return nil, fmt.Errorf("--scratch-dir %s: %w", f.scratch, err)
	}
	return p, nil
}

func program(text string) (name, path string, err error) {
	name, path, found := strings.Cut(text, "=")
	if !found {
		return "", "", errors.New("must be NAME=PATH, such as fio=/usr/bin/fio")
	}
	if err := payload.ValidateName(name); err != nil {
		return "", "", fmt.Errorf("the name %w", err)
	}
	return name, path, payload.Check(path)
}

func device(path string) error {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path || len(path) > maxDevice {
		return fmt.Errorf("must be an absolute path of at most %d bytes without anything to leave out, such as /dev/vdb", maxDevice)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeDevice {
		return fmt.Errorf("is no block device (mode %v)", info.Mode())
	}
	return nil
}

func directory(path string) error {
	if path == "" {
		return nil
	}
	if !filepath.IsAbs(path) {
		return errors.New("must be an absolute path")
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return errors.New("is no directory")
	}
	return nil
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(text string) error {
	*l = append(*l, text)
	return nil
}
