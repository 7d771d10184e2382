// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/config/samples"
	"github.com/schedfleet/schedfleet/pkg/kinds"
	"github.com/schedfleet/schedfleet/pkg/kinds/kindstest"
)

var _ = Describe("The API server, of kinds of work,", func() {
	apply := func(obj *unstructured.Unstructured) error {
		return admin.Create(GinkgoT().Context(), obj, client.FieldValidation("Strict"), client.DryRunAll)
	}
	// group is a run with one group, of which some members are given.
	group := func(members string) error {
		return apply(manifestOf("w", "{allowDangerousWork: true, schedulingPolicies: [{name: p, batch: {}}], groups: [{name: a, "+members+"}]}"))
	}
	refuses := func(err error, says ...string) {
		GinkgoHelper()
		Expect(apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)).To(BeTrue(), "%v", err)
		for _, text := range says {
			Expect(err.Error()).To(ContainSubstring(text))
		}
	}

	// The manager writes durations as Go does, such as 100µs.
	It("takes every sample, and its NodeRun from the manager", func(ctx SpecContext) {
		files, err := samples.Kinds.ReadDir("kinds")
		Expect(err).NotTo(HaveOccurred())
		for _, file := range files {
			text, err := samples.Kinds.ReadFile("kinds/" + file.Name())
			Expect(err).NotTo(HaveOccurred())
			obj := &unstructured.Unstructured{}
			Expect(yaml.Unmarshal(text, &obj.Object)).To(Succeed())
			obj.SetNamespace("default")
			Expect(apply(obj)).To(Succeed(), file.Name())
			w := &v1alpha1.Workload{}
			Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, w)).To(Succeed())
			Expect(admin.Create(ctx, &v1alpha1.NodeRun{
				ObjectMeta: metav1.ObjectMeta{Name: w.Name, Namespace: "default"},
				Spec: v1alpha1.NodeRunSpec{
					NodeName: "n", Workload: v1alpha1.WorkloadReference{Name: w.Name, UID: "u"}, Attempt: 1, RunID: "12345678", Run: w.Spec.RunSpec,
				},
			}, client.DryRunAll)).To(Succeed(), file.Name())
		}
	})

	It("allows each parameter its bounds and refuses what is beyond, naming the field", func() {
		cases, err := kindstest.Cases()
		Expect(err).NotTo(HaveOccurred())
		Expect(len(cases)).To(BeNumerically(">", 400))
		for _, c := range cases {
			obj := manifestOf("w", "{allowDangerousWork: true, groups: [{name: a, workersPercent: 100}]}")
			only := obj.Object["spec"].(map[string]any)["groups"].([]any)[0].(map[string]any)
			if programs(c.Kind) {
				only["workers"] = int64(2)
				delete(only, "workersPercent")
			}
			only["work"] = map[string]any{c.Kind: c.Parameters}
			err := apply(obj)
			if c.Says == "" {
				Expect(err).NotTo(HaveOccurred(), c.Name)
				continue
			}
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%s: %v", c.Name, err)
			field := "spec.groups[0].work." + c.Kind + "." + strings.ReplaceAll(c.Path, "[]", "[0]")
			Expect(strings.ToLower(err.Error())).To(And(ContainSubstring(strings.ToLower(field)), ContainSubstring(strings.ToLower(c.Says))), c.Name)
		}
	})

	// What the engine's shapes say and the rules of the CRD must not drift apart.
	It("knows which workers each kind can have", func() {
		catalog, err := kinds.Load()
		Expect(err).NotTo(HaveOccurred())
		for _, name := range catalog.Names() {
			k, err := catalog.Describe(name)
			Expect(err).NotTo(HaveOccurred())
			work := fmt.Sprintf("work: {%s: {%s}}", name, map[string]string{"sequence": "phases: [{spin: 1ms}]", "exec": "program: p"}[name])
			size := k.SetSize
			if k.OneProcess {
				size = 1
			}
			Expect(group(fmt.Sprintf("workers: %d, %s", 2*size, work))).To(Succeed(), name)
			if size > 1 {
				refuses(group(fmt.Sprintf("workers: %d, %s", size+1, work)), "spec.groups[0].workers", name+" works in ", "workers must be a multiple of ")
			}
			threads := group(fmt.Sprintf("workers: %d, cloneMode: Thread, %s", size, work))
			if k.ForkOnly == "" {
				Expect(threads).To(Succeed(), name)
			} else {
				refuses(threads, "spec.groups[0].cloneMode", name+" works in processes only: ")
			}
			percent := group("workersPercent: 100, " + work)
			if programs(name) {
				refuses(percent, "spec.groups[0].workersPercent", "set workers")
			} else {
				Expect(percent).To(Succeed(), name)
			}
			policy := group(fmt.Sprintf("workers: %d, schedulingPolicy: p, %s", size, work))
			if k.OwnClasses {
				refuses(policy, "spec.groups[0].schedulingPolicy", name, "give their workers scheduling classes of their own: leave schedulingPolicy out")
			} else {
				Expect(policy).To(Succeed(), name)
			}
			meek := apply(manifestOf("w", fmt.Sprintf("{groups: [{name: a, workers: %d, %s}]}", size, work)))
			if k.Dangerous {
				refuses(meek, "spec.allowDangerousWork", name, "can harm what else runs on the machine: set allowDangerousWork, and use nodes that allow it")
			} else {
				Expect(meek).To(Succeed(), name)
			}
		}
	})

	DescribeTable("refuses, naming the field and what to do,",
		func(members string, says ...string) { refuses(group(members), says...) },
		Entry("a kind that is none", `workers: 1, work: {cpuBurner: {}}`, "spec.groups[0].work", "exactly one kind of work must be set, out of: spinWait, yieldHeavy, mixed, aluHot", "schbench, taobench, exec"),
		Entry("two kinds", `workers: 2, work: {pipeIo: {}, aluHot: {}}`, "spec.groups[0].work"),
		Entry("a parameter that is none", `workers: 1, work: {aluHot: {with: Scalar}}`, `unknown field "spec.groups[0].work.aluHot.with"`),
		Entry("a set of another size", `workers: 6, work: {wakeChain: {depth: 4}}`, "spec.groups[0].workers", "wakeChain works in sets of depth stages: workers must be a multiple of depth"),
		Entry("a set whose size depends on two parameters", `workers: 4, work: {epollStorm: {producers: 2, consumers: 3}}`, "spec.groups[0].workers", "workers must be a multiple of producers + consumers"),
		Entry("a set of three parts", `workers: 3, work: {priorityInversion: {high: 2}}`, "spec.groups[0].workers", "workers must be a multiple of high + medium + low"),
		Entry("an inversion of nobody", `workers: 3, work: {priorityInversion: {high: 0, medium: 0, low: 0}}`, "spec.groups[0].work.priorityInversion", "high, medium and low must not all be 0"),
		Entry("no phases", `workers: 1, work: {sequence: {phases: []}}`, "spec.groups[0].work.sequence.phases", "at least 1 item"),
		Entry("33 phases", `workers: 1, work: {sequence: {phases: [`+strings.Repeat("{spin: 1ms}, ", 33)+`]}}`, "spec.groups[0].work.sequence.phases", "at most 32 items"),
		Entry("a phase of two things", `workers: 1, work: {sequence: {phases: [{spin: 1ms, sleep: 1ms}]}}`, "spec.groups[0].work.sequence.phases[0]", "exactly one of spin, sleep, yield, io, aluHot must be set"),
		Entry("a phase of nothing", `workers: 1, work: {sequence: {phases: [{}]}}`, "spec.groups[0].work.sequence.phases[0]", "exactly one of spin, sleep, yield, io, aluHot must be set"),
		Entry("multiplying for no time", `workers: 1, work: {sequence: {phases: [{aluHot: {}}]}}`, "spec.groups[0].work.sequence.phases[0].aluHot.duration", "Required"),
		Entry("arrivals at no rate", `workers: 1, work: {forkExit: {arrival: {}}}`, "spec.groups[0].work.forkExit.arrival.ratePerSecond", "Required"),
		Entry("a size for a device", `workers: 1, work: {ioConvoy: {device: /dev/vdb, fileSize: 1Mi}}`, "spec.groups[0].work.ioConvoy.fileSize", "fileSize is for files: leave it out, or device"),
		Entry("a part of a block", `workers: 1, work: {ioSyncWrite: {fileSize: 65537}}`, "spec.groups[0].work.ioSyncWrite.fileSize", "in whole blocks of 4Ki"),
		Entry("a device that is none", `workers: 1, work: {ioRandRead: {device: /etc/passwd}}`, "spec.groups[0].work.ioRandRead.device", "must be the path of a block device below /dev"),
		Entry("a device by a detour", `workers: 1, work: {ioRandRead: {device: /dev/../etc/passwd}}`, "spec.groups[0].work.ioRandRead.device", "must be the path of a block device below /dev"),
		Entry("a stride beyond the size", `workers: 1, work: {cacheYield: {size: 4Ki, stride: 4097}}`, "spec.groups[0].work.cacheYield.stride", "must be 1 to the size in bytes"),
		Entry("a NUMA node that cannot be", `workers: 1, work: {numaWorkingSetSweep: {targetNodes: [1024]}}`, "spec.groups[0].work.numaWorkingSetSweep.targetNodes[0]", "less than or equal to 1023"),
		Entry("more NUMA nodes than are taken", `workers: 1, work: {numaWorkingSetSweep: {targetNodes: [`+strings.Repeat("0, ", 65)+`]}}`, "spec.groups[0].work.numaWorkingSetSweep.targetNodes", "at most 64 items"),
		Entry("a rate to find and one that is given", `workers: 1, work: {schbench: {requestsPerSecond: 5, autoRatePercent: 5}}`, "spec.groups[0].work.schbench.autoRatePercent", "set only one"),
		Entry("a rate of transfers", `workers: 1, work: {schbench: {requestsPerSecond: 5, pipeTransfer: 4Ki}}`, "spec.groups[0].work.schbench.pipeTransfer", "set neither requestsPerSecond nor autoRatePercent"),
		Entry("a tail below the median", `workers: 1, work: {taobench: {slowPathSleep: 2ms, slowPathP99: 1ms}}`, "spec.groups[0].work.taobench.slowPathP99", "must be above slowPathSleep"),
		Entry("a tail of no time", `workers: 1, work: {taobench: {slowPathSleep: 0s, slowPathP99: 1ms}}`, "spec.groups[0].work.taobench.slowPathP99", "which must be at least 1us"),
		Entry("a destination that is not declared", `workers: 1, work: {cgroupAttachStorm: {destination: pit}}`, "every groups[].work.cgroupAttachStorm.destination must be the name of an entry in cgroups"),
		Entry("no program", `workers: 1, work: {exec: {args: [a]}}`, "spec.groups[0].work.exec", "set definition or program"),
		Entry("the path of a program", `workers: 1, work: {exec: {program: /bin/sh}}`, "spec.groups[0].work.exec.program", "it is no path"),
		Entry("a definition that is none", `workers: 1, work: {exec: {definition: sysbench}}`, "spec.groups[0].work.exec.definition", `supported values: "schbench", "fio", "stress-ng", "hackbench", "cyclictest"`),
		Entry("a variable that is none", `workers: 1, work: {exec: {program: p, env: [{name: a-b, value: c}]}}`, "spec.groups[0].work.exec.env[0].name", "must be letters, digits and _"),
		Entry("an exit code that cannot be", `workers: 1, work: {exec: {program: p, successExitCodes: [256]}}`, "spec.groups[0].work.exec.successExitCodes[0]", "less than or equal to 255"),
		Entry("a figure from two places", `workers: 1, work: {exec: {program: p, metrics: [{name: m, json: a, pattern: b, polarity: Neither}]}}`, "spec.groups[0].work.exec.metrics[0]", "exactly one of json and pattern must be set"),
		Entry("a figure from nowhere", `workers: 1, work: {exec: {program: p, metrics: [{name: m, polarity: Neither}]}}`, "spec.groups[0].work.exec.metrics[0]", "exactly one of json and pattern must be set"),
		Entry("a figure of which nobody knows what is better", `workers: 1, work: {exec: {program: p, metrics: [{name: m, json: a}]}}`, "spec.groups[0].work.exec.metrics[0].polarity", "Required"),
		Entry("two figures of one name", `workers: 1, work: {exec: {program: p, metrics: [{name: m, json: a, polarity: Neither}, {name: m, json: b, polarity: Neither}]}}`, "spec.groups[0].work.exec.metrics[1]", "Duplicate value"),
	)

	DescribeTable("refuses dangerous work that nobody opted in to,",
		func(work string, dangerous bool) {
			err := apply(manifestOf("w", "groups: [{name: a, workers: 2, work: {"+work+"}}]"))
			if !dangerous {
				Expect(err).NotTo(HaveOccurred())
				return
			}
			refuses(err, "spec.allowDangerousWork", "set allowDangerousWork, and use nodes that allow it")
		},
		Entry("a real-time waker", `asymmetricWaker: {wakerClass: FIFO}`, true),
		Entry("a real-time wakee", `asymmetricWaker: {wakeeClass: FIFO}`, true),
		Entry("but no waker of another class", `asymmetricWaker: {wakerClass: Batch, wakeeClass: Deadline}`, false),
	)
})

// programs says whether a group's number of workers of a kind cannot follow from its CPUs.
func programs(kind string) bool {
	switch kind {
	case "schbench", "taobench", "exec", "netTraffic", "irqWake":
		return true
	default:
		return false
	}
}
