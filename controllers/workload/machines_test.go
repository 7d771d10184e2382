// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"testing"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// A machine is looked at again when its node has changed, and only then.
func TestMachinesAreRememberedByVersion(t *testing.T) {
	l := newLedger()
	n := &v1alpha1.TestNode{}
	n.Name, n.ResourceVersion = "n", "1"
	first := l.machines.of(n)
	if first != manifest.DigestOf(&n.Status) {
		t.Error("it is not the digest of its status")
	}
	n.Status.Topology = &v1alpha1.Topology{CPUs: 2}
	if l.machines.of(n) != first {
		t.Error("it was looked at again in the same version")
	}
	n.ResourceVersion = "2"
	if l.machines.of(n) != manifest.DigestOf(&n.Status) {
		t.Error("it was not looked at again in another version")
	}
	l.forgetNode("n")
	if len(l.machines) != 0 {
		t.Error("a node that is no more is remembered")
	}
}
