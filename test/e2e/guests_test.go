// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/hack/guest"
	"github.com/schedfleet/schedfleet/hack/guest/node"
)

const (
	// guestFetchTimeout is for what guests are made of, which is fetched once.
	guestFetchTimeout = 10 * time.Minute
	// guestTimeout is for a guest to boot and its agent to say that it is ready; usual are 20 s.
	guestTimeout = 4 * time.Minute
	// guestRunTimeout is for a run on an emulated machine; usual are 10 s.
	guestRunTimeout = 2 * time.Minute
	// storyLabel is on the nodes that the story is about: the guests, and one of the host.
	storyLabel = "story"
	// agentAccount is the service account of all agents.
	agentAccount = "schedfleet-agent"
)

// machines are the guests of the story, by the names of their nodes.
var machines = map[string]guest.Shape{
	"guest-numa":   {Nodes: 2, LLCsPerNode: 2, CoresPerLLC: 1, ThreadsPerCore: 2},
	"guest-caches": {Nodes: 1, LLCsPerNode: 3, CoresPerLLC: 2, ThreadsPerCore: 1},
}

// Machines of other shapes than this one take part in the cluster.
var _ = Describe("A fleet of several shapes", Ordered, ContinueOnFailure, func() {
	running := map[string]*node.Node{}

	BeforeAll(func(ctx context.Context) {
		kubeconfigs := map[string][]byte{}
		for name := range machines {
			kubeconfigs[name] = guestKubeconfig(ctx, name)
		}
		var booting sync.WaitGroup
		var mu sync.Mutex
		failed := map[string]error{}
		for name, shape := range machines {
			booting.Go(func() {
				// Its life is not that of this node's context.
				n, err := node.Start(context.WithoutCancel(ctx), node.Config{
					Name: name, Shape: shape, BinDir: c.bin, Kubeconfig: kubeconfigs[name], Log: &prefixed{prefix: name + ": "},
				})
				mu.Lock()
				defer mu.Unlock()
				running[name], failed[name] = n, err
			})
		}
		booting.Wait()
		for name, n := range running {
			if n != nil {
				DeferCleanup(func(ctx context.Context) { n.Close(); forgetNode(ctx, name) })
			}
		}
		for _, err := range failed {
			if errors.Is(err, guest.ErrUnavailable) {
				Skip(strings.ReplaceAll(err.Error(), "\n", " "))
			}
			Expect(err).NotTo(HaveOccurred())
		}
		DeferCleanup(func(ctx context.Context) { labelNode(ctx, "node-a", storyLabel+"-") })
		labelNode(ctx, "node-a", storyLabel+"=shapes")
		for name := range machines {
			awaitReady(ctx, name)
			labelNode(ctx, name, storyLabel+"=shapes", "machine=guest")
		}
	}, NodeTimeout(guestFetchTimeout+guestTimeout))

	It("shows what each machine is", func(ctx context.Context) {
		for name, want := range map[string]struct {
			shape                    string
			cpus, cores, llcs, nodes int32
			smt                      bool
			online, memory           string
			numa                     v1alpha1.FeatureState
		}{
			"guest-numa":   {"2n4l1c2t", 8, 4, 4, 2, true, "0-7", "0-1", v1alpha1.FeaturePresent},
			"guest-caches": {"1n3l2c1t", 6, 6, 3, 1, false, "0-5", "0", v1alpha1.FeatureAbsent},
		} {
			n := testNode(ctx, name)
			Expect(*n.Status.Topology).To(And(
				HaveField("Shape", want.shape), HaveField("CPUs", want.cpus), HaveField("Cores", want.cores),
				HaveField("LLCs", want.llcs), HaveField("NUMANodes", want.nodes), HaveField("SMT", want.smt),
				HaveField("OnlineCPUs", want.online), HaveField("MemoryNodes", want.memory)), name)
			Expect(feature(n, "NUMA")).To(Equal(want.numa), name)
			for _, f := range []string{"CgroupV2", "CgroupCPU", "CgroupCpuset", "CgroupMemory", "CgroupIO", "CgroupPids", "Realtime"} {
				Expect(feature(n, f)).To(Equal(v1alpha1.FeaturePresent), "%s of %s", f, name)
			}
		}
		out, err := c.kubectl(ctx, "", "get", "testnodes")
		Expect(err).NotTo(HaveOccurred(), out)
		Expect(out).To(MatchRegexp(`(?m)^guest-numa +True +8 +2n4l1c2t `))
	}, NodeTimeout(time.Minute))

	It("runs one Workload on all of them and adds up", func(ctx context.Context) {
		apply(ctx, fleetWorkload("fleet", "3s", `
    nodes: 3
    nodeSelector: {story: shapes}`, `
    - {name: spin, workers: 2, work: {spinWait: {}}}
    - {name: timer, workers: 1, work: {timerLatency: {interval: 10ms}}}`))
		DeferCleanup(remove, "fleet")
		w := awaitComplete(ctx, "fleet")
		Expect(w.Status.MergedNodeRuns).To(BeEquivalentTo(3))
		Expect(*w.Status.Nodes).To(HaveField("Valid", BeEquivalentTo(3)))
		runs := nodeRuns(ctx, "fleet")
		Expect(runs).To(HaveLen(3))
		var on []string
		for _, run := range runs {
			on = append(on, run.Spec.NodeName)
			Expect(run.Valid()).To(BeTrue(), run.Name)
		}
		Expect(on).To(ConsistOf("node-a", "guest-numa", "guest-caches"))
		for g, group := range w.Status.Groups {
			var workers int32
			var iterations, samples int64
			for _, run := range runs {
				of := run.Status.Result.Groups[g]
				Expect(of.Name).To(Equal(group.Name))
				Expect(of.Completed).To(Equal(of.Workers), run.Name)
				Expect(of.Iterations).To(BeNumerically(">", 0), run.Name)
				workers += of.Workers
				iterations += of.Iterations
				for _, d := range of.Distributions {
					samples += d.Count
				}
			}
			Expect(group.Workers).To(Equal(workers))
			Expect(group.Iterations).To(Equal(iterations))
			for _, d := range group.Distributions {
				Expect(d.Count).To(Equal(samples))
				Expect(d.Histogram).NotTo(BeEmpty())
			}
		}
	}, NodeTimeout(guestRunTimeout+time.Minute))

	It("runs what only one of them can where it can", func(ctx context.Context) {
		selector := "{}" // what this machine lacks keeps its nodes out, if it does
		if hostHasCpusets(ctx) {
			selector = "{machine: guest}"
		}
		apply(ctx, demanding("demanding", `{llc: 2, mems: "0-1"}`, selector))
		DeferCleanup(remove, "demanding")
		awaitComplete(ctx, "demanding")
		runs := nodeRuns(ctx, "demanding")
		Expect(runs).To(HaveLen(1))
		Expect(runs[0].Spec.NodeName).To(Equal("guest-numa"))
		result := runs[0].Status.Result
		Expect(result.Shape).To(Equal("2n4l1c2t"))
		Expect(result.FingerprintDigest).NotTo(BeEmpty())
		Expect(result.Groups[0]).To(And(HaveField("AllowedCPUs", "4-5"), HaveField("Policy", "batch")))
		Expect(result.Cgroups).To(ContainElement(And(
			HaveField("Name", "held"), HaveField("CPUs", "4-5"), HaveField("Mems", "0-1"),
			HaveField("ThrottledPeriods", HaveValue(BeNumerically(">", 0))))))
	}, NodeTimeout(guestRunTimeout+time.Minute))

	It("says which requirement excludes how many nodes", func(ctx context.Context) {
		apply(ctx, demanding("impossible", `{llc: 7}`, "{}"))
		DeferCleanup(remove, "impossible")
		hosts, caches := "2 lack the feature CgroupCpuset, which cgroups[0].cpuset needs", "2 lack the last-level cache 7 that cgroups[0].cpuset.llc names"
		if hostHasCpusets(ctx) {
			hosts, caches = "4 lack the last-level cache 7", "4 lack the last-level cache 7"
		}
		Eventually(func() string {
			placed := meta.FindStatusCondition(get(ctx, "impossible").Status.Conditions, v1alpha1.ConditionPlaced)
			if placed == nil || placed.Reason != v1alpha1.ReasonNoFittingNode {
				return ""
			}
			return placed.Message
		}).WithContext(ctx).WithTimeout(20 * time.Second).Should(And(
			HavePrefix("0 of 4 test nodes fit, 1 is asked for: "), ContainSubstring(hosts), ContainSubstring(caches)))
	}, NodeTimeout(time.Minute))

	It("loses a machine in good order when its agent is told to end", func(ctx context.Context) {
		Expect(running["guest-caches"].Stop()).To(Succeed())
		n := testNode(ctx, "guest-caches")
		Expect(meta.FindStatusCondition(n.Status.Conditions, v1alpha1.ConditionReady)).To(And(
			HaveField("Status", BeEquivalentTo("False")), HaveField("Reason", v1alpha1.ReasonAgentStopped)))
		Expect(running["guest-numa"].Stop()).To(Succeed())
		Expect(emulators()).To(BeEmpty())
	}, NodeTimeout(3*time.Minute))
})

