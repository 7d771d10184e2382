// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var _ = Describe("The API server, of checks,", func() {
	apply := func(check string) error {
		return admin.Create(GinkgoT().Context(), manifestOf("w", "{groups: [{name: a, workers: 2, work: {spinWait: {}}}], checks: [{name: c, "+check+"}]}"),
			client.FieldValidation("Strict"), client.DryRunAll)
	}

	DescribeTable("takes", func(check string) { Expect(apply(check)).To(Succeed()) },
		Entry("one without limits", `metric: Starvation`),
		Entry("one with a default", `metric: MaxGap`),
		Entry("a duration", `metric: MaxGap, max: 1.5ms`),
		Entry("a duration in microseconds", `metric: WakeLatency, percentile: "99.99", max: 500µs`),
		Entry("a percentage", `metric: OffCPUSpread, max: 12.5%`),
		Entry("a number", `metric: MigrationRatio, max: "0.25", distance: LLC`),
		Entry("a floor", `metric: PageLocality, min: 80%`),
		Entry("both", `metric: RequestRate, percentile: "5", min: "100", max: "1000"`),
		Entry("a variation", `metric: TimerLatency, statistic: CV, max: "0.5"`),
		Entry("the largest value", `metric: TimerLatency, statistic: Max, max: 1ms`),
		Entry("a percentile that is said to be one", `metric: TimerLatency, statistic: Percentile, percentile: "100", max: 1ms`),
		Entry("a figure of programs", `metric: ProgramMetric, programMetric: iops, min: "1000"`),
		Entry("cgroups", `metric: CPUShare, cgroups: [a/b]`),
		Entry("one that has to fail", `metric: Isolation, groups: [a], steps: [s], expect: Fail`),
	)

	DescribeTable("refuses, naming the field and what to do,",
		func(check, field, says string) {
			err := apply(check)
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err.Error()).To(And(ContainSubstring("spec.checks[0]"+field), ContainSubstring(says)))
		},
		Entry("no such metric", `metric: Luck`, ".metric", "supported values"),
		Entry("a limit of Starvation", `metric: Starvation, max: 1s`, ".max", "a worker either breaks them or does not"),
		Entry("a floor of Isolation", `metric: Isolation, min: "1"`, ".max", "a worker either breaks them or does not"),
		Entry("no limit", `metric: RunDelay`, ".max", "a max or a min must be set"),
		Entry("a floor where small is good", `metric: MaxGap, min: 1s`, ".min", "take max only"),
		Entry("a number for a duration", `metric: MaxGap, max: "5"`, ".max", "a duration such as 500us"),
		Entry("a percentage for a duration", `metric: WakeLatency, percentile: "9", max: 5%`, ".max", "a duration such as 500us"),
		Entry("a number for a percentage", `metric: RunDelay, max: "0.15"`, ".max", "must be a percentage such as 15%"),
		Entry("a duration for a percentage", `metric: RunDelay, min: 5s`, ".min", "must be a percentage such as 15%"),
		Entry("a duration for a number", `metric: ThroughputCV, max: 1s`, ".max", "a number such as 0.25"),
		Entry("a duration for a variation", `metric: WakeLatency, statistic: CV, max: 1s`, ".max", "a number such as 0.25"),
		Entry("a limit that is none", `metric: MaxGap, max: soon`, ".max", "should match"),
		Entry("a statistic of no distribution", `metric: MaxGap, statistic: Max`, ".statistic", "are distributions"),
		Entry("a percentile of no distribution", `metric: MaxGap, percentile: "99"`, ".statistic", "are distributions"),
		Entry("no percentile", `metric: WakeLatency, max: 1s`, ".percentile", "must be set for the statistic Percentile, which is the default"),
		Entry("a percentile of the maximum", `metric: WakeLatency, statistic: Max, percentile: "99", max: 1s`, ".percentile", "and not for Max"),
		Entry("a percentile beyond all", `metric: WakeLatency, percentile: "101", max: 1s`, ".percentile", "should match"),
		Entry("a distance of no migration", `metric: MaxGap, distance: LLC`, ".distance", "is for MigrationRatio"),
		Entry("a figure of programs without its name", `metric: ProgramMetric, max: "1"`, ".programMetric", "must be set for the metric ProgramMetric"),
		Entry("a name of a figure of programs", `metric: MaxGap, programMetric: iops`, ".programMetric", "and for no other"),
		Entry("groups of a cgroup's figure", `metric: CPUShare, groups: [a]`, ".groups", "name cgroups"),
		Entry("cgroups of a group's figure", `metric: MaxGap, cgroups: [a]`, ".cgroups", "name groups"),
		Entry("steps of a figure of programs", `metric: ProgramMetric, programMetric: iops, max: "1", steps: [a]`, ".steps", "belong to no step"),
		Entry("an expectation that is none", `metric: MaxGap, expect: Hope`, ".expect", "supported values"),
	)
})
