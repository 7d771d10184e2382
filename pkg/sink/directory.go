// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	dirMode  = 0o755
	fileMode = 0o644
	// tempPrefix begins the name of a file that is not whole yet.
	tempPrefix = ".part-"
)

// directory is a store on a file system.
type directory struct {
	top string
	// busy has room for one call: a file system that does not answer, as NFS can be,
	// holds up one goroutine and no more.
	busy chan struct{}
}

func newDirectory(top string) *directory {
	return &directory{top: top, busy: make(chan struct{}, 1)}
}

// create implements store. A file is written beside its place, synced and then given its
// name, so that under its name it is whole or not there.
func (d *directory) create(ctx context.Context, name string, data []byte) error {
	return d.bounded(ctx, func() error {
		file := filepath.Join(d.top, filepath.FromSlash(name))
		if _, err := os.Lstat(file); err == nil {
			return fs.ErrExist
		}
		made, err := makeDirectories(filepath.Dir(file))
		if err != nil {
			return remedied(err)
		}
		temp := filepath.Join(filepath.Dir(file), tempPrefix+filepath.Base(file))
		if err := writeNew(temp, data); err != nil {
			return remedied(err)
		}
		err = publish(temp, file)
		if err == nil {
			err = syncDirectories(append(made, filepath.Dir(file)))
		}
		return remedied(err)
	})
}

// read implements store.
func (d *directory) read(ctx context.Context, name string) (data []byte, err error) {
	err = d.bounded(ctx, func() error {
		f, err := os.Open(filepath.Join(d.top, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // only read
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			return errors.Join(err, fmt.Errorf("%s is not a regular file", f.Name()))
		}
		data, err = readAll(f)
		return err
	})
	if err != nil {
		return nil, err // what a call that was given up reads later is nobody's
	}
	return data, nil
}

// bounded does what can block in the kernel, where no context reaches it. The goroutine
// ends when the file system answers.
func (d *directory) bounded(ctx context.Context, do func() error) error {
	select {
	case d.busy <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("an earlier call has not come back: %w", context.Cause(ctx))
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-d.busy }()
		done <- do()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the file system does not answer: %w", context.Cause(ctx))
	}
}

// makeDirectories is os.MkdirAll; it also returns those whose entries have changed.
func makeDirectories(dir string) (changed []string, err error) {
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || filepath.Dir(d) == d {
			break
		}
		changed = append(changed, filepath.Dir(d))
	}
	return changed, os.MkdirAll(dir, dirMode)
}

// writeNew writes a file and syncs it. One of that name is what a killed process left.
func writeNew(path string, data []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// publish gives a file its name unless that is taken. A link does both at once; where a
// file system has none, there is a moment between the look and the rename.
func publish(temp, file string) error {
	err := os.Link(temp, file)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return errors.Join(err, os.Remove(temp))
	}
	if _, statErr := os.Lstat(file); statErr == nil {
		return errors.Join(fs.ErrExist, os.Remove(temp))
	}
	if renameErr := os.Rename(temp, file); renameErr != nil {
		return errors.Join(err, renameErr, os.Remove(temp))
	}
	return nil
}

func syncDirectories(dirs []string) error {
	for _, dir := range dirs {
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}

func remedied(err error) error {
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return fmt.Errorf("%w; check that the directory can be made and written, and has room", err)
}

// readAll reads what is not larger than a report may be.
func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err == nil && len(data) > MaxBytes {
		err = fmt.Errorf("it is larger than %d bytes, so it is no report", MaxBytes)
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

// WriteFile replaces a file of a name that a person chose, as a whole. What is there and
// is no file, such as a device or a link to one, is not replaced.
func WriteFile(ctx context.Context, path string, data []byte) (Reference, error) {
	l, err := parsePath(path)
	if err != nil {
		return Reference{}, fmt.Errorf("writing the report: %w", err)
	}
	ctx, cancel := limit(ctx)
	defer cancel()
	dir := filepath.Dir(l.path)
	err = newDirectory(dir).bounded(ctx, func() error {
		if info, err := os.Lstat(l.path); err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file, and is not replaced", l.path)
		}
		temp := filepath.Join(dir, tempPrefix+filepath.Base(l.path))
		if err := writeNew(temp, data); err != nil {
			return err
		}
		if err := os.Rename(temp, l.path); err != nil {
			return errors.Join(err, os.Remove(temp))
		}
		return syncDirectories([]string{dir})
	})
	if err != nil {
		return Reference{}, fmt.Errorf("writing the report: %w", err)
	}
	return Reference{URL: l.String(), SHA256: digest(data), Bytes: int64(len(data))}, nil
}
