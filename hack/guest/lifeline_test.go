// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

// TestTheGuestPowersOffWhenItsHostIsGone closes the host's side of the port
// only. It is what the guest notices itself, should nobody kill the emulator.
func TestTheGuestPowersOffWhenItsHostIsGone(t *testing.T) {
	t.Parallel()
	g, err := Boot(t.Context(), Config{
		Shape:   Shape{Nodes: 1, LLCsPerNode: 1, CoresPerLLC: 1, ThreadsPerCore: 1},
		Command: []string{"sleep", "100000"},
	})
	if errors.Is(err, ErrUnavailable) {
		t.Skip(strings.ReplaceAll(err.Error(), "\n", " "))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	raw, err := g.port.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Wait(); err == nil || !strings.Contains(err.Error(), "Power down") {
		t.Errorf("Wait() = %v, want a guest that powered itself off", err)
	}
}
