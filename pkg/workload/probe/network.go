// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"

	"golang.org/x/sys/unix"
)

// virtualEthernet makes the network of a run.
func (p *prober) virtualEthernet() outcome {
	err := p.kernel.tryNetwork()
	switch {
	case err == nil:
		return present
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return absent("the agent may not make a network namespace with links and packet sockets: give CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW")
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return absent("the kernel was built without CONFIG_NET_NS: it has no network namespaces")
	case errors.Is(err, unix.EOPNOTSUPP):
		return absent("the kernel has no virtual Ethernet links: load the module veth, or build it with CONFIG_VETH")
	case errors.Is(err, unix.EAFNOSUPPORT):
		return absent("the kernel has no packet sockets: load the module af_packet, or build it with CONFIG_PACKET")
	case errors.Is(err, unix.ENOSPC):
		return absent("no more network namespaces may be made: raise user.max_net_namespaces")
	default:
		return unknown(err.Error())
	}
}
