// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
)

// ioSize is the size of the files of these tests.
const ioSize = 16 << 20

// newIORig gives all workers of a kind one file, of bytes that none of them writes, and
// tells its path.
func newIORig(t *testing.T, k Kind, n int) (*rig, string) {
	t.Helper()
	r := newRig(t, k, n, nil)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, bytes.Repeat([]byte{0xff}, ioSize), 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|k.Shape().Opens.File.Flags, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	for i := range r.workers {
		r.workers[i].FDs[0], r.workers[i].FileBytes = fd, ioSize
	}
	return r, path
}

// writtenBlocks are the blocks of a file that a worker wrote to.
func writtenBlocks(t *testing.T, path string) []int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []int
	for at := 0; at < len(text); at += ioBlock {
		switch block := text[at : at+ioBlock]; {
		case bytes.Count(block, []byte{0}) == ioBlock:
			list = append(list, at/ioBlock)
		case bytes.Count(block, []byte{0xff}) != ioBlock:
			t.Errorf("block %d was written in part", at/ioBlock)
		}
	}
	return list
}

// upTo are the numbers from a first on, n of them.
func upTo(first, n int) []int {
	var list []int
	for i := range n {
		list = append(list, first+i)
	}
	return list
}

func TestIOReachesTheFile(t *testing.T) {
	fixed := &Arrival{RatePerSecond: 1000, Distribution: ArrivalFixed}
	for name, tc := range map[string]struct {
		kind     Kind
		units    uint64 // of a pass
		written  uint64 // blocks of a pass
		response bool
	}{
		"synchronous writes":              {&IOSyncWrite{}, 16, 16, false},
		"synchronous writes on a request": {&IOSyncWrite{Arrival: fixed}, 16, 16, true},
		"random reads":                    {&IORandRead{}, 1, 0, false},
		"random reads on a request":       {&IORandRead{Arrival: fixed}, 1, 0, true},
		"a convoy":                        {&IOConvoy{}, 2, 1, false},
		"a convoy on a request":           {&IOConvoy{Arrival: fixed}, 2, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			r, path := newIORig(t, tc.kind, 1)
			r.startAll()
			r.passes(40)
			r.stop()
			passes := r.arena.Record(0, 0).Iterations()
			units, min := r.units(0), passes*tc.units // it may be stopped in a pass
			if units < min || units >= min+tc.units {
				t.Errorf("%d units in %d passes, want %d or a part of a pass more", units, passes, min)
			}
			if got := r.samples(0, 0); got != passes {
				t.Errorf("%d samples in %d passes", got, passes)
			}
			if tc.response {
				if got := r.samples(0, 1); got != passes {
					t.Errorf("%d response times in %d passes", got, passes)
				}
			}
			blocks := int(units * tc.written / tc.units)
			if diff := slices.Compare(writtenBlocks(t, path), upTo(0, blocks)); diff != 0 && blocks < ioSize/ioBlock {
				t.Errorf("of %d units the blocks written are %v", units, writtenBlocks(t, path))
			}
		})
	}
}

// A part of a device is wrapped around in, and nothing outside of it is touched.
func TestWorkersOfADeviceKeepApart(t *testing.T) {
	for name, kind := range map[string]Kind{
		"synchronous writes": &IOSyncWrite{Device: "/dev/vdb"},
		"a convoy":           &IOConvoy{Device: "/dev/vdb"},
	} {
		t.Run(name, func(t *testing.T) {
			r, path := newIORig(t, kind, 4)
			r.start(1)
			r.start(3)
			part := ioSize / ioBlock / ioStripes // blocks
			r.await("both parts were written twice", func() bool {
				return r.units(1) > uint64(4*part) && r.units(3) > uint64(4*part)
			})
			r.stop()
			want := append(upTo(1*part, part), upTo(3*part, part)...)
			if got := writtenBlocks(t, path); !slices.Equal(got, want) {
				t.Errorf("the blocks written are %v, want %v", got, want)
			}
		})
	}
}

func TestStripes(t *testing.T) {
	for _, tc := range []struct {
		total   int64
		workers int
		bytes   int64
	}{
		{16 << 20, 1, 256 << 10},
		{16<<20 + 4095, 64, 256 << 10},
		{16 << 20, 65, 192 << 10},
		{1 << 40, 20_000, 1 << 40 / 20_000 / ioBatch * ioBatch},
		{64 * ioBatch, 64, ioBatch},
		{64*ioBatch - 1, 1, 0},
		{64 * ioBatch, 65, 0},
	} {
		end := int64(0)
		for i := range tc.workers {
			e := stripe(tc.total, i, tc.workers)
			if e.base < end || e.bytes != tc.bytes || e.base+e.bytes > tc.total || e.base%ioBlock != 0 {
				t.Errorf("%d bytes, worker %d of %d: %+v after %d, want %d bytes", tc.total, i, tc.workers, e, end, tc.bytes)
				break
			}
			end = e.base + e.bytes
		}
	}
}

