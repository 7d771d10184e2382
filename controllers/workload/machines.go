// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"github.com/schedfleet/schedfleet/api/v1alpha1"
	"github.com/schedfleet/schedfleet/pkg/manifest"
)

// machines remembers what placement tells machines apart by, since nodes seldom
// change and computing it for thousands of them takes a good part of a second.
type machines map[string]seenMachine

type seenMachine struct {
	resourceVersion string
	digest          manifest.MachineDigest
}

func (m machines) of(n *v1alpha1.TestNode) manifest.MachineDigest {
	seen, ok := m[n.Name]
	if !ok || seen.resourceVersion != n.ResourceVersion {
		seen = seenMachine{resourceVersion: n.ResourceVersion, digest: manifest.DigestOf(&n.Status)}
		m[n.Name] = seen
	}
	return seen.digest
}
