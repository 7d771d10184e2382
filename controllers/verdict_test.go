// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// judges takes a NodeRun and ends it well, with a verdict and a finding of it.
func judges(verdict v1alpha1.Verdict, message string) behaviour {
	return func(run *v1alpha1.NodeRun) *v1alpha1.NodeRunStatus {
		status := completes(run)
		if r := status.Result; r != nil {
			r.Verdict, r.Checks = verdict, &v1alpha1.VerdictCounts{Pass: 1}
			if message != "" {
				r.Findings = []v1alpha1.Finding{{Check: "gaps", Metric: "MaxGap", Verdict: verdict, Group: "web", Worker: new(int32(1)), Value: "3s", Limit: "2s", Message: message}}
			}
		}
		return status
	}
}

var _ = Describe("What the checks of a Workload say", func() {
	checked := func(s *v1alpha1.WorkloadSpec) {
		s.Checks = []v1alpha1.Check{{Name: "gaps", Metric: "MaxGap", Max: "2s"}}
	}

	It("is that it passed on all nodes", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", judges(v1alpha1.VerdictPass, ""))
		w.join("n2", judges(v1alpha1.VerdictPass, ""))
		obj := w.load("good", onNodes(2), checked)
		Eventually(of(obj)).WithContext(ctx).Should(And(
			beComplete(),
			haveCondition(v1alpha1.ConditionPassed, metav1.ConditionTrue, "Pass", HaveSuffix("Pass on 2 of 2 nodes")),
			HaveField("Status.Verdict", v1alpha1.VerdictPass),
			HaveField("Status.Verdicts", Equal(&v1alpha1.VerdictCounts{Pass: 2})),
			HaveField("Status.Findings", BeEmpty()),
		))
		Eventually(eventReasons(obj)).WithContext(ctx).Should(ConsistOf(v1alpha1.ReasonPlaced, v1alpha1.ReasonAllValid, "Pass"))
	})

	It("is the worst of the nodes, with the findings and the nodes they are of", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", judges(v1alpha1.VerdictPass, ""))
		w.join("n2", judges(v1alpha1.VerdictInconclusive, "no values"))
		w.join("n3", judges(v1alpha1.VerdictFail, "a gap of 3s"))
		obj := w.load("bad", onNodes(3), checked)
		Eventually(of(obj)).WithContext(ctx).Should(And(
			beComplete(), // a verdict is a result, and no failure of the run
			haveCondition(v1alpha1.ConditionPassed, metav1.ConditionFalse, "Fail", HaveSuffix("Fail on 1, Inconclusive on 1, Pass on 1 of 3 nodes; node n3, check gaps: a gap of 3s")),
			HaveField("Status.Verdict", v1alpha1.VerdictFail),
			HaveField("Status.Verdicts", Equal(&v1alpha1.VerdictCounts{Fail: 1, Inconclusive: 1, Pass: 1})),
			HaveField("Status.Findings", HaveExactElements(
				And(HaveField("Node", "n3"), HaveField("Value", "3s")),
				And(HaveField("Node", "n2"), HaveField("Message", "no values")),
			)),
		))
		Eventually(eventReasons(obj)).WithContext(ctx).Should(ContainElement("Fail"))
	})

	It("is not known if a node could not tell", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", judges(v1alpha1.VerdictInconclusive, "no values"))
		obj := w.load("dim", onNodes(1), checked)
		Eventually(of(obj)).WithContext(ctx).Should(And(
			beComplete(),
			haveCondition(v1alpha1.ConditionPassed, metav1.ConditionUnknown, "Inconclusive"),
			HaveField("Status.Verdict", v1alpha1.VerdictInconclusive),
		))
	})

	It("leaves out void samples, and is nothing where there are no others", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", func(run *v1alpha1.NodeRun) *v1alpha1.NodeRunStatus {
			status := voids(v1alpha1.VoidSteal, "stolen")(run)
			if run.Started() {
				status.Result = judges(v1alpha1.VerdictInconclusive, "a gap of 9s")(run).Result
			}
			return status
		})
		obj := w.load("stolen", onNodes(1), withRetries(0), checked)
		Eventually(of(obj)).WithContext(ctx).Should(And(
			haveFailed(v1alpha1.ReasonVoidSample),
			haveCondition(v1alpha1.ConditionPassed, metav1.ConditionUnknown, "Inconclusive", HaveSuffix("no NodeRun gave a valid sample to check")),
			HaveField("Status.Verdict", BeEmpty()),
			HaveField("Status.Verdicts", BeNil()),
			HaveField("Status.Findings", BeEmpty()),
		))
		Consistently(eventReasons(obj)).WithContext(ctx).ShouldNot(ContainElement("Inconclusive"))
	})

	It("is nothing before the end, and Skip without checks", func(ctx SpecContext) {
		w := newWorld()
		w.join("n1", holds)
		obj := w.load("plain", onNodes(1))
		Eventually(of(obj)).WithContext(ctx).Should(haveCondition(v1alpha1.ConditionProgressing, metav1.ConditionTrue, v1alpha1.ReasonRunning))
		Expect(of(obj)(ctx)).To(HaveField("Status.Conditions", Not(ContainElement(HaveField("Type", v1alpha1.ConditionPassed)))))
		w.behave("n1", completes)
		Eventually(of(obj)).WithContext(ctx).Should(And(
			haveCondition(v1alpha1.ConditionPassed, metav1.ConditionTrue, "Skip", HaveSuffix("nothing was checked")),
			HaveField("Status.Verdict", v1alpha1.VerdictSkip),
		))
	})
})
