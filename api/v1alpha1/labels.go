// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Labels on NodeRuns.
const (
	// LabelWorkload holds the name of the Workload a NodeRun belongs to.
	LabelWorkload = "schedfleet.dev/workload"
	// LabelNode holds the name of the TestNode a NodeRun is for, shortened to a label's length.
	LabelNode = "schedfleet.dev/node"
	// LabelClass holds the class of the TestNode when the NodeRun was created.
	LabelClass = "schedfleet.dev/class"
)

// FieldNodeName is the selectable field of NodeRuns that names their node.
const FieldNodeName = "spec.nodeName"

// AnnotationShows says in a few words what a ready-made Workload shows.
const AnnotationShows = "schedfleet.dev/shows"

// Annotations of TestNodes by which people have a say in their quarantine.
const (
	// AnnotationReleaseQuarantine releases the node each time its value changes, for
	// example to the present time.
	AnnotationReleaseQuarantine = "schedfleet.dev/release-quarantine"
	// AnnotationQuarantine with the value QuarantineNever exempts the node.
	AnnotationQuarantine = "schedfleet.dev/quarantine"
	// QuarantineNever is the only value AnnotationQuarantine has a meaning with.
	QuarantineNever = "Never"
)

// FinalizerCleanup keeps a Workload until its NodeRuns have ended on their nodes.
const FinalizerCleanup = "schedfleet.dev/cleanup"

// Field owners of server-side apply, one per writer.
const (
	FieldOwnerManager = "schedfleet-manager"
	FieldOwnerAgent   = "schedfleet-agent"
	// FieldOwnerQuarantine is the manager's, in the status of TestNodes.
	FieldOwnerQuarantine = "schedfleet-quarantine"
)

// DefaultLeaseNamespace is where agents keep their heartbeat Leases.
const DefaultLeaseNamespace = "schedfleet-system"

const (
	maxObjectName = 253
	maxLabelValue = 63
)

// NodeRunName is the name of the attempt-th NodeRun of a workload on a node.
// It is a pure function, so creating it twice fails instead of running twice.
func NodeRunName(workload, node string, attempt int32) string {
	return fit(fmt.Sprintf("%s-%s-%d", workload, node, attempt), maxObjectName)
}

// NodeLabelValue is the value of LabelNode for a node.
func NodeLabelValue(node string) string { return fit(node, maxLabelValue) }

// fit keeps s where it is short enough and else replaces its end by a hash of the whole.
func fit(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	suffix := "-" + hex.EncodeToString(sum[:5])
	return strings.TrimRight(s[:limit-len(suffix)], "-.") + suffix // a dot before the dash would not be a name
}
