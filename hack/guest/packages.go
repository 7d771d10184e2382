// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/schedfleet/schedfleet/hack/internal/cache"
)

// pins is the list of packages, a line each.
//
//go:embed packages.txt
var pins string

// ErrUnavailable is why a guest cannot be booted on this machine, whatever is
// asked for: its packages are not to be had. A test skips then.
var ErrUnavailable = errors.New("no guest can be booted here")

// part says what packages are for: those of the network are large, and are
// fetched when a guest wants a network.
type part string

const (
	partBase    part = "base"
	partNetwork part = "network"
)

// pin is a line of packages.txt.
type pin struct {
	part                               part
	name, version, suite, arch, sha256 string
}

// file is what apt-get download calls the package.
func (p pin) file() string {
	return fmt.Sprintf("%s_%s_%s.deb", p.name, strings.ReplaceAll(p.version, ":", "%3a"), p.arch)
}

func parsePins(text string) ([]pin, error) {
	var all []pin
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f) != 6 || (part(f[0]) != partBase && part(f[0]) != partNetwork) || len(f[5]) != sha256.Size*2 {
			return nil, fmt.Errorf("packages.txt: %q is not a part, package, version, suite, architecture and sha256", line)
		}
		all = append(all, pin{part(f[0]), f[1], f[2], f[3], f[4], f[5]})
	}
	return all, nil
}

// packages returns the directory that a part of the packages is unpacked in.
// The first call fetches them, which takes half a minute or so.
func packages(ctx context.Context, of part) (string, error) {
	if runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("%w: packages.txt has an emulator for amd64, this is %s", ErrUnavailable, runtime.GOARCH)
	}
	all, err := parsePins(pins)
	if err != nil {
		return "", err
	}
	all = slices.DeleteFunc(all, func(p pin) bool { return p.part != of })
	base, err := cache.Dir("guest")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Append(nil, all))
	out := filepath.Join(base, string(of)+"-"+hex.EncodeToString(sum[:4]))
	if _, err := os.Stat(out); err == nil {
		return out, nil
	}
	unlock, err := lock(ctx, filepath.Join(base, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(out); err == nil {
		return out, nil // another process was faster
	}
	return out, refusals.remember(of, func() error { return fetchInto(ctx, base, out, all) })
}

// refusals keep a test binary from asking the archive again for each of its tests.
var refusals memory

type memory struct {
	mu  sync.Mutex
	why map[part]error
}

func (m *memory) remember(of part, fetch func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.why[of]; err != nil {
		return err
	}
	err := fetch()
	if errors.Is(err, ErrUnavailable) && !errors.Is(err, context.Canceled) {
		m.why = map[part]error{of: err}
	}
	return err
}

// fetchInto fetches and unpacks, and gives the result its name when all is
// there. It is called with the lock held.
func fetchInto(ctx context.Context, base, out string, all []pin) error {
	left, _ := filepath.Glob(filepath.Join(base, "fetching.*")) // by someone who was killed
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	tmp, err := os.MkdirTemp(base, "fetching.")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // the next one does it, too
	fmt.Fprintf(os.Stderr, "guest: fetching %d Debian packages into %s, once\n", len(all), out)
	if err := fetch(ctx, tmp, all); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	for _, p := range all {
		if err := checkSum(filepath.Join(tmp, p.file()), p.sha256); err != nil {
			return err
		}
	}
	tree := filepath.Join(tmp, "tree")
	for _, p := range all {
		if err := unpack(ctx, filepath.Join(tmp, p.file()), tree, p); err != nil {
			return fmt.Errorf("unpacking %s: %w", p.file(), err)
		}
	}
	return os.Rename(tree, out)
}

// lock waits until no other process holds the lock, and takes it.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil //nolint:errcheck // it was only there to be locked
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("waiting for another process to fetch packages (%s): %w", path, ctx.Err()), f.Close())
		}
	}
}
