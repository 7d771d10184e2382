// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/sys/unix"
)

const maxName = 63

var programName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)

// ValidateName checks a name under which a program is offered.
func ValidateName(name string) error {
	if len(name) > maxName || !programName.MatchString(name) {
		return fmt.Errorf("must be a letter or digit, then letters, digits, '.', '_', '+' and '-', at most %d in all, not %q", maxName, name)
	}
	return nil
}

// Check says why a path must not be offered to runs: it has to lead to an
// executable file that nobody but its owner's group can replace, nor a link that the path ends with.
func Check(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%q is no absolute path", path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(real)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("%s is no executable file", real)
	}
	if err := unix.Access(real, unix.X_OK); err != nil {
		return fmt.Errorf("%s cannot be executed: %w", real, err)
	}
	if err := closed(real, info); err != nil {
		return err
	}
	link := filepath.Dir(path)
	if info, err = os.Stat(link); err != nil {
		return err
	}
	return closed(link, info)
}

// closed says whether only its owner can change a file, or put another in its place.
func closed(path string, info os.FileInfo) error {
	for {
		sticky := info.IsDir() && info.Mode()&os.ModeSticky != 0 // only owners replace what is in it
		if info.Mode().Perm()&0o002 != 0 && !sticky {
			return fmt.Errorf("others can write to %s (mode %v): take that right away", path, info.Mode())
		}
		if path == filepath.Dir(path) {
			return nil
		}
		path = filepath.Dir(path)
		var err error
		if info, err = os.Stat(path); err != nil {
			return err
		}
	}
}

// Digest is the SHA-256 of a program's file, in hexadecimal.
func Digest(path string) (digest string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
