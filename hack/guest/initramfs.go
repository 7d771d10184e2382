// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// File types, as they stand in the archive's mode.
const (
	typeDir     = 0o040000
	typeFile    = 0o100000
	typeSymlink = 0o120000
)

// archive writes an initramfs: a cpio archive of the format the kernel calls
// newc. Nothing is compressed, which under emulation would cost more than it saves.
type archive struct {
	w    *bufio.Writer
	dirs map[string]bool // written so far
	off  int
	err  error // the first one; nothing is written after it
}

func newArchive(w io.Writer) *archive {
	return &archive{w: bufio.NewWriterSize(w, 1<<20), dirs: map[string]bool{}}
}

// close ends the archive.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, 0, strings.NewReader(""))
	return errors.Join(a.err, a.w.Flush())
}

// file adds a file of the host at name in the guest, with its mode, or a
// directory with all below it.
func (a *archive) file(name, source string) {
	a.fail(filepath.WalkDir(source, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(source, p)
		if err != nil {
			return err
		}
		return a.copy(path.Join(name, filepath.ToSlash(below)), p)
	}))
}

// copy adds one file, link or directory.
func (a *archive) copy(name, source string) error {
	f, err := os.Open(source) // follows a link: what it names is meant
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		a.dir(name)
	case info.Mode().IsRegular():
		a.dir(path.Dir(name))
		a.entry(name, typeFile|int(info.Mode().Perm()), info.Size(), f)
	default:
		return fmt.Errorf("%s is a %v: only files and directories go into a guest", source, info.Mode().Type())
	}
	return nil
}

// text adds a file with the given content.
func (a *archive) text(name, content string) {
	a.dir(path.Dir(name))
	a.entry(name, typeFile|0o644, int64(len(content)), strings.NewReader(content))
}

func (a *archive) symlink(name, target string) {
	a.dir(path.Dir(name))
	a.entry(name, typeSymlink|0o777, int64(len(target)), strings.NewReader(target))
}

// dir adds a directory and those above it, each once.
func (a *archive) dir(name string) {
	name = strings.Trim(path.Clean(name), "/")
	if name == "" || name == "." || a.dirs[name] {
		return
	}
	a.dir(path.Dir(name))
	a.dirs[name] = true
	a.entry(name, typeDir|0o755, 0, strings.NewReader(""))
}

func (a *archive) entry(name string, mode int, size int64, content io.Reader) {
	if a.err != nil {
		return
	}
	name = strings.TrimPrefix(path.Clean(name), "/")
	if size > 1<<32-1 {
		a.err = fmt.Errorf("%s has %d bytes, more than an initramfs can hold", name, size)
		return
	}
	// magic, inode, mode, uid, gid, links, mtime, size, devices (4), name, checksum
	a.print("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		0, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0, name)
	a.pad()
	n, err := io.Copy(a.w, io.LimitReader(content, size))
	a.off += int(n)
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		a.fail(fmt.Errorf("copying %s into the initramfs: %w", name, err))
		return
	}
	a.pad()
}

func (a *archive) print(format string, args ...any) {
	n, err := fmt.Fprintf(a.w, format, args...)
	a.off += n
	a.fail(err)
}

// pad fills up to a multiple of four bytes.
func (a *archive) pad() {
	a.print("%s", strings.Repeat("\x00", -a.off&3))
}

func (a *archive) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}
