// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import "github.com/schedfleet/schedfleet/pkg/workload/network"

// openPackets opens the packet socket of the worker at a position of a set: the first has an end of the set's
// pair of links for itself, the others have the other end. sets are numbered over all groups that have such
// sockets. The calling thread is locked; after an error it may be in the run's network, and the zygote has to end.
func openPackets(namespace, set, position int) (fd int, err error) {
	return network.OpenPackets(namespace, set, min(position, 1))
}
