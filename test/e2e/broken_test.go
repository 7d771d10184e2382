// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// broken is a manifest for one node and one attempt, with the body of its spec.
func broken(name, duration, body string) string {
	return fmt.Sprintf(`apiVersion: schedfleet.dev/v1alpha1
kind: Workload
metadata:
  name: %s
spec:
  duration: %s
  retries: 0
  placement: {nodes: 1}
%s`, name, duration, body)
}

// twoSteps are a calm step, in which a run is broken from outside, and one in which it shows.
const twoSteps = `
  steps:
    - {name: calm, hold: {fixed: 1500ms}}
    - {name: broken, hold: {fixed: 800ms}%s}
`

// run is what a test does to a run while it works.
type run struct {
	// worker is its only worker, and dir the directory of its cgroup.
	worker process
	dir    string
}

// awaitWork waits until the only worker of a Workload has had some CPU time.
func awaitWork(ctx context.Context, name string) (r run) {
	GinkgoHelper()
	const ticks = 5 // of 10 ms
	Eventually(func(g Gomega) {
		workers := workersIn()
		g.Expect(workers).To(HaveLen(1))
		r.worker = workers[0]
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.worker.PID))
		g.Expect(err).NotTo(HaveOccurred())
		utime, err := strconv.Atoi(strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[11])
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(utime).To(BeNumerically(">=", ticks))
	}).WithContext(ctx).WithTimeout(30 * time.Second).WithPolling(10 * time.Millisecond).Should(Succeed())
	s, err := c.state()
	Expect(err).NotTo(HaveOccurred())
	runs := nodeRuns(ctx, name)
	Expect(runs).To(HaveLen(1))
	r.dir = filepath.Join(s.CgroupRoot, runs[0].Spec.NodeName, runs[0].Spec.RunID)
	return r
}

// ended is a Workload of one node that has ended, with its NodeRun.
func ended(ctx context.Context, name string) (*v1alpha1.Workload, *v1alpha1.NodeRun) {
	GinkgoHelper()
	w := awaitFinished(ctx, name)
	runs := nodeRuns(ctx, name)
	Expect(runs).To(HaveLen(1))
	return w, &runs[0]
}

func awaitFinished(ctx context.Context, name string) *v1alpha1.Workload {
	GinkgoHelper()
	var w *v1alpha1.Workload
	Eventually(func() bool { w = get(ctx, name); return w.Finished() }).WithContext(ctx).
		WithTimeout(90*time.Second).WithPolling(100*time.Millisecond).Should(BeTrue(), "the Workload does not end")
	return w
}

// expectVoid checks how a Workload has ended of which no sample counts.
func expectVoid(ctx context.Context, name string, why v1alpha1.VoidReason, message string) *v1alpha1.NodeRun {
	GinkgoHelper()
	w, r := ended(ctx, name)
	reason, said := r.VoidBecause()
	Expect(reason).To(Equal(why), said)
	Expect(said).To(ContainSubstring(message))
	Expect(w.Status.Failures).To(ConsistOf(HaveField("Reason", why)))
	Expect(meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionFailed)).To(BeTrue())
	Expect(meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionPassed)).To(HaveField("Status", BeEquivalentTo("Unknown")))
	return r
}