// fleetWorkload is a manifest with a placement and groups of its own.
func fleetWorkload(name, duration, placement, groups string) string {
	return fmt.Sprintf(`apiVersion: schedfleet.dev/v1alpha1
kind: Workload
metadata:
  name: %s
spec:
  duration: %s
  placement:%s
  groups:%s
`, name, duration, placement, groups)
}

// demanding is a manifest that asks for a cpuset, a quota that is always used up, a
// policy, and memory on the second NUMA node.
func demanding(name, cpuset, selector string) string {
	return fmt.Sprintf(`apiVersion: schedfleet.dev/v1alpha1
kind: Workload
metadata:
  name: %s
spec:
  duration: 2s
  placement: {nodeSelector: %s}
  cgroups:
    - {name: held, cpuset: %s, cpu: {quota: 50ms}}
  schedulingPolicies:
    - {name: batch, batch: {}}
  memoryPolicies:
    - {name: far, mode: Bind, nodes: "1"}
  groups:
    - {name: spin, workers: 2, cgroup: held, schedulingPolicy: batch, memoryPolicy: far, work: {spinWait: {}}}
`, name, selector, cpuset)
}

// hostHasCpusets says whether the cluster's other nodes can have what the guests have.
func hostHasCpusets(ctx context.Context) bool {
	GinkgoHelper()
	return feature(testNode(ctx, "node-a"), "CgroupCpuset") == v1alpha1.FeaturePresent
}

