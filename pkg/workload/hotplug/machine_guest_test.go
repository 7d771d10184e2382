//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package hotplug

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/cgroup"
	"github.com/schedfleet/schedfleet/pkg/workload/sys"
	"github.com/schedfleet/schedfleet/pkg/workload/watchdog"
)

const (
	// takerVariable makes the test binary a taker; its value is the CPU.
	takerVariable = "SCHEDFLEET_TEST_TAKE_CPU"
	// prompt is how long a machine that is emulated may take for anything.
	prompt = 20 * time.Second
)

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == watchdog.Command:
		os.Exit(watchdog.Main())
	case os.Getenv(takerVariable) != "":
		os.Exit(take(os.Getenv(takerVariable)))
	default:
		os.Exit(m.Run())
	}
}

// take takes a CPU offline as a run does, with a watchdog, says so, and waits to be killed.
func take(list string) int {
	cpus, err := cpuset.Parse(list)
	if err != nil {
		return fail(err)
	}
	c, err := Open("/", "taker", cpus, machineCPUs())
	if err != nil {
		return fail(err)
	}
	mount, err := cgroup.Mount()
	if err != nil {
		return fail(err)
	}
	dir, err := cgroup.Create(filepath.Join(mount, "schedfleet-test-hotplug"))
	if err != nil {
		return fail(err)
	}
	kill, err := dir.OpenKill()
	if err != nil {
		return fail(err)
	}
	if _, err := watchdog.Start(watchdog.Config{Kill: kill, Deadline: time.Hour, Undo: c.Undo(), Stderr: os.Stderr}); err != nil {
		return fail(err)
	}
	if err := c.Offline(cpus); err != nil {
		return fail(err)
	}
	fmt.Fprintln(os.Stdout, "taken")
	<-time.After(time.Hour)
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stdout, err)
	return 1
}

func machineCPUs() cpuset.CPUSet {
	text, err := os.ReadFile("/" + cpuDir + "/online")
	if err != nil {
		panic(err)
	}
	cpus, err := cpuset.Parse(strings.TrimSpace(string(text)))
	if err != nil {
		panic(err)
	}
	return cpus
}

// last is the last CPU of the machine, of which there are several.
func last(t *testing.T) int {
	t.Helper()
	list := machineCPUs().List()
	if len(list) < 2 {
		t.Fatalf("the machine has the CPUs %v", list)
	}
	return list[len(list)-1]
}

// load keeps a CPU busy with tasks that are pinned to it.
func load(t *testing.T, cpu int) (pid int) {
	t.Helper()
	cmd := exec.Command("sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(cmd.Process.Pid, &set); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func affinity(t *testing.T, pid int) int {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(pid, &set); err != nil {
		t.Fatal(err)
	}
	return set.Count()
}

func assertOnline(t *testing.T, cpu int, want bool) {
	t.Helper()
	if got := machineCPUs().Contains(cpu); got != want {
		t.Errorf("CPU %d is online: %t, want %t", cpu, got, want)
	}
}

func TestMachineCPUGoesOfflineUnderLoadAndComesBack(t *testing.T) {
	cpu, before := last(t), machineCPUs()
	pinned := load(t, cpu)
	c, err := Open("/", t.Name(), cpuset.New(cpu), before)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		began := time.Now()
		if err := c.Offline(cpuset.New(cpu)); err != nil {
			t.Fatal(err)
		}
		down := time.Since(began)
		assertOnline(t, cpu, false)
		began = time.Now()
		if err := c.Online(cpuset.New(cpu)); err != nil {
			t.Fatal(err)
		}
		t.Logf("offline in %v, online in %v", down, time.Since(began))
		assertOnline(t, cpu, true)
	}
	if err := c.Offline(cpuset.New(cpu)); err != nil {
		t.Fatal(err)
	}
	rows, err := c.Restore()
	if err != nil || len(rows) != 1 || !rows[0].Verified || !machineCPUs().Equals(before) {
		t.Errorf("Restore = %+v, %v; the CPUs %s are online, they were %s", rows, err, machineCPUs(), before)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	// The documentation says so.
	if n := affinity(t, pinned); n != before.Size() {
		t.Errorf("a task pinned to the CPU may use %d CPUs now, want all %d: the kernel undoes its pin", n, before.Size())
	}
}

func TestMachineCPUThatHasToStay(t *testing.T) {
	if _, err := os.Stat("/" + cpuDir + "/cpu0/online"); err == nil {
		t.Skip("this kernel can take CPU 0 offline")
	}
	if c, err := Open("/", t.Name(), cpuset.New(0), machineCPUs()); err == nil || !strings.Contains(err.Error(), "CPU 0: the kernel keeps it online") {
		t.Errorf("Open = %v, %v", c, err)
	}
}