// Every way in which a run can go wrong ends in a verdict and a reason of its own; what is killed is the matter of "Kill -9".
var _ = Describe("A broken run", Ordered, ContinueOnFailure, func() {
	BeforeAll(settle, NodeTimeout(time.Minute))

	It("with a worker outside of its CPUs fails its check, which names worker, CPU and step", func(ctx context.Context) {
		apply(ctx, broken("astray", "2300ms", fmt.Sprintf(`
  groups: [{name: kept, workers: 1, affinity: {exact: "0"}, work: {spinWait: {}}}]
  checks: [{name: isolated, metric: Isolation}]`+twoSteps, "")))
		DeferCleanup(remove, "astray")
		pid := strconv.Itoa(awaitWork(ctx, "astray").worker.PID)
		out, err := exec.CommandContext(ctx, "taskset", "-pc", "1", pid).CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(out))
		w, r := ended(ctx, "astray")
		Expect(r.Valid()).To(BeTrue(), fmt.Sprint(r.VoidBecause()))
		Expect(w.Status.Verdict).To(Equal(v1alpha1.VerdictFail))
		Expect(meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionPassed)).To(And(
			HaveField("Status", BeEquivalentTo("False")), HaveField("Reason", "Fail")))
		Expect(w.Status.Findings).To(ContainElement(And(
			HaveField("Check", "isolated"), HaveField("Verdict", v1alpha1.VerdictFail), HaveField("Step", "broken"), HaveField("Group", "kept"),
			HaveField("Worker", HaveValue(BeEquivalentTo(0))), HaveField("CPU", HaveValue(BeEquivalentTo(1))), HaveField("Node", r.Spec.NodeName))))
	}, NodeTimeout(2*time.Minute))

	It("with a group that somebody freezes is void: LoadAbsent", func(ctx context.Context) {
		apply(ctx, broken("frozen", "2300ms", fmt.Sprintf(`
  cgroups: [{name: cold}]
  groups: [{name: still, workers: 1, cgroup: cold, work: {spinWait: {}}}]`+twoSteps, "")))
		DeferCleanup(remove, "frozen")
		dir := awaitWork(ctx, "frozen").dir
		Expect(os.WriteFile(filepath.Join(dir, "cold", "cgroup.freeze"), []byte("1"), 0)).To(Succeed())
		expectVoid(ctx, "frozen", v1alpha1.VoidLoadAbsent, "step broken, group still, worker 0")
	}, NodeTimeout(2*time.Minute))

	It("with a step that fails is void: StepFailed, and keeps what was measured before", func(ctx context.Context) {
		apply(ctx, broken("stepfails", "2300ms", fmt.Sprintf(`
  cgroups: [{name: spare}]
  groups: [{name: spin, workers: 1, work: {spinWait: {}}}]`+twoSteps, ", ops: [{freezeCgroup: {cgroup: spare}}]")))
		DeferCleanup(remove, "stepfails")
		Expect(os.Remove(filepath.Join(awaitWork(ctx, "stepfails").dir, "spare"))).To(Succeed())
		r := expectVoid(ctx, "stepfails", v1alpha1.VoidStepFailed, "step broken, ops[0] freezeCgroup")
		Expect(r.Status.Result).NotTo(BeNil())
		Expect(r.Status.Result.Groups).To(ConsistOf(HaveField("Iterations", BeNumerically(">", 0))))
		Expect(r.Status.Result.Steps).To(ContainElement(HaveField("Name", "calm")))
	}, NodeTimeout(2*time.Minute))

	It("beside a process that takes a CPU is void: Disturbed", func(ctx context.Context) {
		hog := exec.CommandContext(ctx, "sh", "-c", "while :; do :; done")
		Expect(hog.Start()).To(Succeed())
		DeferCleanup(func() { _, _ = hog.Process.Kill(), hog.Wait() })
		apply(ctx, broken("disturbed", "1s", `
  groups: [{name: spin, workers: 1, work: {spinWait: {}}}]
  interference: {maxOtherCPU: 300m}
`))
		DeferCleanup(remove, "disturbed")
		expectVoid(ctx, "disturbed", v1alpha1.VoidDisturbed, "interference.maxOtherCPU")
	}, NodeTimeout(2*time.Minute))

	// A worker below one in SCHED_FIFO has at most the little that the kernel keeps for it each second.
	const starved = `
  schedulingPolicies: [{name: first, fifo: {priority: 10}}]
  groups:
    - {name: kept, workers: 1, affinity: {exact: "0"}, work: {spinWait: {}}}
    - {name: hog, workers: 1, affinity: {exact: "0"}, schedulingPolicy: first, work: {spinWait: {}}}
  steps:
    - {name: calm, hold: {fixed: 300ms}}
    - {name: starved, groups: [hog], hold: {fixed: 1s}}
  checks: [{name: gaps, metric: MaxGap, max: 400ms, groups: [kept], steps: [starved]%s}]
`
	DescribeTable("has the same verdict, reason and findings by schedfleet run as by kubectl",
		func(ctx context.Context, name, body string, exit int, want judgement) {
			manifest := broken(name, "1300ms", body)
			apply(ctx, manifest)
			DeferCleanup(remove, name)
			_, r := ended(ctx, name)
			Expect(judgedInCluster(r)).To(Equal(want))
			alone, code := judgedAlone(ctx, manifest)
			Expect(alone).To(Equal(want))
			Expect(code).To(Equal(exit))
		},
		Entry("a worker that is starved", "starved", fmt.Sprintf(starved, ""), 3,
			judgement{"valid", "Fail", []string{"gaps Fail starved kept 0"}}, NodeTimeout(2*time.Minute)),
		Entry("a worker that is starved, as was expected", "expected", fmt.Sprintf(starved, ", expect: Fail"), 0,
			judgement{"valid", "Pass", nil}, NodeTimeout(2*time.Minute)),
		Entry("a worker that is starved, in a sample that does not count", "both", fmt.Sprintf(starved, "")+"  interference: {maxOtherCPU: 1m}\n", 1,
			judgement{"Disturbed", "Inconclusive", []string{"gaps Fail starved kept 0"}}, NodeTimeout(2*time.Minute)),
	)
})