func TestADeviceTooSmallIsRefused(t *testing.T) {
	for _, kind := range []Kind{&IOSyncWrite{Device: "/dev/vdb"}, &IOConvoy{Device: "/dev/vdb"}} {
		r, _ := newIORig(t, kind, 1)
		r.workers[0].FileBytes = 64*ioBatch - 1
		if errno, text := r.refused(); errno != unix.ENOSPC || !strings.Contains(text, "too small") {
			t.Errorf("%s: %v: %q", kind.Name(), errno, text)
		}
	}
}

func TestWhatFailsInIO(t *testing.T) {
	for name, tc := range map[string]struct {
		kind  Kind
		spoil func(t *testing.T, r *rig, path string)
		want  string
	}{
		"a write to what cannot be written": {&IOSyncWrite{}, readOnly, "writing to its file: bad file descriptor"},
		"a convoy's write":                  {&IOConvoy{}, readOnly, "writing to its file: bad file descriptor"},
		"a sync of what cannot be synced":   {&IOSyncWrite{}, null, "syncing the data of its file: invalid argument"},
		"a convoy's first sync":             {&IOConvoy{}, zeros, "syncing the data of its file: invalid argument"},
		"a read of what is no file":         {&IORandRead{}, closed, "reading from its file: bad file descriptor"},
		"a read beyond the end":             {&IORandRead{}, truncated, "reading from its file: less than a block was read"},
	} {
		t.Run(name, func(t *testing.T) {
			r, path := newIORig(t, tc.kind, 1)
			tc.spoil(t, r, path)
			if got := r.left(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func readOnly(t *testing.T, r *rig, path string) { reopen(t, r, path, unix.O_RDONLY) }

// null takes what is written and cannot be synced.
func null(t *testing.T, r *rig, _ string) { reopen(t, r, os.DevNull, unix.O_RDWR) }

// zeros can be read, too.
func zeros(t *testing.T, r *rig, _ string) { reopen(t, r, "/dev/zero", unix.O_RDWR) }

func closed(_ *testing.T, r *rig, _ string) { r.workers[0].FDs[0] = -1 }

func truncated(t *testing.T, _ *rig, path string) {
	t.Helper()
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
}

func reopen(t *testing.T, r *rig, path string, flags int) {
	t.Helper()
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	r.workers[0].FDs[0] = fd
}

// Reads are of whole blocks, all over the file.
func TestRandomReadsAreAllOverTheFile(t *testing.T) {
	const blocks, reads = 256, 1000
	r, path := newIORig(t, &IORandRead{}, 1)
	text := make([]byte, blocks*ioBlock)
	for n := range blocks {
		copy(text[n*ioBlock:], bytes.Repeat([]byte{byte(n)}, ioBlock))
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	w, rng := &r.workers[0], newRandom(1)
	w.FileBytes = int64(len(text)) + ioBlock - 1 // a device's last bytes may be no block
	w.begin(1)
	seen := map[byte]int{}
	for range reads {
		if !w.readBlock(w.Memory, &rng) {
			t.Fatal(r.arena.Block(0).Text())
		}
		if bytes.Count(w.Memory[:ioBlock], w.Memory[:1]) != ioBlock {
			t.Fatal("it was of two blocks")
		}
		seen[w.Memory[0]]++
	}
	// Of 256 blocks, 1000 reads leave out 5 on average.
	if len(seen) < blocks-20 || seen[0] > 20 {
		t.Errorf("%d reads were of %d blocks, %d of the first", reads, len(seen), seen[0])
	}
}

func TestFilesThatKindsAskFor(t *testing.T) {
	for name, tc := range map[string]struct {
		size   *quantity.Bytes
		device string
		want   File
	}{
		"nothing said": {nil, "", File{Bytes: 16 << 20}},
		"a size":       {new(quantity.Bytes(1 << 20)), "", File{Bytes: 1 << 20}},
		"a device":     {nil, "/dev/vdb", File{Device: "/dev/vdb"}},
	} {
		for _, kind := range []Kind{
			&IOSyncWrite{FileSize: tc.size, Device: tc.device}, &IORandRead{FileSize: tc.size, Device: tc.device}, &IOConvoy{FileSize: tc.size, Device: tc.device},
		} {
			want := tc.want
			want.Flags = unix.O_DIRECT
			if kind.Name() == "ioSyncWrite" {
				want.Flags = unix.O_SYNC
			}
			if got := *kind.Shape().Opens.File; got != want {
				t.Errorf("%s: %s: got %+v, want %+v", name, kind.Name(), got, want)
			}
		}
	}
}
