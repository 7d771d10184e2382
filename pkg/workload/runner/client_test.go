// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// A client must not tell a runner to stop that is still within the time its parts may take.
func TestTheTimeOfARunCountsAllItsParts(t *testing.T) {
	const d = 10 * time.Second
	group := func(workers int, w work.Spec) spec.Group {
		return spec.Group{Name: "g", Workers: workers, CloneMode: spec.CloneModeFork, Work: w}
	}
	for name, tc := range map[string]struct {
		groups []spec.Group
		want   time.Duration
	}{
		"alone":                    {[]spec.Group{group(1, work.Spec{SpinWait: &work.SpinWait{}})}, d + overhead},
		"of what will be refused":  {[]spec.Group{group(1, work.Spec{})}, d + overhead},
		"with programs' grace":     {[]spec.Group{group(1, work.Spec{Exec: &work.Exec{Program: "p", Grace: new(quantity.Duration(time.Minute))}})}, d + overhead + time.Minute},
		"with files to be written": {[]spec.Group{group(100, work.Spec{IOSyncWrite: &work.IOSyncWrite{FileSize: new(quantity.Bytes(20 << 20))}})}, d + overhead + 100*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if got := limitOf(&spec.Run{Duration: quantity.Duration(d), Groups: tc.groups}); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
