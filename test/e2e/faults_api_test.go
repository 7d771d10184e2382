// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/test/e2e/internal/proxy"
)

func (f *faults) api() {
	It("out of reach for longer than any Lease: runs go on, reports arrive, nothing is repeated", func(ctx context.Context) {
		apply(ctx, workload("away", "4s", ""))
		awaitWorkers(ctx)
		f.eachProxy((*proxy.Proxy).Cut)
		outlast(ctx)
		Expect(workersIn()).To(BeEmpty(), "the runs end by themselves")
		f.eachProxy((*proxy.Proxy).Mend)
		awaitFinished(ctx, "away")
		Expect(endings(ctx, "away")).To(Equal(bothValid()))
	}, NodeTimeout(2*time.Minute))

	It("out of reach for one node only: the node is lost, the run repeated, and its late report is not taken", func(ctx context.Context) {
		only(ctx, "one", "node-a")
		apply(ctx, onNode("one", "alone", "4s", "  retries: 1"))
		awaitTimers(ctx)
		f.proxies["node-a"].Cut()
		only(ctx, "one", "node-b")
		since := logSize()
		w := awaitFinished(ctx, "alone")
		Expect(w.Status.Nodes.Valid).To(BeEquivalentTo(1))
		Expect(logOf(since)).NotTo(ContainSubstring("report delivered"))
		f.proxies["node-a"].Mend()
		Eventually(func() string { return logOf(since) }).WithContext(ctx).WithTimeout(30 * time.Second).
			Should(ContainSubstring("it comes too late, the NodeRun has ended (NodeLost)"))
		Expect(endings(ctx, "alone")).To(Equal(map[string][]string{"node-a": {"NodeLost"}, "node-b": {"Valid"}}))
	}, NodeTimeout(2*time.Minute))

	It("answering half of all requests with 409, 429, 500 or 503: everything ends, and nobody hammers it", func(ctx context.Context) {
		statuses := []int{http.StatusConflict, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
		before := map[string]int{}
		for name, p := range f.proxies {
			before[name] = p.Requests()
			p.SetFault(func(_ *http.Request, n int) proxy.Answer {
				if n%2 == 0 {
					return proxy.Answer{}
				}
				return proxy.Answer{Status: statuses[n/2%len(statuses)]}
			})
		}
		began := time.Now()
		apply(ctx, workload("storm", "2s", "  retries: 2"))
		w := awaitFinished(ctx, "storm")
		Expect(w.Status.Nodes.Valid).To(BeEquivalentTo(2), "%v", endings(ctx, "storm"))
		const perSecond = 20
		for name, p := range f.proxies {
			Expect(p.Requests()-before[name]).To(BeNumerically("<", perSecond*(10+int(time.Since(began).Seconds()))), name)
		}
	}, NodeTimeout(3*time.Minute))

	It("slow: it takes longer", func(ctx context.Context) {
		f.eachProxy(func(p *proxy.Proxy) {
			p.SetFault(func(*http.Request, int) proxy.Answer { return proxy.Answer{Delay: time.Second} })
		})
		apply(ctx, workload("slow", "1s", ""))
		awaitFinished(ctx, "slow")
		Expect(endings(ctx, "slow")).To(Equal(bothValid()))
	}, NodeTimeout(2*time.Minute))
}

func (f *faults) plane() {
	It("that stands still for longer than any Lease: no node is lost", func(ctx context.Context) {
		apply(ctx, workload("frozen-api", "4s", ""))
		awaitWorkers(ctx)
		thaw := child("kube-apiserver").freeze()
		outlast(ctx)
		thaw()
		awaitFinished(ctx, "frozen-api")
		Expect(endings(ctx, "frozen-api")).To(Equal(bothValid()))
	}, NodeTimeout(2*time.Minute))

	It("that is killed, first etcd and then the API server, and started again", func(ctx context.Context) {
		apply(ctx, workload("killed-api", "5s", ""))
		awaitWorkers(ctx)
		address := etcdAddress()
		again(ctx, "etcd", func() error {
			port, err := net.DialTimeout("tcp", address, time.Second)
			if err != nil {
				return err
			}
			return port.Close()
		})
		again(ctx, "kube-apiserver", func() error { return c.client.List(ctx, &v1alpha1.NodeRunList{}) })
		awaitFinished(ctx, "killed-api")
		Expect(endings(ctx, "killed-api")).To(Equal(bothValid()))
	}, NodeTimeout(3*time.Minute))
}

// again kills a part of the control plane, which nobody starts again but this, and waits
// until it answers. One that ends is started once more: while nobody listened, its port may
// have become that of a connection.
func again(ctx context.Context, name string, answers func() error) {
	GinkgoHelper()
	old := child(name)
	args := strings.Split(strings.TrimSuffix(procFile(old, "cmdline"), "\x00"), "\x00")
	environ := strings.Split(strings.TrimSuffix(procFile(old, "environ"), "\x00"), "\x00")
	old.kill()
	// Its ports are free once the last of its threads is gone, and it is reaped then.
	Eventually(func() error { _, err := os.Stat(fmt.Sprintf("/proc/%d", old.PID)); return err }).WithContext(ctx).
		WithTimeout(10 * time.Second).WithPolling(10 * time.Millisecond).Should(MatchError(os.ErrNotExist))
	var ended <-chan struct{}
	Eventually(func() error {
		select {
		case <-ended:
			ended = nil
		default:
		}
		if ended == nil {
			ended = startAgain(name, args, environ)
		}
		return answers()
	}).WithContext(ctx).WithTimeout(time.Minute).WithPolling(200*time.Millisecond).Should(Succeed(), "%s does not answer", name)
}

// startAgain starts a part of the control plane, and says when it ends.
func startAgain(name string, args, environ []string) <-chan struct{} {
	GinkgoHelper()
	log, err := os.OpenFile(filepath.Join(c.dir, "logs", name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	Expect(err).NotTo(HaveOccurred())
	defer log.Close()
	cmd := exec.Command(args[0], args[1:]...) // it outlives the story, not the cluster
	cmd.Env, cmd.Stdout, cmd.Stderr = environ, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	Expect(cmd.Start()).To(Succeed())
	c.restarted[name] = identify(cmd.Process.Pid)
	ended := make(chan struct{})
	go func() { // dev down ends it
		_ = cmd.Wait()
		close(ended)
	}()
	return ended
}

// etcdAddress is where the cluster's etcd listens.
func etcdAddress() string {
	GinkgoHelper()
	for arg := range strings.SplitSeq(procFile(child("kube-apiserver"), "cmdline"), "\x00") {
		if _, address, ok := strings.Cut(arg, "--etcd-servers=http://"); ok {
			return address
		}
	}
	Fail("the API server was not told where etcd is")
	return ""
}

func procFile(p process, name string) string {
	GinkgoHelper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.PID, name))
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}
