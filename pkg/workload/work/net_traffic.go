// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// NetTraffic sends Ethernet frames into one end of a virtual pair. The other end receives them
// and, as nobody there wants them, drops them. That exercises the network's softirq on the CPU that
// sends; there is no device, so there are no hardware interrupts.
type NetTraffic struct {
	// Interval is what a worker sleeps after each frame; with 0s it does not.
	Interval   *quantity.Duration `json:"interval"`
	FrameBytes int64              `json:"frameBytes"`
}

const (
	// MaxPacketSets is how many sets of workers of a run may have a virtual pair of their own.
	MaxPacketSets = 64
	// FrameType is the EtherType of all frames: the first for local experiments (IEEE 802).
	FrameType = 0x88b5
	// minFrame and maxFrame are what Ethernet carries without its checksum.
	minFrame = 60
	maxFrame = 1514
	// frameMark begins the content of a frame.
	frameMark = "sfwl"
)

// LinkAddresses are the hardware addresses of the ends of every pair. They are locally
// administered, and each pair is a network of its own.
var LinkAddresses = [2][6]byte{{0x02, 's', 'f', 'w', 'l', 0}, {0x02, 's', 'f', 'w', 'l', 1}}

// framesNotSent is the counter of frames that the kernel had no room for.
const framesNotSent = 0

// Name implements Kind.
func (*NetTraffic) Name() string { return "netTraffic" }

// Shape implements Kind.
func (k *NetTraffic) Shape() Shape {
	s := Shape{
		SetSize: 1, Opens: Opens{Packets: true}, Needs: []string{capability.VirtualEthernet}, Progress: ProgressUnits,
		Counters: []string{framesNotSent: "framesNotSent"},
	}
	if k.Interval != nil {
		s.Quiet = k.Interval.D()
	}
	return s
}

// Validate implements Kind.
func (k *NetTraffic) Validate() error {
	if k.Interval == nil || *k.Interval < 0 || k.Interval.D() > maxPhase {
		return errors.New("interval must be 0s to 1h")
	}
	return validFrame(k.FrameBytes)
}

func validFrame(bytes int64) error {
	if bytes < minFrame || bytes > maxFrame {
		return fmt.Errorf("frameBytes must be %d to %d, not %d", minFrame, maxFrame, bytes)
	}
	return nil
}

// Run implements Kind.
func (k *NetTraffic) Run(w *Worker) { w.sendFrames(int(k.FrameBytes), k.Interval.Nanoseconds()) }

// frame is a frame from the first end of a pair to the other.
type frame [maxFrame]byte

func (f *frame) fill() {
	copy(f[0:], LinkAddresses[1][:])
	copy(f[6:], LinkAddresses[0][:])
	f[12], f[13] = FrameType>>8, FrameType&0xff
	copy(f[14:], frameMark)
}

// sendFrames sends until the stop, with a sleep after each frame.
func (w *Worker) sendFrames(bytes int, interval int64) {
	var f frame
	f.fill()
	for !w.Stopped() {
		switch errno := sys.Send(w.FDs[0], f[:bytes]); errno {
		case 0:
			w.AddUnits(1)
		case unix.EAGAIN, unix.ENOBUFS, unix.EINTR: // no room within a tick
			w.Count(framesNotSent, 1)
		default:
			w.LeaveErrno("sending a frame", errno)
			return
		}
		if interval > 0 {
			w.SleepUntil(sys.Monotonic() + interval)
		}
		w.ResetGap()
		w.EndIteration()
	}
}
