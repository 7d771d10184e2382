// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// everyOp is a run with every op, in an order in which they can be carried out.
const everyOp = `
duration: 10s
schedulingPolicies: [{name: batch, batch: {}}]
cgroups:
- {name: a, cpuset: {disjoint: {index: 0, of: 2}}}
- {name: b, cpuset: {disjoint: {index: 1, of: 2}}}
- {name: later}
groups:
- {name: always, workers: 2, cgroup: a, work: {spinWait: {}}}
- {name: some, workers: 2, cgroup: b, work: {spinWait: {}}}
- {name: moved, workers: 1, work: {spinWait: {}}}
- {name: program, workers: 1, work: {exec: {program: sh}}}
steps:
- {name: alone, hold: {percent: 30}}
- name: at-once
  cgroups: [later]
  groups: [some]
  hold: {fixed: 0s}
- name: all
  groups: [some]
  ops:
  - {createCgroup: {cgroup: later}}
  - {moveGroup: {group: moved, cgroup: later}}
  - {setCpuset: {cgroup: later, cpuset: {range: {startPercent: 0, endPercent: 50}, mems: "0"}}}
  - {clearCpuset: {cgroup: later}}
  - {setCgroup: {cgroup: later, cpu: {weight: 5, quota: 10ms}, memory: {max: 1e9, low: 1Mi}, io: {limits: [{device: "8:0", readBytesPerSecond: 10Mi}]}, pidsMax: 100}}
  - {freezeCgroup: {cgroup: later}}
  - {thawCgroup: {cgroup: later}}
  - {moveGroup: {group: moved}}
  - {removeCgroup: {cgroup: later}}
  - {startGroup: {group: program}}
  - {waitGroup: {group: program, timeout: 1h}}
  - {stopGroup: {group: program}}
  - {setAffinity: {group: always, affinity: {randomSubset: {count: 1}}}}
  - {setNice: {group: always, nice: -20}}
  - {setSchedulingPolicy: {group: always, schedulingPolicy: batch}}
  - {setSchedulingPolicy: {group: always}}
  repeatOpsEvery: 500ms
  hold: {fixed: 2s}
- name: fewer
  ops:
  - {offlineCPUs: {last: 2}}
  - {onlineCPUs: {last: 1}}
  - {offlineCPUs: {exact: "1"}}
  hold: {percent: 10}
- name: race
  ops: [{swapCpusets: {a: a, b: b}}]
  repeatOpsEvery: 1ms
  hold: {remaining: {}}
`

