// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package spool keeps reports on the node's disk until the API has taken them.
package spool

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/types"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// Limits of a spool. An API or a sink that stays away must not fill the disk.
const (
	MaxEntries = 64
	MaxBytes   = 256 << 20
	// MaxRaw is the size of the largest raw report.
	MaxRaw = 32 << 20
)

const (
	suffix     = ".json"
	rawSuffix  = ".raw"
	tempPrefix = ".tmp-"
	// ownerFile holds the directory's name for itself.
	ownerFile   = "owner"
	ownerLength = 12
)

// ErrInUse says that another agent has the spool.
var ErrInUse = errors.New("another schedfleet-agent uses it; two agents of one machine need a --spool-dir and a --cgroup-root each")

// Entry is the end of a run as it is to stand in the API.
type Entry struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	UID       types.UID `json:"uid"`
	// RunID is the attempt. A NodeRun with another one is not what this is about.
	RunID string `json:"runID"`
	// Workload is the name of what was run.
	Workload string                 `json:"workload,omitempty"`
	Status   v1alpha1.NodeRunStatus `json:"status"`
	// RawBytes is the size of the raw report that waits for a sink, in a file of its own; 0 if none does.
	RawBytes int `json:"rawBytes,omitempty"`
}

// Dropped are the NodeRuns, by the names of their files, that lost something to make
// room: their raw reports, or everything.
type Dropped struct {
	Raw, Entries []string
}

// Any says whether anything was dropped.
func (d Dropped) Any() bool { return len(d.Raw)+len(d.Entries) > 0 }

// Spool is a directory of entries.
type Spool struct {
	path string
	lock *os.File // the directory itself

	maxEntries int
	maxBytes   int64
}

// Open makes the directory if need be, locks it for this process, and removes
// what a killed agent left half-written.
func Open(path string) (*Spool, error) {
	s, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("opening spool %s: %w", path, err)
	}
	return s, nil
}

func open(path string) (*Spool, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &Spool{path: path, lock: lock, maxEntries: MaxEntries, maxBytes: MaxBytes}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrInUse
	}
	if err == nil {
		err = s.removeTemporary()
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// Close lets another process have the directory.
func (s *Spool) Close() error { return s.lock.Close() }

// Owner is a name for the directory that no other one has, which stays the same for as
// long as the directory: who has the lock is the successor of who had it before.
func (s *Spool) Owner() (string, error) {
	path := filepath.Join(s.path, ownerFile)
	text, err := os.ReadFile(path)
	if err == nil && len(text) > 0 {
		return string(text), nil
	}
	name := strings.ToLower(rand.Text()[:ownerLength])
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = s.write(path, []byte(name))
	}
	if err != nil {
		return "", fmt.Errorf("naming spool %s: %w", s.path, err)
	}
	return name, nil
}

// Save writes an entry so that it survives a crash of the machine, in place of an
// earlier one of the same NodeRun, with its raw report, if there is one, in a file of its
// own. Save returns what had to go for it, the oldest first.
func (s *Spool) Save(e *Entry, raw []byte) (dropped Dropped, err error) {
	e.RawBytes = len(raw)
	text, err := json.Marshal(e)
	if err == nil && len(raw) > MaxRaw {
		err = fmt.Errorf("the raw report has %d bytes, more than %d", len(raw), MaxRaw)
	}
	if err == nil {
		dropped, err = s.makeRoom(e, int64(len(text)+len(raw)))
	}
	if err == nil && len(raw) > 0 {
		err = s.write(s.raw(e.UID), raw)
	} else if err == nil {
		err = s.RemoveRaw(e.UID)
	}
	if err == nil {
		err = s.write(s.file(e.UID), text)
	}
	if err != nil {
		return dropped, fmt.Errorf("spooling the report of NodeRun %s/%s: %w", e.Namespace, e.Name, err)
	}
	return dropped, nil
}

// Raw returns the raw report of a NodeRun; fs.ErrNotExist if it had to make room.
func (s *Spool) Raw(uid types.UID) ([]byte, error) {
	raw, err := os.ReadFile(s.raw(uid))
	if err != nil {
		return nil, fmt.Errorf("reading a raw report from the spool: %w", err)
	}
	return raw, nil
}

