// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import "testing"

func TestAllowedMemoryNodes(t *testing.T) {
	for name, tc := range map[string]struct {
		status string
		want   string
		fails  bool
	}{
		"two nodes":                {"Name:\tx\nMems_allowed:\t3\nMems_allowed_list:\t0-1\nnonvoluntary_ctxt_switches:\t1\n", "0-1", false},
		"a kernel without cpusets": {"Name:\tx\n", "", false},
		"a list that is none":      {"Mems_allowed_list:\tmany\n", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := allowedMemoryNodes(tc.status)
			if (err != nil) != tc.fails || got.String() != tc.want {
				t.Errorf("got %q, %v; want %q, an error: %v", got, err, tc.want, tc.fails)
			}
		})
	}
}
