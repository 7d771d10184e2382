// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/hack/guest"
)

// parentTimeout bounds the life of a process that boots a guest.
const parentTimeout = 5 * time.Minute

var oneCPU = guest.Shape{Nodes: 1, LLCsPerNode: 1, CoresPerLLC: 1, ThreadsPerCore: 1}

// Roles that this binary plays besides that of a test.
const (
	roleTopology = "topology" // prints the machine; runs in a guest
	roleParent   = "parent"   // boots a guest and waits; is killed
)

// parentReady is what the parent prints when its guest is running.
const parentReady = "up"

func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case roleTopology:
		os.Exit(printTopology())
	case roleParent:
		os.Exit(beParent())
	}
	os.Exit(m.Run())
}

// lines passes whole lines on to a channel nobody has to read.
type lines struct {
	t  *testing.T
	mu sync.Mutex
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t.Logf("console: %s", bytes.TrimSpace(p))
	return len(p), nil
}

func skipUnavailable(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, guest.ErrUnavailable) {
		t.Skip(strings.ReplaceAll(err.Error(), "\n", " "))
	}
}

// run runs a guest of one CPU to its end.
func run(t *testing.T, command ...string) (guest.Result, string, string, error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	result, err := guest.Run(t.Context(), guest.Config{
		Shape: oneCPU, Command: command,
		Console: &lines{t: t}, Stdout: &stdout, Stderr: &stderr,
	})
	skipUnavailable(t, err)
	return result, stdout.String(), stderr.String(), err
}

func TestWhatACommandFinds(t *testing.T) {
	t.Parallel()
	here := t.TempDir()
	for name, text := range map[string]string{"a": "in a\n", "below/b": "in b\n"} {
		file := filepath.Join(here, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	const script = `
cat a below/b
echo $COLOUR; pwd; id -u; hostname
cat /sys/fs/cgroup/cgroup.subtree_control
cat /proc/self/cgroup
ping -c 1 -q localhost | grep -o '1 packets received'
mount | awk '$5 ~ /^(tracefs|debugfs|bpf)$/ { print $3 }'
test -w /tmp && test -w /run && test -c /dev/null && echo rest`
	var stdout bytes.Buffer
	_, err := guest.Run(t.Context(), guest.Config{
		Shape: oneCPU, Command: []string{"sh", "-c", script}, Env: []string{"COLOUR=green"},
		Dir: "/where/it/runs", Files: map[string]string{"/where/it/runs": here},
		Console: &lines{t: t}, Stdout: &stdout, Stderr: &lines{t: t},
	})
	skipUnavailable(t, err)
	if err != nil {
		t.Fatal(err)
	}
	const want = `in a
in b
green
/where/it/runs
0
guest
cpuset cpu io memory hugetlb pids rdma misc
0::/
1 packets received
/sys/kernel/tracing
/sys/kernel/debug
/sys/fs/bpf
rest
`
	if diff := cmp.Diff(want, stdout.String()); diff != "" {
		t.Errorf("what the command saw (-want +got):\n%s", diff)
	}
}

func TestACommandThatFails(t *testing.T) {
	t.Parallel()
	// What it leaves running keeps neither its output nor the guest open.
	result, stdout, stderr, err := run(t, "sh", "-c", "sleep 100000 & echo out; echo err >&2; exit 7")
	if err != nil {
		t.Fatal(err)
	}
	if result.ExitCode != 7 || result.Signal != 0 || stdout != "out\n" || stderr != "err\n" {
		t.Errorf("got %+v, output %q and %q; want exit code 7, out and err", result, stdout, stderr)
	}
	if result.Uptime <= 0 {
		t.Errorf("the guest had been up for %v when the command started", result.Uptime)
	}
}

func TestACommandThatIsKilled(t *testing.T) {
	t.Parallel()
	result, _, _, err := run(t, "sh", "-c", "kill -9 $$")
	if err != nil {
		t.Fatal(err)
	}
	if result.ExitCode != -1 || result.Signal != syscall.SIGKILL {
		t.Errorf("got %+v, want the signal 9", result)
	}
}

func TestACommandThatIsNotThere(t *testing.T) {
	t.Parallel()
	_, _, _, err := run(t, "/no/such/command")
	if err == nil || !strings.Contains(err.Error(), "/no/such/command") {
		t.Errorf("got %v, want an error that names the command", err)
	}
}

func TestAPanic(t *testing.T) {
	t.Parallel()
	_, _, _, err := run(t, "sh", "-c", "echo c > /proc/sysrq-trigger; sleep 100000")
	var panicked *guest.PanicError
	if !errors.As(err, &panicked) || panicked.Message != "sysrq triggered crash" {
		t.Errorf("got %v, want the panic", err)
	}
}

func TestAGuestThatEndsByItself(t *testing.T) {
	t.Parallel()
	_, _, _, err := run(t, "sh", "-c", "poweroff -f")
	var panicked *guest.PanicError
	if err == nil || errors.As(err, &panicked) || !strings.Contains(err.Error(), "ended before its command did") {
		t.Errorf("got %v, want to be told that the guest ended", err)
	}
}

func TestACommandThatHangs(t *testing.T) {
	t.Parallel()
	g := boot(t, guest.Config{Shape: oneCPU, Command: []string{"sleep", "100000"}, Timeout: time.Second})
	_, err := g.Wait()
	var timeout *guest.TimeoutError
	if !errors.As(err, &timeout) || !timeout.Started {
		t.Errorf("got %v, want that the command still ran at the timeout", err)
	}
}

func TestAGuestThatHangsBeforeItsCommand(t *testing.T) {
	t.Parallel()
	_, err := guest.Boot(t.Context(), guest.Config{
		Shape: oneCPU, Command: []string{"true"}, BootTimeout: 10 * time.Second,
		KernelArgs: []string{"rdinit=/bin/sleep", "--", "100000"}, // a process 1 that tells nobody anything
		Console:    &lines{t: t},
	})
	skipUnavailable(t, err)
	var timeout *guest.TimeoutError
	if !errors.As(err, &timeout) || timeout.Started {
		t.Errorf("got %v, want that the guest had not come to its command", err)
	}
}

func TestCloseEndsAGuestAtAnyTime(t *testing.T) {
	t.Parallel()
	g := boot(t, guest.Config{Shape: oneCPU, Command: []string{"sleep", "100000"}})
	g.Close()
	g.Close()
	if _, err := g.Wait(); !errors.Is(err, guest.ErrClosed) {
		t.Errorf("Wait() = %v after Close, want ErrClosed", err)
	}
}

func TestAGuestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g, err := guest.Boot(ctx, guest.Config{Shape: oneCPU, Command: []string{"sleep", "100000"}, Console: &lines{t: t}})
	skipUnavailable(t, err)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := g.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait() = %v, want the end of the context", err)
	}
}

