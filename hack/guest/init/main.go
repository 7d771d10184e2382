// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Command init is process 1 of a guest: it sets the machine up, runs one
// command, tells the host how that ended, and powers off.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/hack/guest/internal/wire"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "init: this is process 1 of a guest that hack/guest boots, and does nothing elsewhere")
		os.Exit(2)
	}
	if err := serve(); err != nil {
		say("%v", err)
		powerOff()
	}
	select {} // the host has the last word: watch powers off
}

// say prints to the console.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "init: "+format+"\n", args...)
}

// powerOff does not return. Process 1 that ends is a panic.
func powerOff() {
	unix.Sync()
	err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	say("powering off: %v", err)
	select {}
}

// serve does the job. Its error is for the console: what the host is to know
// has been sent to it.
func serve() error {
	if err := mountAll(); err != nil {
		return err
	}
	port, err := openPort()
	if err != nil {
		return err
	}
	h := &host{port: port}
	go h.watch()
	exit, err := work(h)
	if err != nil {
		say("%v", err)
		return h.send(wire.Failed, []byte(err.Error()))
	}
	return h.sendJSON(wire.Exited, exit)
}

func work(h *host) (wire.Exit, error) {
	text, err := os.ReadFile(wire.JobPath)
	if err != nil {
		return wire.Exit{}, err
	}
	var job wire.Job
	if err := json.Unmarshal(text, &job); err != nil {
		return wire.Exit{}, fmt.Errorf("reading %s: %w", wire.JobPath, err)
	}
	if err := configure(&job); err != nil {
		return wire.Exit{}, err
	}
	return run(&job, h)
}

// host is the other end of the port. Frames come from several goroutines.
type host struct {
	mu   sync.Mutex
	port *os.File
	// command is the process that signals are for; 0 while there is none.
	command atomic.Int32
}

func (h *host) send(kind wire.Kind, payload []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := wire.Write(h.port, kind, payload); err != nil {
		return fmt.Errorf("writing to the host: %w", err)
	}
	return nil
}

func (h *host) sendJSON(kind wire.Kind, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return h.send(kind, payload)
}

// watch passes signals on to the command, and ends the guest when the host
// closes its end of the port, which the kernel does for it if it dies.
func (h *host) watch() {
	for {
		kind, payload, err := wire.Read(h.port)
		if err != nil {
			powerOff()
		}
		if pid := int(h.command.Load()); kind == wire.Signal && len(payload) == 1 && pid > 0 {
			if err := unix.Kill(pid, unix.Signal(payload[0])); err != nil {
				say("sending the command signal %d: %v", payload[0], err)
			}
		}
	}
}

// poll asks until ok says yes, for at most limit.
func poll(limit time.Duration, ok func() bool) bool {
	const interval = 5 * time.Millisecond
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(interval) {
		if ok() {
			return true
		}
	}
	return ok()
}
