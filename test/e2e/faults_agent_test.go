// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

func (f *faults) agents() {
	It("that stand still for longer than their Lease: the node is lost, and its run stopped when they go on", func(ctx context.Context) {
		only(ctx, "a", "node-a")
		apply(ctx, onNode("a", "still", "10m", "  retries: 0"))
		workers := awaitTimers(ctx)
		thaw := child("node-a").freeze()
		w := awaitFinished(ctx, "still")
		Expect(meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionFailed)).To(HaveField("Reason", v1alpha1.ReasonRetriesExhausted))
		Expect(endings(ctx, "still")).To(Equal(map[string][]string{"node-a": {"NodeLost"}}))
		thaw()
		assertDead(ctx, workers)
		Expect(endings(ctx, "still")).To(Equal(map[string][]string{"node-a": {"NodeLost"}}))
	}, NodeTimeout(2*time.Minute))

	It("of two machines with one node name: the second waits, and has the node when the first is gone", func(ctx context.Context) {
		first := child("node-a")
		mine := holderOf(ctx, "node-a")
		twin := startTwin()
		Eventually(twin.said).WithContext(ctx).WithTimeout(20 * time.Second).Should(ContainSubstring("takes no NodeRuns"))
		only(ctx, "two", "node-a")
		apply(ctx, onNode("two", "twins", "1s", ""))
		awaitFinished(ctx, "twins")
		Expect(endings(ctx, "twins")).To(Equal(map[string][]string{"node-a": {"Valid"}}))
		Expect(holderOf(ctx, "node-a")).To(Equal(mine))
		Expect(twin.said()).NotTo(ContainSubstring("run begun"))

		apply(ctx, onNode("two", "twins-2", "10m", "  retries: 0"))
		workers := awaitTimers(ctx)
		thaw := first.freeze()
		awaitFinished(ctx, "twins-2")
		Expect(holderOf(ctx, "node-a")).NotTo(Equal(mine))
		Expect(endings(ctx, "twins-2")["node-a"]).To(ConsistOf(BeElementOf("AgentRestart", "NodeLost")))
		since := logSize()
		thaw()
		assertDead(ctx, workers)
		Eventually(func() string { return logOf(since) }).WithContext(ctx).WithTimeout(20 * time.Second).
			Should(ContainSubstring("another agent holds this node's Lease"))
		apply(ctx, onNode("two", "twins-3", "1s", ""))
		awaitFinished(ctx, "twins-3")
		Expect(twin.said()).To(ContainSubstring("run begun"))

		twin.stop(ctx)
		apply(ctx, onNode("two", "twins-4", "1s", ""))
		awaitFinished(ctx, "twins-4")
		Expect(endings(ctx, "twins-4")).To(Equal(map[string][]string{"node-a": {"Valid"}}))
	}, NodeTimeout(3*time.Minute))
}

func (f *faults) managers() {
	It("of which two compete: the leader stands still, the other goes on, and the first ends when it wakes", func(ctx context.Context) {
		defer child("manager").freeze()() // it takes no part in elections
		const leaderLease = "manager.schedfleet.dev"
		first := startManager()
		Eventually(func() string { return holderOf(ctx, leaderLease) }).WithContext(ctx).
			WithTimeout(30 * time.Second).WithPolling(100 * time.Millisecond).ShouldNot(BeEmpty())
		second := startManager()
		leader := holderOf(ctx, leaderLease)
		apply(ctx, workload("leader", "2s", ""))
		awaitWorkers(ctx)
		thaw := identify(first.cmd.Process.Pid).freeze()
		awaitFinished(ctx, "leader")
		Expect(endings(ctx, "leader")).To(Equal(bothValid()))
		Expect(holderOf(ctx, leaderLease)).NotTo(Equal(leader))
		thaw()
		Eventually(first.ended).WithContext(ctx).WithTimeout(20*time.Second).Should(BeClosed(), "a manager that lost the lead goes on")
		Expect(first.said()).To(ContainSubstring("leader election lost"))
		apply(ctx, workload("leader-2", "1s", ""))
		awaitFinished(ctx, "leader-2")
		second.stop(ctx)
	}, NodeTimeout(3*time.Minute))
}

// program is one that the cluster does not know of.
type program struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

// Write takes what the program logs.
func (p *program) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(text)
}

func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func startProgram(name string, args ...string) *program {
	GinkgoHelper()
	p := &program{cmd: exec.Command(filepath.Join(c.bin, name), args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	Expect(p.cmd.Start()).To(Succeed())
	go func() { defer close(p.ended); _ = p.cmd.Wait() }()
	DeferCleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if CurrentSpecReport().Failed() {
			GinkgoWriter.Println("log of", name, "\n"+p.said())
		}
	})
	return p
}

// stop ends a program in good order.
func (p *program) stop(ctx context.Context) {
	GinkgoHelper()
	Expect(p.cmd.Process.Signal(syscall.SIGTERM)).To(Succeed())
	Eventually(p.ended).WithContext(ctx).WithTimeout(30 * time.Second).Should(BeClosed())
}

// startTwin starts a second agent of the victim, with a spool and a cgroup of its own, as on another machine.
func startTwin() *program {
	GinkgoHelper()
	s, err := c.state()
	Expect(err).NotTo(HaveOccurred())
	spool := filepath.Join(c.dir, "spool", victim+"-twin")
	Expect(os.MkdirAll(spool, 0o700)).To(Succeed())
	return startProgram("schedfleet-agent", "--kubeconfig="+userConfig(victim)+".direct", "--node-name="+victim,
		"--spool-dir="+spool, "--cgroup-root="+filepath.Join(s.CgroupRoot, victim+"-twin"), "--lease-duration="+faultLease.String())
}

func startManager() *program {
	GinkgoHelper()
	return startProgram("schedfleet-manager", "--kubeconfig="+userConfig("manager")+".direct", "--leader-elect",
		"--metrics-bind-address=0", "--health-probe-bind-address=0")
}
