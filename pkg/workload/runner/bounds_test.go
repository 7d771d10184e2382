// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// The runner goes by the policy of its job whatever was found before: it is the last
// who can say no.
func TestARunnerRefusesWhatItsPolicyDoes(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Job)
		want   string
	}{
		"a real-time policy": {func(j *Job) {
			j.Run.SchedulingPolicies = []spec.SchedulingPolicy{{Name: "rt", FIFO: &spec.Realtime{Priority: 1}}}
			j.Run.Groups[0].SchedulingPolicy = "rt"
			j.Policy.MaxRealtimePriority = new(0)
		}, "this machine does not fit: it does not allow real-time policies, which groups[0].schedulingPolicy needs"},
		"the agent's user":     {func(j *Job) { j.Policy.UserIDs = spec.IDs{{First: 1, Last: 1}} }, "it allows the users 1 only, and groups[0] without a uid has the agent's, 0"},
		"too many workers":     {func(j *Job) { j.Policy.MaxWorkers = new(1) }, "it allows 1 workers at most, and groups have 2 here"},
		"too long":             {func(j *Job) { j.Policy.MaxDuration = new(quantity.Duration(time.Millisecond)) }, "it allows runs of 1ms at most, and duration is 1s"},
		"memory nobody counts": {func(j *Job) { j.Cgroup, j.Policy.MaxMemory = "", new(quantity.Bytes(1<<30)) }, "the node's maxMemory: there is no cgroup v2 here that can be written to"},
	} {
		t.Run(name, func(t *testing.T) {
			j := job(t, time.Second)
			j.Run.Groups = []spec.Group{{Name: "g", Workers: 2, CloneMode: spec.CloneModeFork, Work: work.Spec{SpinWait: &work.SpinWait{}}}}
			j.Policy = &spec.Policy{}
			tc.change(&j)
			_, err := client().Run(t.Context(), j, nil)
			var setup *SetupError
			if !errors.As(err, &setup) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
