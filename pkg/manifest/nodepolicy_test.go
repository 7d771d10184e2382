// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/workload/quantity"
	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

// What placement reads is what the node goes by, but for where things are on the node.
func TestAPolicyIsReadAsPublished(t *testing.T) {
	full := &spec.Policy{
		DangerousWork: true, CPUHotplug: true, Programs: map[string]string{"sh": "/bin/sh"}, Devices: []string{"/dev/vdb"}, Scratch: "/scratch",
		Bounds: spec.Bounds{
			UserIDs: spec.IDs{{First: 1000, Last: 1999}, {First: 65534, Last: 65534}}, GroupIDs: spec.IDs{{First: 0, Last: 0}},
			MaxRealtimePriority: new(0), ForbidDeadline: true, MinNice: new(-5),
			MaxMemory: new(quantity.Bytes(1 << 30)), MaxWorkers: new(8), MaxDuration: new(quantity.Duration(60e9)),
		},
	}
	for name, p := range map[string]*spec.Policy{"full": full, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			got, err := policyOf(NodePolicy(p))
			if err != nil {
				t.Fatal(err)
			}
			want := *p
			want.Scratch = ""
			if want.Programs != nil {
				want.Programs = map[string]string{"sh": "sh"}
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Of an agent of another version, or of one that lies, a bound must not be read as none.
func TestAPolicyThatCannotBeReadTakesNoRun(t *testing.T) {
	node := &v1alpha1.TestNodeStatus{Topology: &v1alpha1.Topology{OnlineCPUs: "0", MemoryNodes: "0"}, Policy: &v1alpha1.NodePolicy{UserIDs: "1000..1999"}}
	if got := Unfit(&spec.Run{}, node); !strings.Contains(got, `publishes a policy with ids that cannot be read: "1000..1999"`) {
		t.Errorf("got %q", got)
	}
}