// judgement is what a run is said to be worth: valid or why it is void, its verdict, and what its checks found that did not pass.
type judgement struct {
	sample, verdict string
	findings        []string
}

// judgedInCluster is the judgement in a NodeRun.
func judgedInCluster(r *v1alpha1.NodeRun) judgement {
	GinkgoHelper()
	Expect(r.Status.Result).NotTo(BeNil())
	j := judgement{sample: "valid", verdict: string(r.Status.Result.Verdict)}
	if reason, _ := r.VoidBecause(); !r.Valid() {
		j.sample = string(reason)
	}
	j.add(r.Status.Result.Findings)
	return j
}

// judgedAlone is the judgement of schedfleet run, and its exit code.
func judgedAlone(ctx context.Context, manifest string) (judgement, int) {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	file, raw := filepath.Join(dir, "workload.yaml"), filepath.Join(dir, "report.json")
	Expect(os.WriteFile(file, []byte(manifest), 0o600)).To(Succeed())
	out, err := c.schedfleet(ctx, time.Minute, "run", "--quiet", "--report", raw, file)
	var exit *exec.ExitError
	if err != nil {
		Expect(errors.As(err, &exit)).To(BeTrue(), "%v: %s", err, out)
	}
	text, err := os.ReadFile(raw)
	Expect(err).NotTo(HaveOccurred(), out)
	var report struct {
		Verdict  string
		Findings []v1alpha1.Finding
	}
	Expect(json.Unmarshal(text, &report)).To(Succeed())
	first, _, _ := strings.Cut(out[strings.Index(out, "Workload "):], "\n")
	j := judgement{sample: "valid", verdict: report.Verdict}
	if _, void, ok := strings.Cut(first, ": void ("); ok {
		j.sample, _, _ = strings.Cut(void, ")")
	}
	j.add(report.Findings)
	if exit == nil {
		return j, 0
	}
	return j, exit.ExitCode()
}

// add keeps what did not pass of findings.
func (j *judgement) add(findings []v1alpha1.Finding) {
	for _, f := range findings {
		if f.Verdict == v1alpha1.VerdictFail || f.Verdict == v1alpha1.VerdictInconclusive {
			Expect(f.Worker).NotTo(BeNil(), f.Message)
			j.findings = append(j.findings, fmt.Sprintf("%s %s %s %s %d", f.Check, f.Verdict, f.Step, f.Group, *f.Worker))
		}
	}
}
