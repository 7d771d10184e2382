// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package wire is what the host and the guest's init say to each other: a job
// that lies in the initramfs, and frames over one virtio-serial port.
//
//	host                                   init
//	 │ ── Hello ──────────────────────────> │  there is a host
//	 │ <────────────────────────── Started ─│  the command runs, since this uptime
//	 │ <─────────────── Stdout and Stderr ──│  as it comes
//	 │ ── Signal ─────────────────────────> │  for the command
//	 │ <─────────────── Exited or Failed  ──│  the last frame, behind all output
//	 ╳ ── end of file ────────────────────> │  also when the host dies: power off
package wire

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

const (
	// Port is the name of the virtio-serial port.
	Port = "schedfleet.guest"
	// JobPath is where init finds its job.
	JobPath = "/schedfleet-guest.json"
	// ModuleDir is where init finds the modules named in Job.Modules.
	ModuleDir = "/lib/modules"
	// maxPayload bounds a frame; what is longer was never sent by us.
	maxPayload = 1 << 20
)

// The user network of the emulator, as seen by the guest.
const (
	GuestAddress = "10.0.2.15"
	HostAddress  = "10.0.2.2"
	PrefixLength = 24
)

// Job says what init is to do.
type Job struct {
	Hostname string
	// Modules are loaded in this order, each a file in ModuleDir.
	Modules []string
	// Network brings up eth0.
	Network bool
	Command []string
	Env     []string
	Dir     string
}

// Encode gives the job the form it has in JobPath.
func (j Job) Encode() (string, error) {
	text, err := json.Marshal(j)
	return string(text), err
}

// Kind says what the payload of a frame is.
type Kind byte

const (
	Hello   Kind = 'h' // empty
	Signal  Kind = 'k' // the number of the signal, one byte
	Started Kind = 's' // Start as JSON
	Stdout  Kind = 'o' // bytes
	Stderr  Kind = 'e' // bytes
	Exited  Kind = 'x' // Exit as JSON
	Failed  Kind = 'f' // text: why init could not do its job
)

// Start is sent when the command has been started.
type Start struct {
	// Uptime is what the guest's clock had counted by then.
	Uptime time.Duration
}

// Exit is how the command ended.
type Exit struct {
	// Code is the exit status, -1 if a signal ended the command.
	Code int
	// Signal is the number of that signal, 0 if there was none.
	Signal int
}

// Write writes one frame.
func Write(w io.Writer, kind Kind, payload []byte) error {
	frame := make([]byte, 5, 5+len(payload))
	frame[0] = byte(kind)
	binary.LittleEndian.PutUint32(frame[1:], uint32(len(payload)))
	_, err := w.Write(append(frame, payload...))
	return err
}

// Read reads one frame. The error is io.EOF if none had begun.
func Read(r io.Reader) (Kind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.LittleEndian.Uint32(head[1:])
	if size > maxPayload {
		return 0, nil, fmt.Errorf("a frame %q of %d bytes: at most %d are ever sent", head[0], size, maxPayload)
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, fmt.Errorf("reading a frame %q of %d bytes: %w", head[0], size, err)
	}
	return Kind(head[0]), payload, nil
}
