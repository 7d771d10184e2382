// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/hack/guest/internal/wire"
)

const nic = "eth0"

func configureNetwork() error {
	there := func() bool { _, err := os.Stat("/sys/class/net/" + nic); return err == nil }
	if !poll(deviceTimeout, there) {
		return fmt.Errorf("no network interface %s appeared within %v", nic, deviceTimeout)
	}
	if err := setUp(nic, net.ParseIP(wire.GuestAddress).To4()); err != nil {
		return err
	}
	if err := addDefaultRoute(net.ParseIP(wire.HostAddress).To4()); err != nil {
		return fmt.Errorf("adding the route by %s: %w", wire.HostAddress, err)
	}
	return nil
}

// setUp gives an interface its address, if there is one, and brings it up.
func setUp(name string, address net.IP) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening a socket to configure %s: %w", name, err)
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written to it
	if address != nil {
		if err := setAddress(fd, name, unix.SIOCSIFADDR, address); err != nil {
			return fmt.Errorf("setting the address %s of %s: %w", address, name, err)
		}
		mask := net.CIDRMask(wire.PrefixLength, 32)
		if err := setAddress(fd, name, unix.SIOCSIFNETMASK, net.IP(mask)); err != nil {
			return fmt.Errorf("setting the netmask %s of %s: %w", mask, name, err)
		}
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, request); err != nil {
		return fmt.Errorf("reading the flags of %s: %w", name, err)
	}
	request.SetUint16(request.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("bringing up %s: %w", name, err)
	}
	return nil
}

func setAddress(fd int, name string, what uint, address net.IP) error {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := request.SetInet4Addr(address); err != nil {
		return err
	}
	return unix.IoctlIfreq(fd, what, request)
}

// addDefaultRoute sends one netlink request and reads its acknowledgement.
func addDefaultRoute(gateway net.IP) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // the answer has been read
	if err := unix.Sendto(fd, routeRequest(gateway), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return err
	}
	if n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return fmt.Errorf("the kernel answered with %d bytes that are no acknowledgement", n)
	}
	if errno := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); errno != 0 {
		return unix.Errno(-errno)
	}
	return nil
}

// routeRequest is a netlink header, a struct rtmsg and one attribute.
func routeRequest(gateway net.IP) []byte {
	const size = unix.SizeofNlMsghdr + unix.SizeofRtMsg + unix.SizeofRtAttr + net.IPv4len
	m := binary.NativeEndian.AppendUint32(nil, size)
	m = binary.NativeEndian.AppendUint16(m, unix.RTM_NEWROUTE)
	m = binary.NativeEndian.AppendUint16(m, unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE)
	m = append(m, make([]byte, 8)...) // sequence number, port: any
	m = append(m, unix.AF_INET, 0, 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_BOOT, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST)
	m = append(m, 0, 0, 0, 0) // flags
	m = binary.NativeEndian.AppendUint16(m, unix.SizeofRtAttr+net.IPv4len)
	m = binary.NativeEndian.AppendUint16(m, unix.RTA_GATEWAY)
	return append(m, gateway...)
}
