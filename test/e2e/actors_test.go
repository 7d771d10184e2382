// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// startTime is the time a process started, in clock ticks since boot; 0 for one that is dead.
func startTime(pid int) uint64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if fields[0] == "Z" || fields[0] == "X" {
		return 0
	}
	ticks, _ := strconv.ParseUint(fields[19], 10, 64)
	return ticks
}

func (p process) alive() bool { return p.StartTime > 0 && startTime(p.PID) == p.StartTime }

// kill sends SIGKILL, if the process is still the same one.
func (p process) kill() {
	GinkgoHelper()
	Expect(p.alive()).To(BeTrue(), "pid %d is gone already", p.PID)
	Expect(syscall.Kill(p.PID, syscall.SIGKILL)).To(Succeed())
}

// identify is the process that has this pid now.
func identify(pid int) process { return process{PID: pid, StartTime: startTime(pid)} }

// child is a process that the dev cluster keeps running, by name.
func child(name string) process {
	GinkgoHelper()
	s, err := c.state()
	Expect(err).NotTo(HaveOccurred())
	Expect(s.Children).To(HaveKey(name))
	return s.Children[name]
}

// restartLimit is above the longest pause the dev cluster makes before it starts a
// child again that was killed often.
const restartLimit = 20 * time.Second

// killChild kills a child, once it lives: one killed before may be about to start again.
func killChild(ctx context.Context, name string) {
	GinkgoHelper()
	var p process
	Eventually(func() bool { p = child(name); return p.alive() }).WithContext(ctx).
		WithTimeout(restartLimit).WithPolling(20*time.Millisecond).Should(BeTrue(), "%s does not start", name)
	p.kill()
}

// settle waits until every child has lived long enough to be at work.
func settle(ctx context.Context) {
	GinkgoHelper()
	const ticks, seconds = 100, 2 // a tick is 10 ms in /proc/<pid>/stat
	Eventually(func(g Gomega) {
		s, err := c.state()
		g.Expect(err).NotTo(HaveOccurred())
		text, err := os.ReadFile("/proc/uptime")
		g.Expect(err).NotTo(HaveOccurred())
		uptime, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
		g.Expect(err).NotTo(HaveOccurred())
		for name, p := range s.Children {
			g.Expect(p.alive()).To(BeTrue(), name)
			g.Expect(uptime-float64(p.StartTime)/ticks).To(BeNumerically(">", seconds), name)
		}
	}).WithContext(ctx).WithTimeout(restartLimit).WithPolling(100 * time.Millisecond).Should(Succeed())
}

// workersIn are the worker processes below the cluster's cgroup.
func workersIn() []process {
	GinkgoHelper()
	s, err := c.state()
	Expect(err).NotTo(HaveOccurred())
	var list []process
	err = filepath.WalkDir(s.CgroupRoot, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "cgroup.procs" {
			return nil // a cgroup that vanishes meanwhile has no workers
		}
		text, _ := os.ReadFile(path)
		for word := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				return err
			}
			if p := identify(pid); p.alive() { // on a busy machine it may have ended meanwhile
				list = append(list, p)
			}
		}
		return nil
	})
	Expect(err).NotTo(HaveOccurred())
	return list
}

// parentOf is the parent of a process.
func parentOf(p process) process {
	GinkgoHelper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
	Expect(err).NotTo(HaveOccurred())
	for line := range strings.SplitSeq(string(status), "\n") {
		if text, ok := strings.CutPrefix(line, "PPid:\t"); ok {
			pid, err := strconv.Atoi(text)
			Expect(err).NotTo(HaveOccurred())
			return identify(pid)
		}
	}
	Fail("no PPid")
	return process{}
}

// killRunnerOf kills the runner of a worker, unless the run has just ended.
func killRunnerOf(worker process) {
	GinkgoHelper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", worker.PID))
	if err != nil {
		return // the worker has ended
	}
	_, after, _ := strings.Cut(string(status), "\nPPid:\t")
	pid, err := strconv.Atoi(strings.SplitN(after, "\n", 2)[0])
	Expect(err).NotTo(HaveOccurred())
	runner, err := os.FindProcess(pid) // by a pidfd: it cannot become another's
	Expect(err).NotTo(HaveOccurred())
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err == nil && strings.HasPrefix(string(comm), "schedfleet-runn") {
		_ = runner.Kill() // it may just have ended
	}
}

// workload is a manifest of two pairs, a timer and a burner on both nodes.
func workload(name, duration, more string) string {
	return fmt.Sprintf(`apiVersion: schedfleet.dev/v1alpha1
kind: Workload
metadata:
  name: %s
spec:
  duration: %s
%s
  placement:
    nodes: 2
  groups:
    - {name: ping, workers: 4, work: {futexPingPong: {}}}
    - {name: timer, workers: 1, work: {timerLatency: {interval: 1ms}}}
    - {name: burner, workers: 1, nice: 10, work: {spinWait: {}}}
`, name, duration, more)
}

// endless is a manifest of as many workers that burn no CPU. A load without an end
// must not starve the control plane beside it of CPU, whatever the kernel's scheduler does.
func endless(name string) string {
	return fmt.Sprintf(`apiVersion: schedfleet.dev/v1alpha1
kind: Workload
metadata:
  name: %s
spec:
  duration: 1h
  placement:
    nodes: 2
  groups:
    - {name: timer, workers: %d, work: {timerLatency: {interval: 10ms}}}
`, name, allWorkers/2)
}

func get(ctx context.Context, name string) *v1alpha1.Workload {
	GinkgoHelper()
	w := &v1alpha1.Workload{}
	Expect(c.client.Get(ctx, client.ObjectKey{Namespace: "default", Name: name}, w)).To(Succeed())
	return w
}

func nodeRuns(ctx context.Context, workload string) []v1alpha1.NodeRun {
	GinkgoHelper()
	var list v1alpha1.NodeRunList
	Expect(c.client.List(ctx, &list, client.MatchingLabels{v1alpha1.LabelWorkload: workload})).To(Succeed())
	return list.Items
}

func apply(ctx context.Context, manifest string) {
	GinkgoHelper()
	out, err := c.kubectl(ctx, manifest, "apply", "-f", "-")
	Expect(err).NotTo(HaveOccurred(), out)
}

// remove deletes a Workload and waits until it is gone, as kubectl does.
func remove(ctx context.Context, name string) {
	GinkgoHelper()
	out, err := c.kubectl(ctx, "", "delete", "workload", name, "--ignore-not-found", "--timeout=90s")
	Expect(err).NotTo(HaveOccurred(), out)
	Expect(nodeRuns(ctx, name)).To(BeEmpty())
}

// allWorkers is how many workers the manifests above make on both nodes.
const allWorkers = 12

// awaitWorkers waits until all workers are at work.
func awaitWorkers(ctx context.Context) []process {
	GinkgoHelper()
	var list []process
	Eventually(func() int { list = workersIn(); return len(list) }).WithContext(ctx).
		WithTimeout(30 * time.Second).WithPolling(50 * time.Millisecond).Should(Equal(allWorkers))
	return list
}

// assertDead checks that processes are gone within five seconds.
func assertDead(ctx context.Context, list []process) {
	GinkgoHelper()
	Eventually(func() (n int) {
		for _, p := range list {
			if p.alive() {
				n++
			}
		}
		return n
	}).WithContext(ctx).WithTimeout(5*time.Second).WithPolling(50*time.Millisecond).Should(BeZero(), "workers are alive")
}
