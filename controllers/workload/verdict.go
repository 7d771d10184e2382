// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// Bounds of status.findings: how many, as in the schema, and how large as JSON.
const (
	maxFindings   = 10
	findingsBytes = 6_000
)

// verdicts are all there are, the worst first.
var verdicts = []v1alpha1.Verdict{v1alpha1.VerdictFail, v1alpha1.VerdictInconclusive, v1alpha1.VerdictPass, v1alpha1.VerdictSkip}

// opinion is what the checks say of a Workload. The zero value: nothing yet.
type opinion struct {
	verdict  v1alpha1.Verdict
	counts   *v1alpha1.VerdictCounts
	findings []v1alpha1.Finding
}

// opinionOf puts together what the checks say on the nodes whose samples count:
// the worst of it. What is found in a void sample says nothing.
func opinionOf(valid []*v1alpha1.NodeRun) opinion {
	if len(valid) == 0 {
		return opinion{}
	}
	o := opinion{counts: &v1alpha1.VerdictCounts{}}
	for _, run := range valid {
		*countOf(o.counts, verdictOf(run))++
	}
	for _, v := range slices.Backward(verdicts) {
		if *countOf(o.counts, v) > 0 {
			o.verdict = v
		}
	}
	o.findings = worstFindings(valid)
	return o
}

// verdictOf is what the checks say of one NodeRun: Skip where it has no checks.
func verdictOf(run *v1alpha1.NodeRun) v1alpha1.Verdict {
	if r := run.Status.Result; r != nil && slices.Contains(verdicts, r.Verdict) {
		return r.Verdict
	}
	return v1alpha1.VerdictSkip
}

func countOf(c *v1alpha1.VerdictCounts, v v1alpha1.Verdict) *int32 {
	switch v {
	case v1alpha1.VerdictFail:
		return &c.Fail
	case v1alpha1.VerdictInconclusive:
		return &c.Inconclusive
	case v1alpha1.VerdictPass:
		return &c.Pass
	default:
		return &c.Skip
	}
}

// worstFindings are those that are no passes, the worst first. Among equals, the
// first of each node come before the second of any, so that many nodes are seen.
func worstFindings(valid []*v1alpha1.NodeRun) []v1alpha1.Finding {
	type ranked struct {
		v1alpha1.Finding
		rank int
	}
	var all []ranked
	for _, run := range valid {
		if run.Status.Result == nil {
			continue
		}
		rank := map[v1alpha1.Verdict]int{}
		for _, f := range run.Status.Result.Findings {
			if f.Verdict != v1alpha1.VerdictFail && f.Verdict != v1alpha1.VerdictInconclusive {
				continue
			}
			f.Node = run.Spec.NodeName
			all = append(all, ranked{f, rank[f.Verdict]})
			rank[f.Verdict]++
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(slices.Index(verdicts, a.Verdict), slices.Index(verdicts, b.Verdict)), cmp.Compare(a.rank, b.rank), cmp.Compare(a.Node, b.Node))
	})
	var list []v1alpha1.Finding
	for _, f := range all[:min(len(all), maxFindings)] {
		list = append(list, f.Finding)
		if text, err := json.Marshal(list); err != nil || len(text) > findingsBytes {
			return list[:len(list)-1]
		}
	}
	return list
}

// passed says nothing before the Workload has ended.
func passed(ended bool, desired int, o opinion) *metav1.Condition {
	if !ended {
		return nil
	}
	say := func(status metav1.ConditionStatus, reason v1alpha1.Verdict, message string) *metav1.Condition {
		return condition(v1alpha1.ConditionPassed, status, string(reason), message)
	}
	switch o.verdict {
	case "":
		return say(metav1.ConditionUnknown, v1alpha1.VerdictInconclusive, "no NodeRun gave a valid sample to check")
	case v1alpha1.VerdictSkip:
		return say(metav1.ConditionTrue, o.verdict, "nothing was checked")
	case v1alpha1.VerdictPass:
		return say(metav1.ConditionTrue, o.verdict, opinionText(o, desired))
	case v1alpha1.VerdictFail:
		return say(metav1.ConditionFalse, o.verdict, opinionText(o, desired))
	default:
		return say(metav1.ConditionUnknown, o.verdict, opinionText(o, desired))
	}
}

// opinionText counts the nodes by verdict and quotes the worst finding.
func opinionText(o opinion, desired int) string {
	var parts []string
	for _, v := range verdicts {
		if n := *countOf(o.counts, v); n > 0 {
			parts = append(parts, fmt.Sprintf("%s on %d", v, n))
		}
	}
	text := fmt.Sprintf("%s of %d nodes", strings.Join(parts, ", "), desired)
	if len(o.findings) > 0 {
		f := &o.findings[0]
		text += fmt.Sprintf("; node %s, check %s: %s", f.Node, f.Check, f.Message)
	}
	return text
}