// A CPU whose bandwidth SCHED_DEADLINE tasks need is busy until they have gone.
func TestMachineBusyCPUIsTriedAgain(t *testing.T) {
	cpu := last(t)
	for _, tc := range []struct {
		name string
		goes time.Duration // 0: never
		want string
	}{
		{"it goes on to be busy", 0, "device or resource busy, for 2s (the kernel keeps CPUs whose bandwidth SCHED_DEADLINE tasks need"},
		{"it becomes free", 300 * time.Millisecond, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := Open("/", t.Name(), cpuset.New(cpu), machineCPUs())
			if err != nil {
				t.Fatal(err)
			}
			stop := reserveAll(t, machineCPUs().Size())
			if tc.goes > 0 {
				time.AfterFunc(tc.goes, stop)
			}
			err = c.Offline(cpuset.New(cpu))
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("Offline = %v, want %q", err, tc.want)
			}
			stop()
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			assertOnline(t, cpu, true)
		})
	}
}

// reserveAll makes tasks in SCHED_DEADLINE that reserve most of each CPU, until stop is called.
func reserveAll(t *testing.T, cpus int) (stop func()) {
	t.Helper()
	var all []*exec.Cmd
	for range cpus {
		cmd := exec.Command("sleep", "infinity")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
		if err := unix.SchedSetAttr(cmd.Process.Pid, &unix.SchedAttr{
			Size: unix.SizeofSchedAttr, Policy: unix.SCHED_DEADLINE, Runtime: 85_000_000, Deadline: 100_000_000, Period: 100_000_000,
		}, 0); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for _, cmd := range all {
			_ = cmd.Process.Kill()
		}
	}
}

// taker is a process that has taken a CPU, and its watchdog.
func taker(t *testing.T, cpu int) (pid, watchdogPID int) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env, cmd.Stderr = append(os.Environ(), takerVariable+"="+strconv.Itoa(cpu)), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	if said, err := bufio.NewReader(out).ReadString('\n'); err != nil || said != "taken\n" {
		t.Fatalf("the taker said %q, %v", said, err)
	}
	pid = cmd.Process.Pid
	kids, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range all {
		if more, err := os.ReadFile(file); err == nil {
			kids = append(kids, more...)
		}
	}
	if _, err := fmt.Sscan(string(kids), &watchdogPID); err != nil {
		t.Fatalf("the taker's children are %q: %v", kids, err)
	}
	return pid, watchdogPID
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// await waits for a CPU to be online, for as long as a watchdog may take.
func await(t *testing.T, cpu int) {
	t.Helper()
	began := time.Now()
	for !machineCPUs().Contains(cpu) {
		if time.Since(began) > prompt {
			t.Fatalf("CPU %d is still offline %v later", cpu, prompt)
		}
		_ = sys.SleepUntil(sys.Monotonic() + lockPause.Nanoseconds())
	}
	t.Logf("CPU %d was online again %v after the kill", cpu, time.Since(began))
}

func TestMachineIsPutBackByTheWatchdogOfAKilledRun(t *testing.T) {
	cpu := last(t)
	load(t, cpu)
	pid, _ := taker(t, cpu)
	assertOnline(t, cpu, false)
	kill(t, pid)
	await(t, cpu)
	// It empties the journal last, and holds it until then.
	j, err := openJournal("/", prompt)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close() //nolint:errcheck // nothing was written
	if left, err := os.ReadFile(Journal); err != nil || len(left) > 0 {
		t.Errorf("the journal still says %q, %v", left, err)
	}
}

func TestMachineIsPutBackByWhoComesNext(t *testing.T) {
	cpu := last(t)
	pid, watchdogPID := taker(t, cpu)
	kill(t, watchdogPID)
	kill(t, pid)
	j, err := openJournal("/", prompt) // when both are gone
	if err != nil {
		t.Fatal(err)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	assertOnline(t, cpu, false)
	rows, err := Recover("/")
	if err != nil || len(rows) != 1 || rows[0].What != "CPU "+strconv.Itoa(cpu) || !rows[0].Verified {
		t.Errorf("Recover = %+v, %v", rows, err)
	}
	assertOnline(t, cpu, true)
	if rows, err := Recover("/"); rows != nil || err != nil {
		t.Errorf("Recover of an empty journal = %+v, %v", rows, err)
	}
}
