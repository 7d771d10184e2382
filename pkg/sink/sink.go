// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package sink keeps whole reports outside the API: in a directory or in a bucket
// of an object store, by a reference that carries the digest of what is there.
//
// Files are written here. What speaks to object stores is a program of its own,
// schedfleet-sink, which is started for one call and ends with it: the clients of three
// clouds would more than double what an agent keeps in memory while it waits.
package sink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

const (
	// MaxBytes bounds what is put and what is read.
	MaxBytes = 64 << 20
	// Timeout bounds every call, however long its context lasts.
	Timeout = time.Minute
)

var (
	// ErrConflict says that a name is taken by something else.
	ErrConflict = errors.New("another content has this name there, and is not overwritten; look at it, and remove it if it is not wanted")
	// ErrDigest says that what is there is not what was put there.
	ErrDigest = errors.New("it was changed since, or the reference is another's")
)

// Reference is where a report is, and what is there.
type Reference struct {
	URL string `json:"url"`
	// SHA256 is the digest of the bytes that are stored, in hex.
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// store is a place for objects. Its errors say the step and what to do, not the place.
type store interface {
	// create makes an object; fs.ErrExist if there is one of that name.
	create(ctx context.Context, name string, data []byte) error
	// read returns an object of at most MaxBytes; fs.ErrNotExist if there is none.
	read(ctx context.Context, name string) ([]byte, error)
}

// Sink is a place for reports.
type Sink struct {
	at    location
	store store
}

// Open returns the sink at a URL, or at the path of a directory. Nothing is looked at
// there yet, so the place may come up later.
func Open(at string) (*Sink, error) {
	l, err := parse(at)
	if err != nil {
		return nil, fmt.Errorf("opening a report sink: %w", err)
	}
	s, err := l.store()
	if n := len(l.String()); err == nil && n > maxURL {
		err = fmt.Errorf("the URL has %d bytes; with more than %d, references do not fit into a status", n, maxURL)
	}
	if err != nil {
		return nil, fmt.Errorf("opening report sink %s: %w", l, err)
	}
	return &Sink{at: l, store: s}, nil
}

// String is the sink's URL.
func (s *Sink) String() string { return s.at.String() }

// Put stores a report under a name. The same content may be put again; another one is
// ErrConflict.
func (s *Sink) Put(ctx context.Context, name string, data []byte) (Reference, error) {
	ref, err := s.put(ctx, name, data)
	if err != nil {
		return Reference{}, fmt.Errorf("putting %s into report sink %s: %w", name, s.at, err)
	}
	return ref, nil
}

func (s *Sink) put(ctx context.Context, name string, data []byte) (Reference, error) {
	if err := CheckName(name); err != nil {
		return Reference{}, err
	}
	if len(data) > MaxBytes {
		return Reference{}, fmt.Errorf("it has %d bytes; a sink takes at most %d", len(data), MaxBytes)
	}
	ctx, cancel := limit(ctx)
	defer cancel()
	sum := digest(data)
	err := s.store.create(ctx, name, data)
	if errors.Is(err, fs.ErrExist) {
		err = s.same(ctx, name, sum)
	}
	if err != nil {
		return Reference{}, err
	}
	return Reference{URL: s.at.join(name).String(), SHA256: sum, Bytes: int64(len(data))}, nil
}

// same says whether what has a name already is what was to be put there: then it was
// delivered twice.
func (s *Sink) same(ctx context.Context, name, sum string) error {
	there, err := s.store.read(ctx, name)
	if err != nil {
		return fmt.Errorf("the name is taken, and what is there cannot be read to compare: %w", err)
	}
	if got := digest(there); got != sum {
		return fmt.Errorf("%w (it has digest %s, not %s)", ErrConflict, got, sum)
	}
	return nil
}

// Get returns what a reference refers to: a URL that Put gave, or the path of a file. It
// is checked against the digest, unless that is empty. fs.ErrNotExist says that it is not there.
func Get(ctx context.Context, at, sha256 string) ([]byte, error) {
	l, err := parse(at)
	if err != nil {
		return nil, fmt.Errorf("reading a report: %w", err)
	}
	data, err := get(ctx, l)
	if err == nil && sha256 != "" && digest(data) != sha256 {
		err = fmt.Errorf("its digest is %s, not %s: %w", digest(data), sha256, ErrDigest)
	}
	if err != nil {
		return nil, fmt.Errorf("reading report %s: %w", l, err)
	}
	return data, nil
}

func get(ctx context.Context, l location) ([]byte, error) {
	dir, name, err := l.split()
	if err != nil {
		return nil, err
	}
	s, err := dir.store()
	if err != nil {
		return nil, err
	}
	ctx, cancel := limit(ctx)
	defer cancel()
	return s.read(ctx, name)
}

func limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, Timeout, fmt.Errorf("it took longer than %v", Timeout))
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
