// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodepolicy

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/pkg/workload/payload"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// maxFile bounds what is read.
const maxFile = 1 << 20

// read is the policy in a file. What is not known in it is an error: a bound with a
// typing error would be none.
func read(path string) (*spec.Policy, error) {
	text, err := trusted(path)
	if err != nil {
		return nil, err
	}
	p := &spec.Policy{}
	if err := yaml.UnmarshalStrict(text, p); err != nil {
		return nil, err
	}
	return p, check(p)
}

// trusted reads a file that nobody but its owner can have written, who is root or
// the caller.
func trusted(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return nil, errors.New("is no file")
	case info.Mode().Perm()&0o022 != 0:
		return nil, fmt.Errorf("others can write to it (mode %#o); chmod go-w it", info.Mode().Perm())
	case !ok || stat.Uid != 0 && int(stat.Uid) != os.Geteuid():
		return nil, errors.New("it belongs to another user, who could change it")
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("holds more than %d bytes", maxFile)
	}
	return text, err
}

// check is what flags are checked for one by one.
func check(p *spec.Policy) error {
	if len(p.Programs) > maxPrograms || len(p.Devices) > maxDevices {
		return fmt.Errorf("programs and devices may have %d entries each", maxPrograms)
	}
	for name, path := range p.Programs {
		if err := payload.ValidateName(name); err != nil {
			return fmt.Errorf("programs: %q: the name %w", name, err)
		}
		if err := payload.Check(path); err != nil {
			return fmt.Errorf("programs: %s: %w", name, err)
		}
	}
	for i, path := range p.Devices {
		if err := device(path); err != nil {
			return fmt.Errorf("devices[%d]: %s: %w", i, path, err)
		}
	}
	if err := directory(p.Scratch); err != nil {
		return fmt.Errorf("scratch: %s: %w", p.Scratch, err)
	}
	return p.Validate()
}
