// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/test/e2e/internal/proxy"
)

const (
	// faultLease is how long the heartbeats of these stories count, so that they are short.
	faultLease = 6 * time.Second
	// lostAfter is when the manager gives a node up: the Lease, and its grace.
	lostAfter = faultLease + 5*time.Second
)

// faults is a cluster in which each program reaches the API server through a proxy of its own.
type faults struct {
	proxies map[string]*proxy.Proxy
}

// What docs/operations.md says happens at each fault, on real processes. After
// every story all objects have ended and nothing is left on the nodes.
var _ = Describe("Faults", Ordered, ContinueOnFailure, func() {
	f := &faults{}
	BeforeAll(f.up, NodeTimeout(upTimeout+time.Minute))
	AfterEach(f.clean, NodeTimeout(time.Minute))

	Describe("of the way to the API server", f.api)
	Describe("of the control plane", f.plane)
	Describe("of managers", f.managers)
	Describe("of agents", f.agents)
	Describe("of disks", f.disks)
	Describe("made by hand", f.hands)
})

// up starts the cluster and puts the proxies into the ways.
func (f *faults) up(ctx context.Context) {
	shared := c
	mine := &cluster{bin: c.bin, assets: c.assets, dir: filepath.Join(filepath.Dir(c.dir), "faults"), restarted: map[string]process{}}
	DeferCleanup(func(ctx context.Context) {
		out, err := mine.schedfleet(ctx, downTimeout, "dev", "down", "--dir", mine.dir)
		c = shared
		Expect(err).NotTo(HaveOccurred(), out)
	})
	out, err := mine.schedfleet(ctx, upTimeout, "dev", "up", "--dir", mine.dir, "--nodes", "2", "--assets", mine.assets,
		"--agent-flag=--lease-duration="+faultLease.String())
	Expect(err).NotTo(HaveOccurred(), out)
	c = mine
	c.client = newClient()
	f.proxies = map[string]*proxy.Proxy{}
	for _, name := range []string{"manager", "node-a", "node-b"} {
		file := userConfig(name)
		Expect(os.Rename(file, file+".direct")).To(Succeed())
		p, err := proxy.Start(file + ".direct")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(p.Close)
		Expect(p.WriteKubeconfig(file)).To(Succeed())
		f.proxies[name] = p
		killChild(ctx, name) // it starts again, and reads the new one
	}
	settle(ctx)
	for name, p := range f.proxies {
		Eventually(p.Requests).WithContext(ctx).WithTimeout(restartLimit).WithPolling(100*time.Millisecond).Should(BeNumerically(">", 0), name)
	}
}

// userConfig is the kubeconfig of a program of the cluster.
func userConfig(name string) string {
	return filepath.Join(c.dir, "users", name+".kubeconfig")
}

// clean undoes faults and checks that nothing is left of them: every object has
// ended, no worker and no cgroup of a run stands, and the spools are empty.
func (f *faults) clean(ctx context.Context) {
	for _, p := range f.proxies {
		p.SetFault(nil)
	}
	settle(ctx)
	for _, node := range []string{"node-a", "node-b"} {
		awaitReady(ctx, node)
	}
	s, err := c.state()
	Expect(err).NotTo(HaveOccurred())
	Eventually(func(g Gomega) {
		var runs v1alpha1.NodeRunList
		g.Expect(c.client.List(ctx, &runs)).To(Succeed())
		for i := range runs.Items {
			g.Expect(runs.Items[i].Finished()).To(BeTrue(), "NodeRun %s", runs.Items[i].Name)
		}
		var loads v1alpha1.WorkloadList
		g.Expect(c.client.List(ctx, &loads)).To(Succeed())
		for i := range loads.Items {
			g.Expect(loads.Items[i].Finished()).To(BeTrue(), "Workload %s", loads.Items[i].Name)
		}
		g.Expect(workersIn()).To(BeEmpty())
		for _, pattern := range []string{
			filepath.Join(s.CgroupRoot, "*", "*", "cgroup.procs"), // the cgroups of runs
			filepath.Join(c.dir, "spool", "*", "*.json"), filepath.Join(c.dir, "spool", "*", "*.raw"),
		} {
			left, err := filepath.Glob(pattern)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(left).To(BeEmpty())
		}
	}).WithContext(ctx).WithTimeout(30*time.Second).WithPolling(200*time.Millisecond).Should(Succeed(), "something is left")
	var loads v1alpha1.WorkloadList
	Expect(c.client.List(ctx, &loads)).To(Succeed())
	for i := range loads.Items {
		remove(ctx, loads.Items[i].Name)
	}
}

