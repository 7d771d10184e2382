// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The original prints tables for people.
func TestParseSchbench(t *testing.T) {
	const wakeups = `setting worker threads to 2
Wakeup Latencies percentiles (usec) runtime 10 (s) (4715 total samples)
	  50.0th: 3          (2304 samples)
	  90.0th: 5          (1012 samples)
	* 99.0th: 9          (388 samples)
	  99.9th: 221        (42 samples)
	  min=1, max=1066
`
	for name, tc := range map[string]struct {
		text string
		want []float64
	}{
		"requests": {wakeups + `Request Latencies percentiles (usec) runtime 10 (s) (4717 total samples)
	  50.0th: 4040       (1418 samples)
	  90.0th: 4104       (1886 samples)
	* 99.0th: 4520       (415 samples)
	  99.9th: 5560       (42 samples)
	  min=3981, max=8068
RPS percentiles (requests) runtime 10 (s) (11 total samples)
	  20.0th: 467        (3 samples)
	* 50.0th: 473        (4 samples)
	  90.0th: 475        (3 samples)
	  min=1, max=475
average rps: 471.70
sched delay: message 2 (usec) worker 4 (usec)
`, []float64{471.7, 3, 9, 221, 4040, 4520}},
		"pages": {wakeups + "avg worker transfer: 21924.84 ops/sec 1.34GB/s\n", []float64{21924.84, 3, 9, 221}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseSchbench(tc.text)
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("%v, (-want +got):\n%s", err, diff)
			}
		})
	}
	if _, err := parseSchbench("schbench: out of memory\n"); err == nil {
		t.Error("figures were read where there are none")
	}
}

// What is compared is in the bounds that ours takes, and each setup is another one.
func TestSchbenchSetups(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range setups {
		if err := s.kind().Validate(); err != nil || seen[s.args] {
			t.Errorf("%s: %v, seen before: %v", s.args, err, seen[s.args])
		}
		seen[s.args] = true
	}
	for _, c := range schbenchComparisons("x") {
		if len(c.metrics) != 7 && len(c.metrics) != 5 {
			t.Errorf("%s has %d metrics", c.name, len(c.metrics))
		}
	}
}
