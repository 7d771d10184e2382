// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest_test

import (
	"bytes"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/hack/guest"
)

func TestACommandThatIsSentASignal(t *testing.T) {
	t.Parallel()
	out := &firstOutput{came: make(chan struct{})}
	g := boot(t, guest.Config{
		Shape: oneCPU, Command: []string{"sh", "-c", "trap 'echo end; exit 3' TERM; echo ready; sleep 100000 & wait"}, Stdout: out,
	})
	select {
	case <-out.came:
	case <-time.After(parentTimeout):
		t.Fatal("the command printed nothing")
	}
	if err := g.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	result, err := g.Wait()
	if err != nil || result.ExitCode != 3 || out.text.String() != "ready\nend\n" {
		t.Errorf("got %+v, output %q, error %v; want exit code 3 of the trap", result, out.text.String(), err)
	}
	if err := g.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("a signal for a guest that is gone: %v", err)
	}
}

// firstOutput says when something was printed.
type firstOutput struct {
	came chan struct{}
	once sync.Once
	text bytes.Buffer // to be read when the guest is gone
}

func (f *firstOutput) Write(p []byte) (int, error) {
	f.text.Write(p)
	f.once.Do(func() { close(f.came) })
	return len(p), nil
}
