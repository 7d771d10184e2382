// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package network makes the network of a run: a namespace of its own with pairs of virtual Ethernet links,
// and sockets in it.
//
// Nothing of it is to be seen from outside. The namespace has no name and is on no path; it lives
// while somebody has a descriptor of it or a socket in it, so it also goes when its maker is killed.
// What is sent into one end of a pair arrives at the other in the same softirq, mostly on the same CPU.
package network

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

const (
	// closeTimeout bounds the wait for the namespace to be gone.
	closeTimeout = time.Second
	// upTimeout bounds the wait for links to be up.
	upTimeout = 5 * time.Second
	poll      = time.Millisecond
	// noIPv6Address is IN6_ADDR_GEN_MODE_NONE of linux/if_link.h.
	noIPv6Address = 1
)

// namespaceFile is the network namespace of the thread that opens it.
const namespaceFile = "/proc/thread-self/ns/net"

// Network is a network namespace with pairs of links.
type Network struct {
	file *os.File
	// handle finds the namespace by what it was, as long as it is there; nil where the kernel has no such thing.
	handle *unix.FileHandle
}

// New makes a namespace with a pair of links, both up, for each of the sets. Close has to be called.
func New(sets int) (*Network, error) {
	if sets < 1 || sets > work.MaxPacketSets {
		return nil, fmt.Errorf("a network of %d pairs: 1 to %d can be had", sets, work.MaxPacketSets)
	}
	type made struct {
		file *os.File
		err  error
	}
	result := make(chan made)
	go func() { // ends with what it makes; its thread, which it leaves locked, goes with it
		runtime.LockOSThread()
		file, err := inNewNamespace(func() error { return addPairs(sets) })
		result <- made{file, err}
	}()
	got := <-result
	if got.err != nil {
		return nil, fmt.Errorf("making a network of %d pairs: %w", sets, got.err)
	}
	n := &Network{file: got.file}
	// Linux 6.18 and later have handles of namespaces.
	if handle, _, err := unix.NameToHandleAt(int(n.file.Fd()), "", unix.AT_EMPTY_PATH); err == nil {
		n.handle = &handle
	}
	return n, nil
}

// inNewNamespace calls setUp in a new namespace, into which the thread goes for that, and opens the namespace.
func inNewNamespace(setUp func() error) (*os.File, error) {
	before, err := os.Open(namespaceFile)
	if err != nil {
		return nil, err
	}
	defer before.Close() //nolint:errcheck // only looked at
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("unshare(CLONE_NEWNET): %w", err)
	}
	file, err := os.Open(namespaceFile)
	if err == nil {
		err = setUp()
	}
	// The thread may be the process's first, which does not end.
	if back := setns(int(before.Fd())); back != nil {
		err = errors.Join(err, back)
	}
	if err != nil && file != nil {
		_ = file.Close()
	}
	return file, err
}

func setns(namespace int) error {
	if err := unix.Setns(namespace, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("setns to a network namespace: %w", err)
	}
	return nil
}

// addPairs makes the pairs in the namespace of the calling thread.
func addPairs(sets int) error {
	links, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("opening a netlink socket: %w", err)
	}
	defer links.Close()
	var names []string
	for set := range sets {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.HardwareAddr = linkName(set, 0), work.LinkAddresses[0][:]
		pair := &netlink.Veth{LinkAttrs: attrs, PeerName: linkName(set, 1), PeerHardwareAddr: work.LinkAddresses[1][:]}
		if err := links.LinkAdd(pair); err != nil {
			return fmt.Errorf("making the veth pair %d: %w", set, err)
		}
		names = append(names, linkName(set, 0), linkName(set, 1))
	}
	return bringUp(links, names)
}

// bringUp brings links up and waits until frames pass: the kernel takes a link for use some time
// after its other end came up, and drops frames before.
func bringUp(links *netlink.Handle, names []string) error {
	for _, name := range names {
		link, err := links.LinkByName(name)
		if err == nil {
			// An address of IPv6 would be announced: frames that are not ours. A kernel without IPv6 refuses.
			_ = links.LinkSetIP6AddrGenMode(link, noIPv6Address)
			err = links.LinkSetUp(link)
		}
		if err != nil {
			return fmt.Errorf("bringing up %s: %w", name, err)
		}
	}
	deadline := time.Now().Add(upTimeout)
	for _, name := range names {
		if err := awaitUp(links, name, deadline); err != nil {
			return err
		}
	}
	return nil
}

func awaitUp(links *netlink.Handle, name string, deadline time.Time) error {
	for {
		link, err := links.LinkByName(name)
		if err != nil {
			return fmt.Errorf("looking at %s: %w", name, err)
		}
		state := link.Attrs().OperState
		if state == netlink.OperUp {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not up after %v but %v", name, upTimeout, state)
		}
		time.Sleep(poll)
	}
}

// linkName is the name of an end of a set's pair.
func linkName(set, end int) string { return fmt.Sprintf("pair%d-%d", set, end) }

// File is the namespace, for OpenPackets in other processes. It belongs to the Network. A nil
// Network has none.
func (n *Network) File() *os.File {
	if n == nil {
		return nil
	}
	return n.file
}

// Close gives the namespace up and waits until nobody has it any more, where the kernel can tell. To still be
// had then is an error: a process of the run lives, or one has its sockets.
func (n *Network) Close() error {
	if n == nil {
		return nil
	}
	if err := n.file.Close(); err != nil {
		return fmt.Errorf("closing the network of the run: %w", err)
	}
	if n.handle == nil {
		return nil
	}
	for deadline := time.Now().Add(closeTimeout); n.there(); time.Sleep(poll) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the network of the run is still there %v after it was given up: something holds it", closeTimeout)
		}
	}
	return nil
}

// there says whether the namespace is still in use.
func (n *Network) there() bool {
	// FD_NSFS_ROOT of nsfs(5) stands for the file system of namespaces.
	const nsfsRoot = -10003
	fd, err := unix.OpenByHandleAt(nsfsRoot, *n.handle, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return false
	}
	_ = unix.Close(fd)
	return true
}
