// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// The kinds of work that read and write work on a scratch file of each worker's own,
// or all on one device. Offsets are multiples of a block, which all drives take.

const (
	// ioBlock is what is read or written at once.
	ioBlock = 4096
	// ioBatch is the least that a worker writes to, and MinFileBytes.
	ioBatch = 16 * ioBlock
	// ioStripes is how many parts a device has at least.
	ioStripes = 64

	defaultFileSize quantity.Bytes = 16 << 20
	minFileSize     quantity.Bytes = ioBatch
	// maxFileSize bounds what is written before a run can begin.
	maxFileSize quantity.Bytes = 1 << 30

	// MinFileBytes is the size a device must have.
	MinFileBytes = ioBatch
)

func fileOf(size *quantity.Bytes, device string, flags int) *File {
	f := &File{Flags: flags, Device: device}
	switch {
	case device != "":
	case size == nil:
		f.Bytes = int64(defaultFileSize)
	default:
		f.Bytes = int64(*size)
	}
	return f
}

func validFile(size *quantity.Bytes, device string, arrival *Arrival) error {
	switch {
	case size != nil && device != "":
		return errors.New("fileSize must not be given with device, which has a size of its own")
	case size != nil && (*size < minFileSize || *size > maxFileSize || *size%ioBlock != 0):
		return fmt.Errorf("fileSize must be %v to %v, in whole blocks of 4Ki, not %v", minFileSize, maxFileSize, *size)
	case device != "" && (!strings.HasPrefix(device, "/dev/") || path.Clean(device) != device):
		return fmt.Errorf("device must be a path below /dev, such as /dev/vdb, not %q", device)
	default:
		return arrival.validate()
	}
}

// extent is the part of a file that one worker writes to, in whole batches.
type extent struct{ base, bytes int64 }

// extent is all of a worker's own file, or its part of a device: the parts of all workers
// of a run are apart. A device that is too small for that gives nothing.
func (w *Worker) extent(device string) extent {
	if device == "" {
		return extent{bytes: w.FileBytes / ioBatch * ioBatch}
	}
	return stripe(w.FileBytes, w.index, w.arena.Workers())
}

func stripe(total int64, worker, workers int) extent {
	n := int64(max(ioStripes, workers))
	bytes := total / n / ioBatch * ioBatch
	return extent{base: int64(worker) * bytes, bytes: bytes}
}

// checkExtent refuses a device that is too small for the workers of the run.
func (w *Worker) checkExtent(device string) sys.Errno {
	if w.extent(device).bytes == 0 {
		w.Leave("its device is too small: each worker of the run needs 64Ki of its own, and there are 64 parts at least")
		return unix.ENOSPC
	}
	return 0
}

// The operations below tell whether to go on. A unit of work is a block.

// writeBlock writes the first block of the worker's memory.
func (w *Worker) writeBlock(at int64) bool {
	n, errno := sys.WriteAt(w.FDs[0], w.Memory[:ioBlock], at)
	if errno != 0 {
		w.LeaveErrno("writing to its file", errno)
		return false
	}
	if n != ioBlock {
		w.Leave("writing to its file: less than a block was written")
		return false
	}
	w.AddUnits(1)
	return true
}

// readBlock reads a random block of the file.
func (w *Worker) readBlock(buf []byte, rng *random) bool {
	at := int64(rng.below(uint64(w.FileBytes/ioBlock))) * ioBlock
	n, errno := sys.ReadAt(w.FDs[0], buf[:ioBlock], at)
	if errno != 0 {
		w.LeaveErrno("reading from its file", errno)
		return false
	}
	if n != ioBlock {
		w.Leave("reading from its file: less than a block was read")
		return false
	}
	w.AddUnits(1)
	return true
}

func (w *Worker) syncData() bool {
	if errno := sys.SyncData(w.FDs[0]); errno != 0 {
		w.LeaveErrno("syncing the data of its file", errno)
		return false
	}
	return true
}