// Load returns the entries, the oldest first, and
// the names of files that are no entries and were removed. An error is about
// other files that could not be read.
func (s *Spool) Load() (entries []*Entry, damaged []string, err error) {
	files, err := s.list()
	if err != nil {
		return nil, nil, fmt.Errorf("reading spool %s: %w", s.path, err)
	}
	var failed []error
	for _, f := range files {
		path := filepath.Join(s.path, f.name)
		text, err := os.ReadFile(path)
		if err != nil {
			failed = append(failed, fmt.Errorf("reading spool: %w", err))
			continue
		}
		e := &Entry{}
		if err := json.Unmarshal(text, e); err != nil || e.UID == "" {
			damaged = append(damaged, f.name)
			_ = os.Remove(path) // it would only be found damaged again
			continue
		}
		entries = append(entries, e)
	}
	return entries, damaged, errors.Join(failed...)
}

// Remove removes the entry of a NodeRun, and its raw report. One that is not there is
// removed already.
func (s *Spool) Remove(uid types.UID) error {
	return errors.Join(remove(s.file(uid)), s.RemoveRaw(uid))
}

// RemoveRaw removes the raw report of a NodeRun, if it has one.
func (s *Spool) RemoveRaw(uid types.UID) error { return remove(s.raw(uid)) }

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a report from the spool: %w", err)
	}
	return nil
}

// file is where the entry of a NodeRun is: a name that no UID can lead astray.
func (s *Spool) file(uid types.UID) string {
	sum := sha256.Sum256([]byte(uid))
	return filepath.Join(s.path, hex.EncodeToString(sum[:16])+suffix)
}

// raw is where the raw report of a NodeRun is.
func (s *Spool) raw(uid types.UID) string { return rawOf(s.file(uid)) }

func rawOf(file string) string { return strings.TrimSuffix(file, suffix) + rawSuffix }

// write replaces a file as a whole: written beside it, synced, renamed.
func (s *Spool) write(path string, text []byte) error {
	f, err := os.CreateTemp(s.path, tempPrefix+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return s.lock.Sync() // the directory: the rename itself
}

// makeRoom removes until one more of a size fits: first the oldest raw reports, which
// the status sums up, and then the oldest entries.
func (s *Spool) makeRoom(e *Entry, size int64) (dropped Dropped, err error) {
	files, err := s.list()
	if err != nil {
		return dropped, err
	}
	own := filepath.Base(s.file(e.UID))
	files = slices.DeleteFunc(files, func(f file) bool { return f.name == own })
	for i := range files {
		if total(files)+size <= s.maxBytes {
			break
		}
		if files[i].raw == 0 {
			continue
		}
		if err := remove(filepath.Join(s.path, rawOf(files[i].name))); err != nil {
			return dropped, err
		}
		files[i].raw = 0
		dropped.Raw = append(dropped.Raw, files[i].name)
	}
	for len(files) > 0 && (len(files)+1 > s.maxEntries || total(files)+size > s.maxBytes) {
		path := filepath.Join(s.path, files[0].name)
		if err := errors.Join(remove(path), remove(rawOf(path))); err != nil {
			return dropped, err
		}
		dropped.Entries = append(dropped.Entries, files[0].name)
		files = files[1:]
	}
	return dropped, nil
}

// file is one entry on the disk, and its raw report's size.
type file struct {
	name      string
	size, raw int64
	modified  time.Time
}

func total(files []file) int64 {
	var sum int64
	for _, f := range files {
		sum += f.size + f.raw
	}
	return sum
}

// list returns the files of entries, the oldest first.
func (s *Spool) list() ([]file, error) {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) || strings.HasPrefix(e.Name(), tempPrefix) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		f := file{name: e.Name(), size: info.Size(), modified: info.ModTime()}
		if raw, err := os.Stat(filepath.Join(s.path, rawOf(f.name))); err == nil {
			f.raw = raw.Size()
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b file) int {
		return cmp.Or(a.modified.Compare(b.modified), cmp.Compare(a.name, b.name))
	})
	return files, nil
}

// removeTemporary removes files that are not whole, and raw reports that were written
// for an entry that never came.
func (s *Spool) removeTemporary() error {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range entries {
		orphan := false
		if base, ok := strings.CutSuffix(e.Name(), rawSuffix); ok {
			_, err := os.Stat(filepath.Join(s.path, base+suffix))
			orphan = errors.Is(err, fs.ErrNotExist)
		}
		if orphan || strings.HasPrefix(e.Name(), tempPrefix) {
			failed = append(failed, os.Remove(filepath.Join(s.path, e.Name())))
		}
	}
	return errors.Join(failed...)
}