func awaitComplete(ctx context.Context, name string) *v1alpha1.Workload {
	GinkgoHelper()
	var w *v1alpha1.Workload
	Eventually(func() bool { w = get(ctx, name); return w.Finished() }).WithContext(ctx).
		WithTimeout(guestRunTimeout).WithPolling(200*time.Millisecond).Should(BeTrue(), "the Workload does not end")
	Expect(meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionComplete)).To(BeTrue(), "%+v", w.Status)
	return w
}

func testNode(ctx context.Context, name string) *v1alpha1.TestNode {
	GinkgoHelper()
	n := &v1alpha1.TestNode{}
	Expect(c.client.Get(ctx, client.ObjectKey{Name: name}, n)).To(Succeed())
	return n
}

func awaitReady(ctx context.Context, name string) {
	GinkgoHelper()
	Eventually(func() bool {
		n := &v1alpha1.TestNode{}
		return c.client.Get(ctx, client.ObjectKey{Name: name}, n) == nil && n.Ready()
	}).WithContext(ctx).WithTimeout(guestTimeout).WithPolling(200*time.Millisecond).Should(BeTrue(), "%s is not ready", name)
}

func feature(n *v1alpha1.TestNode, name string) v1alpha1.FeatureState {
	for _, f := range n.Status.Features {
		if f.Name == name {
			return f.State
		}
	}
	return ""
}

// labelNode adds labels to a node, or removes those that end with a minus.
func labelNode(ctx context.Context, name string, labels ...string) {
	GinkgoHelper()
	out, err := c.kubectl(ctx, "", append([]string{"label", "--overwrite", "testnode", name}, labels...)...)
	Expect(err).NotTo(HaveOccurred(), out)
}

// forgetNode removes what a node that is gone for good leaves in the cluster.
func forgetNode(ctx context.Context, name string) {
	GinkgoHelper()
	for _, object := range []string{"testnode/" + name, "lease/" + name} {
		out, err := c.kubectl(ctx, "", "delete", object, "-n", v1alpha1.DefaultLeaseNamespace, "--ignore-not-found", "--timeout=30s")
		Expect(err).NotTo(HaveOccurred(), out)
	}
}

// guestKubeconfig is for the agent in a guest, as a DaemonSet's would be: with a
// token of the agents' account that is bound to its Node.
func guestKubeconfig(ctx context.Context, name string) []byte {
	GinkgoHelper()
	out, err := c.kubectl(ctx, "{apiVersion: v1, kind: Node, metadata: {name: "+name+"}}", "apply", "-f", "-")
	Expect(err).NotTo(HaveOccurred(), out)
	DeferCleanup(func(ctx context.Context) {
		out, err := c.kubectl(ctx, "", "delete", "node", name, "--ignore-not-found")
		Expect(err).NotTo(HaveOccurred(), out)
	})
	token, err := c.kubectl(ctx, "", "create", "token", agentAccount, "-n", v1alpha1.DefaultLeaseNamespace, "--duration=1h",
		"--bound-object-kind=Node", "--bound-object-name="+name)
	Expect(err).NotTo(HaveOccurred(), token)
	config, err := clientcmd.LoadFromFile(filepath.Join(c.dir, "kubeconfig"))
	Expect(err).NotTo(HaveOccurred())
	config.AuthInfos = map[string]*clientcmdapi.AuthInfo{
		config.Contexts[config.CurrentContext].AuthInfo: {Token: strings.TrimSpace(token)},
	}
	text, err := clientcmd.Write(*config)
	Expect(err).NotTo(HaveOccurred())
	return text
}

// emulators are the children of this process that emulate machines.
func emulators() []string {
	GinkgoHelper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	Expect(err).NotTo(HaveOccurred())
	var found []string
	for _, list := range lists {
		pids, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended
		}
		for pid := range strings.FieldsSeq(string(pids)) {
			if exe, err := os.Readlink("/proc/" + pid + "/exe"); err == nil && strings.Contains(filepath.Base(exe), "qemu") {
				found = append(found, pid)
			}
		}
	}
	return found
}

// prefixed writes to what ginkgo shows of a spec that fails, each line with its origin.
type prefixed struct{ prefix string }

func (p *prefixed) Write(b []byte) (int, error) {
	for line := range bytes.Lines(b) {
		GinkgoWriter.Printf("%s%s\n", p.prefix, bytes.TrimRight(line, "\r\n"))
	}
	return len(b), nil
}
