// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// numa says whether there is more than one NUMA node.
func (p *prober) numa() outcome {
	top, err := p.topology()
	switch {
	case err != nil:
		return unknown(err.Error())
	case len(top.Nodes) > 1:
		return present
	default:
		return absent("there is one NUMA node")
	}
}

// mempolicy makes a probe for a memory policy with one node.
func mempolicy(mode int, whyNot string) func(*prober) outcome {
	return func(p *prober) outcome {
		nodes, err := p.kernel.allowedNodes()
		if err != nil {
			return unknown(err.Error())
		}
		node := 0 // where the kernel has no cpusets, it does not say which may be used
		if !nodes.IsEmpty() {
			node = nodes.List()[0]
		}
		return p.mempolicyOutcome(mode, node, whyNot)
	}
}

// mempolicyOutcome tells a mode that the kernel does not know from a node that it
// refuses by a mode that every kernel knows: the error is the same.
func (p *prober) mempolicyOutcome(mode, node int, whyNot string) outcome {
	err := p.kernel.tryMempolicy(mode, node)
	switch {
	case err == nil:
		return present
	case errors.Is(err, unix.ENOSYS):
		return absent("the kernel was built without CONFIG_NUMA: it has no set_mempolicy")
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return absent("the agent may not use set_mempolicy: a sandbox takes it away; allow it, or give CAP_SYS_NICE")
	case !errors.Is(err, unix.EINVAL):
		return unknown(err.Error())
	}
	if err := p.kernel.tryMempolicy(unix.MPOL_BIND, node); err != nil {
		return unknown(fmt.Sprintf("the kernel refuses any memory policy on node %d: %v", node, err))
	}
	return absent("the kernel does not know the memory policy: " + whyNot)
}
