// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// manifestOf is a Workload as somebody would write it.
func manifestOf(name, spec string) *unstructured.Unstructured {
	GinkgoHelper()
	obj := &unstructured.Unstructured{}
	var body map[string]any
	Expect(yaml.Unmarshal([]byte(spec), &body)).To(Succeed())
	obj.Object = map[string]any{
		"apiVersion": "schedfleet.dev/v1alpha1", "kind": "Workload",
		"metadata": map[string]any{"name": name, "namespace": "default"},
		"spec":     body,
	}
	return obj
}

var _ = Describe("The API server", func() {
	// kubectl asks for strict validation of fields, and so do we.
	apply := func(obj *unstructured.Unstructured) error {
		return admin.Create(GinkgoT().Context(), obj, client.FieldValidation("Strict"), client.DryRunAll)
	}

	It("takes a manifest with every supported kind of work", func() {
		Expect(apply(manifestOf("all-kinds", `
duration: 1m30s
groups:
- {name: a, workers: 1, work: {spinWait: {}}}
- {name: b, workers: 2, work: {yieldHeavy: {}}, affinity: {exact: "0-1,3"}, nice: 5, comm: worker}
- {name: c, workers: 3, work: {bursty: {burst: 500us, sleep: 1.5ms}}, affinity: {singleCPU: {}}}
- {name: d, workers: 2, work: {pipeIo: {burstIters: 0}}, affinity: {randomSubset: {from: 0-3, count: 2}}}
- {name: e, workers: 4, work: {futexPingPong: {}}, schedulingPolicy: rt}
- {name: f, workers: 10, work: {futexFanOut: {fanOut: 4}}, cgroup: web/front}
- {name: g, workers: 1, work: {timerLatency: {interval: 200us}}}
cgroups: [{name: web}, {name: web/front}]
schedulingPolicies: [{name: rt, fifo: {priority: 10}}]
placement: {nodes: 2, nodeSelector: {pool: a}, tolerations: [{key: k}], requires: {minCPUs: 2, features: [CgroupV2]}}
deadline: 1h
ttlAfterFinished: 0s
`))).To(Succeed())
	})

	It("fills in the defaults", func(ctx SpecContext) {
		obj := manifestOf("defaults", `groups: [{name: a, workers: 1, work: {bursty: {}}}]`)
		Expect(apply(obj)).To(Succeed())
		spec := obj.Object["spec"].(map[string]any)
		Expect(spec).To(HaveKeyWithValue("duration", "12s"))
		Expect(spec).To(HaveKeyWithValue("seed", BeNumerically("==", 1)))
		Expect(spec).To(HaveKeyWithValue("retries", BeNumerically("==", 1)))
		group := spec["groups"].([]any)[0].(map[string]any)
		Expect(group).To(HaveKeyWithValue("cloneMode", "Fork"))
		Expect(group["work"]).To(HaveKeyWithValue("bursty", And(
			HaveKeyWithValue("burst", "50ms"), HaveKeyWithValue("sleep", "100ms"))))
	})

	DescribeTable("refuses, naming the field and what to do,",
		func(name, spec string, says ...string) {
			err := apply(manifestOf(name, spec))
			Expect(err).To(HaveOccurred())
			Expect(apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)).To(BeTrue(), "%v", err)
			for _, text := range says {
				Expect(err.Error()).To(ContainSubstring(text))
			}
		},
		Entry("an unknown kind of work", "w", `groups: [{name: a, workers: 1, work: {spinWiat: {}}}]`,
			"spec.groups[0].work", "exactly one kind of work must be set, out of: spinWait"),
		Entry("two kinds of work in a group", "w", `groups: [{name: a, workers: 1, work: {spinWait: {}, bursty: {}}}]`,
			"spec.groups[0].work"),
		Entry("no kind of work", "w", `groups: [{name: a, workers: 1, work: {}}]`,
			"spec.groups[0].work", "exactly one kind of work"),
		Entry("zero workers", "w", `groups: [{name: a, workers: 0, work: {spinWait: {}}}]`,
			"spec.groups[0].workers", "greater than or equal to 1"),
		Entry("workers and workersPercent together", "w", `groups: [{name: a, workers: 1, workersPercent: 5, work: {spinWait: {}}}]`,
			"spec.groups[0]", "exactly one of workers and workersPercent"),
		Entry("a negative duration", "w", `{duration: -5s, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.duration", "must be a duration above 0s"),
		Entry("a duration that is none", "w", `{duration: soon, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.duration", "must be a duration above 0s"),
		Entry("a duration of more than a day", "w", `{duration: 25h, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.duration", "at most 24h"),
		Entry("a name of 300 characters", strings.Repeat("w", 300), `groups: [{name: a, workers: 1, work: {spinWait: {}}}]`,
			"metadata.name"),
		Entry("a name of 64 characters", strings.Repeat("w", 64), `groups: [{name: a, workers: 1, work: {spinWait: {}}}]`,
			"metadata.name must be a DNS label"),
		Entry("a name with a dot", "w.x", `groups: [{name: a, workers: 1, work: {spinWait: {}}}]`,
			"metadata.name must be a DNS label"),
		Entry("pipeIo with odd workers", "w", `groups: [{name: a, workers: 3, work: {pipeIo: {}}}]`,
			"spec.groups[0]", "pipeIo works in pairs"),
		Entry("futexPingPong with odd workers", "w", `groups: [{name: a, workers: 1, work: {futexPingPong: {}}}]`,
			"spec.groups[0]", "futexPingPong works in pairs"),
		Entry("futexFanOut with an incomplete set", "w", `groups: [{name: a, workers: 6, work: {futexFanOut: {}}}]`,
			"spec.groups[0]", "futexFanOut works in sets"),
		Entry("no groups", "w", `{}`, "spec.groups"),
		Entry("two groups of one name", "w", `groups: [{name: a, workers: 1, work: {spinWait: {}}}, {name: a, workers: 1, work: {spinWait: {}}}]`,
			"spec.groups[1]", "Duplicate value"),
		Entry("a cgroup that is not declared", "w", `groups: [{name: a, workers: 1, cgroup: x, work: {spinWait: {}}}]`,
			"every groups[].cgroup must be the name of an entry in cgroups"),
		Entry("a scheduling policy that is not declared", "w", `groups: [{name: a, workers: 1, schedulingPolicy: x, work: {spinWait: {}}}]`,
			"every groups[].schedulingPolicy must be the name"),
		Entry("a list of CPUs that is none", "w", `groups: [{name: a, workers: 1, affinity: {exact: "0..3"}, work: {spinWait: {}}}]`,
			"spec.groups[0].affinity.exact", "must be a list of CPUs"),
		Entry("two affinities", "w", `groups: [{name: a, workers: 1, affinity: {exact: "0", singleCPU: {}}, work: {spinWait: {}}}]`,
			"spec.groups[0].affinity", "exactly one of"),
		Entry("a burst of nothing", "w", `groups: [{name: a, workers: 1, work: {bursty: {burst: 0s}}}]`,
			"spec.groups[0].work.bursty.burst", "must be a duration above 0s"),
		Entry("a deadline of nothing", "w", `{deadline: 0s, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.deadline", "must be a duration above 0s"),
		Entry("nodes and allNodes together", "w", `{placement: {nodes: 2, allNodes: true}, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			"spec.placement", "at most one of nodes, nodesPercent and allNodes"),
		Entry("an unknown field", "w", `{durationn: 5s, groups: [{name: a, workers: 1, work: {spinWait: {}}}]}`,
			`unknown field "spec.durationn"`),
	)

	DescribeTable("lets only suspend and ttlAfterFinished be changed,",
		func(ctx SpecContext, change string, allowed bool) {
			obj := manifestOf("fixed", `{groups: [{name: a, workers: 1, work: {spinWait: {}}}], suspend: true}`)
			Expect(admin.Create(ctx, obj)).To(Succeed())
			DeferCleanup(func(ctx SpecContext) { Expect(admin.Delete(ctx, obj)).To(Succeed()) })
			err := admin.Patch(ctx, obj, client.RawPatch("application/merge-patch+json", []byte(`{"spec":`+change+`}`)))
			if allowed {
				Expect(err).NotTo(HaveOccurred())
				return
			}
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err.Error()).To(ContainSubstring("the spec cannot be changed, but for suspend and ttlAfterFinished: create another Workload"))
		},
		Entry("suspend", `{"suspend":false}`, true),
		Entry("ttlAfterFinished", `{"ttlAfterFinished":"1h"}`, true),
		Entry("duration", `{"duration":"13s"}`, false),
		Entry("groups", `{"groups":[{"name":"a","workers":2,"work":{"spinWait":{}}}]}`, false),
		Entry("placement", `{"placement":{"nodes":2}}`, false),
		Entry("a deadline that was not there", `{"deadline":"1h"}`, false),
		Entry("cgroups that were not there", `{"cgroups":[{"name":"c"}]}`, false),
		Entry("retries", `{"retries":3}`, false),
		Entry("priority", `{"priority":3}`, false),
	)
})
