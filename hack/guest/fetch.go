// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/hack/guest/internal/wire"
	"github.com/schedfleet/schedfleet/hack/internal/command"
)

const (
	// fetchTimeout is for a slow line.
	fetchTimeout = 10 * time.Minute
	keyring      = "/usr/share/keyrings/debian-archive-keyring.gpg"
)

// apt runs apt's commands with sources, lists and a cache of their own, below
// dir. Nothing is installed, and no privilege is needed. What the machine says
// about proxies holds.
type apt struct{ dir string }

func (a apt) run(ctx context.Context, name string, args ...string) (string, error) {
	options := []string{
		"-q",
		"-o", "Dir::Etc::SourceList=" + a.sources(),
		"-o", "Dir::Etc::SourceParts=/dev/null",
		"-o", "Dir::State::Lists=" + filepath.Join(a.dir, "lists"),
		"-o", "Dir::Cache=" + filepath.Join(a.dir, "cache"),
		"-o", "Acquire::Languages=none",
		"-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
		"-o", "APT::Sandbox::User=",
		"-o", "APT::Update::Error-Mode=any",
	}
	return command.Output(ctx, a.dir, name, append(options, args...)...)
}

func (a apt) sources() string { return filepath.Join(a.dir, "sources.list") }

// fetch puts the packages into dir. apt checks the archive's signature and,
// by it, every package.
func fetch(ctx context.Context, dir string, all []pin) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	for _, program := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("packages are fetched on Debian only: %w", err)
		}
	}
	if _, err := os.Stat(keyring); err != nil {
		return fmt.Errorf("the archive's signature cannot be checked, install debian-archive-keyring: %w", err)
	}
	mirror, err := machineMirror(ctx, dir)
	if err != nil {
		return err
	}
	a := apt{dir}
	if err := os.WriteFile(a.sources(), []byte(sourceList(mirror, all)), 0o644); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "lists/partial"), 0o755); err != nil {
		return err
	}
	if _, err := a.run(ctx, "apt-get", "update"); err != nil {
		return fmt.Errorf("reading the index of %s: %w", mirror, err)
	}
	if err := checkOffered(ctx, a, all); err != nil {
		return err
	}
	args := []string{"download"}
	for _, p := range all {
		args = append(args, p.name+"="+p.version)
	}
	if _, err := a.run(ctx, "apt-get", args...); err != nil {
		return fmt.Errorf("fetching packages from %s: %w", mirror, err)
	}
	return nil
}

// machineMirror asks apt where this machine gets Debian from.
func machineMirror(ctx context.Context, dir string) (string, error) {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	codename := releaseField(string(release), "VERSION_CODENAME")
	if id := releaseField(string(release), "ID"); id != "debian" {
		return "", fmt.Errorf("packages are fetched on Debian only, /etc/os-release says ID=%s", id)
	}
	out, err := command.Output(ctx, dir, "apt-get", "indextargets", "--no-release-info",
		"--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages")
	if err != nil {
		return "", fmt.Errorf("asking apt for its sources: %w", err)
	}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == codename && f[1] == "main" {
			return f[2], nil
		}
	}
	return "", fmt.Errorf("apt has no source for the component main of %s, whose mirror would be used", codename)
}

func releaseField(text, name string) string {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && k == name {
			return strings.Trim(v, `"`)
		}
	}
	return ""
}

// sourceList names each suite of the packages on one mirror.
func sourceList(mirror string, all []pin) string {
	var lines []string
	for _, p := range all {
		lines = append(lines, fmt.Sprintf("deb [arch=amd64 signed-by=%s] %s %s main\n", keyring, mirror, p.suite))
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "")
}

// checkOffered names the packages that the archive does not have any more,
// and what it has instead.
func checkOffered(ctx context.Context, a apt, all []pin) error {
	args := []string{"madison"}
	for _, p := range all {
		args = append(args, p.name)
	}
	out, err := a.run(ctx, "apt-cache", args...)
	if err != nil {
		return fmt.Errorf("asking for the versions in the archive: %w", err)
	}
	return missing(out, all)
}

// missing compares the pins with the output of "apt-cache madison", whose
// lines are " package | version | source".
func missing(madison string, all []pin) error {
	offered := map[string][]string{}
	for line := range strings.Lines(madison) {
		if f := strings.Split(line, "|"); len(f) == 3 {
			name := strings.TrimSpace(f[0])
			offered[name] = append(offered[name], strings.TrimSpace(f[1]))
		}
	}
	var errs []error
	for _, p := range all {
		if slices.Contains(offered[p.name], p.version) {
			continue
		}
		has := "no version of it"
		if len(offered[p.name]) > 0 {
			has = strings.Join(offered[p.name], ", ")
		}
		errs = append(errs, fmt.Errorf("the archive no longer has %s %s in %s, but %s: raise it in hack/guest/packages.txt",
			p.name, p.version, p.suite, has))
	}
	return errors.Join(errs...)
}

func checkSum(name, want string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s has the sha256 %s, packages.txt says %s", filepath.Base(name), got, want)
	}
	return nil
}

// networkModules are loaded in this order.
var networkModules = []string{"failover.ko.xz", "net_failover.ko.xz", "virtio_net.ko.xz"}

// unpack unpacks a package below tree; of the modules, several hundred
// megabytes in all, only those that are used.
func unpack(ctx context.Context, deb, tree string, p pin) error {
	if p.part != partNetwork {
		_, err := command.Output(ctx, filepath.Dir(tree), "dpkg-deb", "-x", deb, tree)
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = pick(out, tree, networkModules)
	if err == nil {
		_, err = io.Copy(io.Discard, out)
	}
	if err != nil {
		cancel() // nobody reads what it writes
		_ = cmd.Wait()
		return err
	}
	return cmd.Wait()
}

// pick takes the files of the given names out of an archive, wherever they are in it.
func pick(archive io.Reader, dir string, names []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	found := map[string]bool{}
	for r := tar.NewReader(bufio.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		name := path.Base(h.Name)
		if h.Typeflag != tar.TypeReg || !slices.Contains(names, name) {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
		found[name] = true
	}
	for _, name := range names {
		if !found[name] {
			return fmt.Errorf("it has no %s for %s", name, wire.ModuleDir)
		}
	}
	return nil
}
