// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// outcome is what a probe found, and why if it found nothing.
type outcome struct {
	state   capability.State
	message string
}

var present = outcome{state: capability.Present}

func absent(why string) outcome { return outcome{capability.Absent, why} }

func unknown(why string) outcome { return outcome{capability.Unknown, why} }

// kernel is what probes try out; tests have one of their own.
type kernel interface {
	// trySchedAttr gives a thread on the CPUs, where there are any, a policy or a
	// nice value, and takes it back.
	trySchedAttr(cpus cpuset.CPUSet, attr unix.SchedAttr) error
	// tryMempolicy gives a thread a memory policy with one node.
	tryMempolicy(mode, node int) error
	capabilities() (uint64, error)
	allowedCPUs() (cpuset.CPUSet, error)
	allowedNodes() (cpuset.CPUSet, error)
	// tryNetwork makes a network namespace with a virtual Ethernet pair and packet sockets.
	tryNetwork() error
	cgroupFiles(parent string) (map[string]bool, error)
	// writable says why a file or directory cannot be written to.
	writable(path string) error
}

// prober probes one machine. What several probes need is found out once.
type prober struct {
	Host
	kernel kernel

	files       func() (map[string]bool, error)
	controllers func() ([]string, error)
	topology    func() (*topology.Machine, error)
}

func newProber(h Host, k kernel) *prober {
	p := &prober{Host: h, kernel: k}
	p.files = sync.OnceValues(func() (map[string]bool, error) { return k.cgroupFiles(h.CgroupParent) })
	p.controllers = sync.OnceValues(p.readControllers)
	p.topology = sync.OnceValues(func() (*topology.Machine, error) { return topology.Read(h.Root) })
	return p
}

// readable makes a probe of whether a file can be read.
func readable(path, whyNot string) func(*prober) outcome {
	return func(p *prober) outcome { return fileOutcome(p.tryRead(path), whyNot) }
}

// fileOutcome is what an attempt at a file tells. A kernel that knows a file
// but has it turned off answers EOPNOTSUPP.
func fileOutcome(err error, whyNot string) outcome {
	switch {
	case err == nil:
		return present
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EOPNOTSUPP):
		return absent(whyNot)
	default:
		return unknown(err.Error())
	}
}

// tryRead reads the beginning of a file, which may be long.
func (p *prober) tryRead(path string) error {
	f, err := os.Open(p.path(path))
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	_, err = f.Read(make([]byte, 64))
	return err
}

// text is the content of a file, empty if it cannot be read.
func (h Host) text(path string) string {
	content, err := os.ReadFile(h.path(path))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// number is the number that a file holds.
func (h Host) number(path string) (n int64, ok bool) {
	n, err := strconv.ParseInt(h.text(path), 10, 64)
	return n, err == nil
}

func (h Host) path(path string) string { return filepath.Join(h.Root, path) }