// boot boots a guest that is closed at the end of the test.
func boot(t *testing.T, cfg guest.Config) *guest.Guest {
	t.Helper()
	cfg.Console = &lines{t: t}
	g, err := guest.Boot(t.Context(), cfg)
	skipUnavailable(t, err)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello ", r.URL.Path)
	}))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	result, err := guest.Run(t.Context(), guest.Config{
		Shape: oneCPU, Network: true, Hostname: "node-a",
		Command: []string{"sh", "-c", "wget -q -O - http://10.0.2.2:" + port + "/$(hostname); ip route"},
		Console: &lines{t: t}, Stdout: &stdout, Stderr: &lines{t: t},
	})
	skipUnavailable(t, err)
	if err != nil {
		t.Fatal(err)
	}
	if got := stdout.String(); result.ExitCode != 0 || !strings.HasPrefix(got, "hello /node-a") ||
		!strings.Contains(got, "default via 10.0.2.2 dev eth0") {
		t.Errorf("exit code %d and %q: want the server's answer, and the route", result.ExitCode, got)
	}
}

// TestTheParentIsKilled kills a process that booted a guest, without any
// chance to clean up.
func TestTheParentIsKilled(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), parentTimeout)
	defer cancel()
	parent := exec.CommandContext(ctx, program, roleParent)
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = parent.Process.Kill()
		_ = parent.Wait()
	}()
	said, err := bufio.NewReader(out).ReadString('\n')
	if strings.HasPrefix(said, guest.ErrUnavailable.Error()) {
		t.Skip(said)
	}
	if err != nil || said != parentReady+"\n" {
		t.Fatalf("the parent said %q, %v", said, err)
	}
	pids := emulators(t, parent.Process.Pid)
	if len(pids) != 1 {
		t.Fatalf("the parent has the children %v, want one emulator", pids)
	}
	fd, err := unix.PidfdOpen(pids[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	const limit = 20 * time.Second
	if !ends(fd, limit) {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
		t.Errorf("the emulator is alive %v after its parent was killed", limit)
	}
}

// ends waits until the process of a pidfd has ended.
func ends(fd int, limit time.Duration) bool {
	for end := time.Now().Add(limit); ; {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(time.Until(end).Milliseconds()))
		if !errors.Is(err, unix.EINTR) {
			return n == 1
		}
	}
}

// beParent boots a guest that never comes to our init: only the kernel of this
// machine can end it.
func beParent() int {
	_, err := guest.Boot(context.Background(), guest.Config{
		Shape: oneCPU, Command: []string{"true"}, Console: &firstLine{},
		KernelArgs: []string{"loglevel=7", "rdinit=/bin/sleep", "--", "100000"},
	})
	fmt.Fprintln(os.Stdout, strings.ReplaceAll(err.Error(), "\n", " "))
	return 1
}

// firstLine says on the first line of the console that the guest is running.
type firstLine struct{ once sync.Once }

func (f *firstLine) Write(p []byte) (int, error) {
	f.once.Do(func() { fmt.Fprintln(os.Stdout, parentReady) })
	return len(p), nil
}

// emulators are the children of a process.
func emulators(t *testing.T, pid int) []int {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		if err != nil {
			continue // a thread that has ended
		}
		for f := range strings.FieldsSeq(string(text)) {
			child, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, child)
		}
	}
	return pids
}