// eachProxy does the same to all of them.
func (f *faults) eachProxy(do func(*proxy.Proxy)) {
	for _, p := range f.proxies {
		do(p)
	}
}

// endings are how the NodeRuns of a Workload ended, by node: a reason, or Valid.
func endings(ctx context.Context, name string) map[string][]string {
	GinkgoHelper()
	all := map[string][]string{}
	for _, run := range nodeRuns(ctx, name) {
		how := "unfinished"
		switch reason, _ := run.VoidBecause(); {
		case run.Valid():
			how = "Valid"
		case run.Finished():
			how = string(reason)
		}
		all[run.Spec.NodeName] = append(all[run.Spec.NodeName], how)
	}
	return all
}

// bothValid is how a Workload of both nodes ends that noticed nothing.
func bothValid() map[string][]string {
	return map[string][]string{"node-a": {"Valid"}, "node-b": {"Valid"}}
}

// timers is how many workers onNode has.
const timers = 2

// onNode is a manifest of timers on one of the nodes with a label.
func onNode(label, name, duration, more string) string {
	return fmt.Sprintf(`apiVersion: schedfleet.dev/v1alpha1
kind: Workload
metadata: {name: %s}
spec:
  duration: %s
%s
  placement: {nodes: 1, nodeSelector: {fault: %s}}
  groups: [{name: timer, workers: %d, work: {timerLatency: {interval: 10ms}}}]
`, name, duration, more, label, timers)
}

// only labels nodes for onNode.
func only(ctx context.Context, label string, nodes ...string) {
	GinkgoHelper()
	for _, n := range nodes {
		labelNode(ctx, n, "fault="+label)
		DeferCleanup(func(ctx context.Context) { labelNode(ctx, n, "fault-") })
	}
}

// awaitTimers waits for the workers of onNode.
func awaitTimers(ctx context.Context) (list []process) {
	GinkgoHelper()
	Eventually(func() int { list = workersIn(); return len(list) }).WithContext(ctx).
		WithTimeout(30 * time.Second).WithPolling(50 * time.Millisecond).Should(Equal(timers))
	return list
}

// outlast lets a fault last for longer than any heartbeat counts. There is nothing to wait for but time.
func outlast(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(lostAfter + 4*time.Second):
	}
}

// freeze stops a process until thaw, which a story that fails gets too.
func (p process) freeze() (thaw func()) {
	GinkgoHelper()
	Expect(syscall.Kill(p.PID, syscall.SIGSTOP)).To(Succeed())
	thaw = func() {
		if p.alive() {
			Expect(syscall.Kill(p.PID, syscall.SIGCONT)).To(Succeed())
		}
	}
	DeferCleanup(thaw)
	return thaw
}

// victim is the node that most faults strike.
const victim = "node-a"

// logOf is what the victim's agent has logged since a size of its log.
func logOf(since int64) string {
	text, err := os.ReadFile(filepath.Join(c.dir, "logs", victim+".log"))
	if err != nil {
		return err.Error()
	}
	return string(text[min(since, int64(len(text))):])
}

func logSize() int64 { return int64(len(logOf(0))) }

// holderOf is who holds a Lease; empty if nobody does, or there is none.
func holderOf(ctx context.Context, lease string) string {
	GinkgoHelper()
	out, err := c.kubectl(ctx, "", "get", "lease", lease, "-n", v1alpha1.DefaultLeaseNamespace, "--ignore-not-found", "-o", "jsonpath={.spec.holderIdentity}")
	Expect(err).NotTo(HaveOccurred(), out)
	return strings.TrimSpace(out)
}
