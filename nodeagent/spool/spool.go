// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package spool keeps reports on the node's disk until the API has taken them.
package spool

import (
	"cmp"
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

// Limits of a spool. An API that stays away must not fill the disk.
const (
	MaxEntries = 64
	MaxBytes   = 64 << 20
	// MaxReport is the size beyond which an entry is kept without its full report.
	MaxReport = 16 << 20
)

const (
	suffix     = ".json"
	tempPrefix = ".tmp-"
)

// ErrInUse says that another agent has the spool.
var ErrInUse = errors.New("another schedfleet-agent uses it; two agents of one machine need a --spool-dir and a --cgroup-root each")

// Entry is the end of a run as it is to stand in the API.
type Entry struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	UID       types.UID `json:"uid"`
	// RunID is the attempt. A NodeRun with another one is not what this is about.
	RunID  string                 `json:"runID"`
	Status v1alpha1.NodeRunStatus `json:"status"`
	// Report is the full report, of which the status holds a summary.
	Report json.RawMessage `json:"report,omitempty"`
}

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

// Save writes an entry so that it survives a crash of the machine, in place of
// an earlier one of the same NodeRun. It returns the names of entries that had
// to go for it, the oldest first.
func (s *Spool) Save(e *Entry) (dropped []string, err error) {
	text, err := encode(e)
	if err != nil {
		return nil, fmt.Errorf("spooling the report of NodeRun %s/%s: %w", e.Namespace, e.Name, err)
	}
	if dropped, err = s.makeRoom(e, int64(len(text))); err == nil {
		err = s.write(s.file(e.UID), text)
	}
	if err != nil {
		return dropped, fmt.Errorf("spooling the report of NodeRun %s/%s: %w", e.Namespace, e.Name, err)
	}
	return dropped, nil
}

func encode(e *Entry) ([]byte, error) {
	if len(e.Report) > MaxReport {
		small := *e
		small.Report = nil
		e = &small
	}
	return json.Marshal(e)
}

// Load returns the entries without their full reports, the oldest first, and
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
		e.Report = nil
		entries = append(entries, e)
	}
	return entries, damaged, errors.Join(failed...)
}

// Remove removes the entry of a NodeRun. One that is not there is removed already.
func (s *Spool) Remove(uid types.UID) error {
	if err := os.Remove(s.file(uid)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a report from the spool: %w", err)
	}
	return nil
}

// file is where the entry of a NodeRun is: a name that no UID can lead astray.
func (s *Spool) file(uid types.UID) string {
	sum := sha256.Sum256([]byte(uid))
	return filepath.Join(s.path, hex.EncodeToString(sum[:16])+suffix)
}

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

// makeRoom removes the oldest entries until one more of a size fits.
func (s *Spool) makeRoom(e *Entry, size int64) (dropped []string, err error) {
	files, err := s.list()
	if err != nil {
		return nil, err
	}
	own := filepath.Base(s.file(e.UID))
	files = slices.DeleteFunc(files, func(f file) bool { return f.name == own })
	for len(files) > 0 && (len(files)+1 > s.maxEntries || total(files)+size > s.maxBytes) {
		if err := os.Remove(filepath.Join(s.path, files[0].name)); err != nil {
			return dropped, err
		}
		dropped = append(dropped, files[0].name)
		files = files[1:]
	}
	return dropped, nil
}

// file is one entry on the disk.
type file struct {
	name     string
	size     int64
	modified time.Time
}

func total(files []file) int64 {
	var sum int64
	for _, f := range files {
		sum += f.size
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
		files = append(files, file{name: e.Name(), size: info.Size(), modified: info.ModTime()})
	}
	slices.SortFunc(files, func(a, b file) int {
		return cmp.Or(a.modified.Compare(b.modified), cmp.Compare(a.name, b.name))
	})
	return files, nil
}

func (s *Spool) removeTemporary() error {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempPrefix) {
			failed = append(failed, os.Remove(filepath.Join(s.path, e.Name())))
		}
	}
	return errors.Join(failed...)
}