var _ = Describe("The API server, of steps,", func() {
	apply := func(spec string) (*v1alpha1.Workload, error) {
		obj := manifestOf("w", spec)
		err := admin.Create(GinkgoT().Context(), obj, client.FieldValidation("Strict"), client.DryRunAll)
		if err != nil {
			return nil, err
		}
		w := &v1alpha1.Workload{}
		return w, runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, w)
	}
	refuses := func(spec string, says ...string) {
		GinkgoHelper()
		_, err := apply(spec)
		Expect(apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)).To(BeTrue(), "%v", err)
		for _, text := range says {
			Expect(err.Error()).To(ContainSubstring(text))
		}
	}
	// of is a run with steps.
	of := func(steps string) string {
		return "{cgroups: [{name: c}, {name: d}], groups: [{name: g, workers: 1, work: {spinWait: {}}}], steps: [" + steps + "]}"
	}
	op := func(op string) string { return of("{name: s, hold: {fixed: 1s}, ops: [{" + op + "}]}") }

	It("takes every op, as the manager does", func() {
		w, err := apply(everyOp)
		Expect(err).NotTo(HaveOccurred())
		Expect(manifest.Check(&w.Spec.RunSpec, nil)).To(Succeed())
	})

	It("takes 64 steps of 16 ops each", func() {
		var steps []string
		for i := range 64 {
			steps = append(steps, fmt.Sprintf("{name: s%d, hold: {fixed: 10ms}, ops: [%s]}", i, strings.Repeat("{setNice: {group: g, nice: 1}}, ", 16)))
		}
		_, err := apply(of(strings.Join(steps, ", ")))
		Expect(err).NotTo(HaveOccurred())
		refuses(of(strings.Join(append(steps, "{name: more, hold: {fixed: 1s}}"), ", ")), "spec.steps", "at most 64 items")
	})

	// What only a walk through the steps shows the manager says.
	It("leaves to the manager what depends on the order", func() {
		w, err := apply(op("stopGroup: {group: g}"))
		Expect(err).NotTo(HaveOccurred())
		Expect(manifest.Check(&w.Spec.RunSpec, nil)).To(Succeed())
		w, err = apply(op("stopGroup: {group: g}}, {stopGroup: {group: g}"))
		Expect(err).NotTo(HaveOccurred())
		Expect(manifest.Check(&w.Spec.RunSpec, nil)).To(MatchError(`spec.steps[0].ops[1].stopGroup.group: group "g" does not run then`))
	})

	DescribeTable("refuses, naming the field and what to do,",
		func(spec string, says ...string) { refuses(spec, says...) },
		Entry("a step without a name", of("{hold: {fixed: 1s}}"), "spec.steps[0].name", "Required"),
		Entry("a name that is none", of("{name: S, hold: {fixed: 1s}}"), "spec.steps[0].name"),
		Entry("a name twice", of("{name: s, hold: {fixed: 1s}}, {name: s, hold: {fixed: 1s}}"), "spec.steps[1]", "Duplicate value"),
		Entry("a step without a hold", of("{name: s}"), "spec.steps[0].hold", "Required"),
		Entry("a hold of nothing", of("{name: s, hold: {}}"), "spec.steps[0].hold", "exactly one of fixed, percent, remaining must be set"),
		Entry("two holds", of("{name: s, hold: {fixed: 1s, remaining: {}}}"), "spec.steps[0].hold", "exactly one of fixed, percent, remaining must be set"),
		Entry("a hold that is no time", of("{name: s, hold: {fixed: 1}}"), "spec.steps[0].hold.fixed"),
		Entry("a hold of days", of("{name: s, hold: {fixed: 25h}}"), "spec.steps[0].hold.fixed", "must be a duration of at most 24h"),
		Entry("a hold of no share", of("{name: s, hold: {percent: 0}}"), "spec.steps[0].hold.percent", "greater than or equal to 1"),
		Entry("two that remain", of("{name: s, hold: {remaining: {}}}, {name: t, hold: {remaining: {}}}"), "spec.steps", "one step may have hold.remaining"),
		Entry("repeating nothing", of("{name: s, hold: {fixed: 1s}, repeatOpsEvery: 1s}"), "spec.steps[0]", "repeatOpsEvery needs ops to repeat"),
		Entry("repeating too often", of("{name: s, hold: {fixed: 1s}, repeatOpsEvery: 999us, ops: [{stopGroup: {group: g}}]}"), "spec.steps[0].repeatOpsEvery", "must be a duration of at least 1ms"),
		Entry("17 ops", of("{name: s, hold: {fixed: 1s}, ops: ["+strings.Repeat("{setNice: {group: g, nice: 1}}, ", 17)+"]}"), "spec.steps[0].ops", "at most 16 items"),
		Entry("a group that is none", of("{name: s, hold: {fixed: 1s}, groups: [h]}"), "every steps[].groups must be names of entries in groups"),
		Entry("a group twice", of("{name: s, hold: {fixed: 1s}, groups: [g, g]}"), "spec.steps[0].groups[1]", "Duplicate value"),
		Entry("a cgroup that is none", of("{name: s, hold: {fixed: 1s}, cgroups: [e]}"), "every steps[].cgroups must be names of entries in cgroups"),
		Entry("no op", op(""), "spec.steps[0].ops[0]", "exactly one operation must be set; a step may have several ops"),
		Entry("two ops in one", op("startGroup: {group: g}, stopGroup: {group: g}"), "spec.steps[0].ops[0]", "exactly one operation must be set"),
		Entry("an op that is none", op("killGroup: {group: g}"), `unknown field "spec.steps[0].ops[0].killGroup"`),
		Entry("an op about nothing", op("createCgroup: {}"), "spec.steps[0].ops[0].createCgroup.cgroup", "Required"),
		Entry("waiting for no time", op("waitGroup: {group: g}"), "spec.steps[0].ops[0].waitGroup.timeout"),
		Entry("waiting for ever", op("waitGroup: {group: g, timeout: 2h}"), "spec.steps[0].ops[0].waitGroup.timeout", "above 0s and at most 1h"),
		Entry("a cpuset of nothing", op("setCpuset: {cgroup: c, cpuset: {}}"), "spec.steps[0].ops[0].setCpuset.cpuset"),
		Entry("making a partition", op("setCpuset: {cgroup: c, cpuset: {exact: '0', partition: Root}}"), "spec.steps[0].ops[0].setCpuset.cpuset", "a partition cannot be made during a run: declare it in cgroups, and make that cgroup in a step"),
		Entry("swapping with itself", op("swapCpusets: {a: c, b: c}"), "spec.steps[0].ops[0].swapCpusets", "a and b must be two cgroups"),
		Entry("setting nothing", op("setCgroup: {cgroup: c}"), "spec.steps[0].ops[0].setCgroup", "at least one of cpu, memory, io, pidsMax must be set"),
		Entry("an affinity of nothing", op("setAffinity: {group: g, affinity: {}}"), "spec.steps[0].ops[0].setAffinity.affinity"),
		Entry("too nice", op("setNice: {group: g, nice: 20}"), "spec.steps[0].ops[0].setNice.nice", "less than or equal to 19"),
		Entry("no CPUs", op("offlineCPUs: {}"), "spec.steps[0].ops[0].offlineCPUs", "exactly one of exact and last must be set"),
		Entry("CPUs in two ways", op("offlineCPUs: {exact: '1', last: 1}"), "spec.steps[0].ops[0].offlineCPUs", "exactly one of exact and last must be set"),
		Entry("CPUs that are no list", op("onlineCPUs: {exact: all}"), "spec.steps[0].ops[0].onlineCPUs.exact", "must be a list of CPUs such as 0-3,8"),
	)
})
