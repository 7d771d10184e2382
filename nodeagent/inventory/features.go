// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// The features a node is probed for.
const (
	CgroupV2     = "CgroupV2"
	CgroupKill   = "CgroupKill"
	CgroupCPU    = "CgroupCPU"
	CgroupCpuset = "CgroupCpuset"
	CgroupMemory = "CgroupMemory"
	CgroupIO     = "CgroupIO"
	CgroupPids   = "CgroupPids"
	Realtime     = "Realtime"
	SchedExt     = "SchedExt"
	NUMA         = "NUMA"
	PSI          = "PSI"
	Schedstat    = "Schedstat"
)

var controllers = []struct{ feature, controller string }{
	{CgroupCPU, "cpu"}, {CgroupCpuset, "cpuset"}, {CgroupMemory, "memory"}, {CgroupIO, "io"}, {CgroupPids, "pids"},
}

// finding is what a probe found. "Not there" and "could not tell" stay apart.
type finding struct {
	state   v1alpha1.FeatureState
	message string
}

var present = finding{state: v1alpha1.FeaturePresent}

func absent(why string) finding { return finding{v1alpha1.FeatureAbsent, why} }

func unknown(err error) finding { return finding{v1alpha1.FeatureUnknown, err.Error()} }

// either makes a finding of a look at whether something is there.
func either(there bool, err error, whyNot string) finding {
	switch {
	case err != nil:
		return unknown(err)
	case there:
		return present
	default:
		return absent(whyNot)
	}
}

// features probes the machine; the result is in the order of the names.
func (m Machine) features(nodes int) []v1alpha1.Feature {
	found := map[string]finding{
		CgroupV2:   m.cgroupV2(),
		CgroupKill: m.cgroupKill(),
		Realtime:   probeRealtime(),
		SchedExt:   m.schedExt(),
		NUMA:       either(nodes > 1, nil, "there is one NUMA node"),
		PSI:        m.readable("proc/pressure/cpu", "the kernel was built without pressure stall information, or started with psi=0"),
		Schedstat:  m.readable("proc/thread-self/schedstat", "the kernel was built without CONFIG_SCHED_INFO"),
	}
	available, err := m.cgroupControllers()
	for _, c := range controllers {
		found[c.feature] = either(slices.Contains(available, c.controller), err,
			fmt.Sprintf("controller %s is not in the cgroup v2 hierarchy", c.controller))
	}
	var features []v1alpha1.Feature
	for name, f := range found {
		features = append(features, v1alpha1.Feature{Name: name, State: f.state, Message: bound(f.message, maxMessage)})
	}
	slices.SortFunc(features, func(a, b v1alpha1.Feature) int { return strings.Compare(a.Name, b.Name) })
	return features
}

func (m Machine) cgroupV2() finding {
	there, err := exists(m.CgroupRoot)
	return either(there, err, "the agent has no cgroup "+m.CgroupRoot)
}

// cgroupKill looks in the agent's cgroup: the top of a hierarchy never has the file.
func (m Machine) cgroupKill() finding {
	there, err := exists(filepath.Join(m.CgroupRoot, "cgroup.kill"))
	return either(there, err, "the kernel is older than Linux 5.14")
}

// cgroupControllers lists what the hierarchy can give, not what has been
// enabled for the agent's cgroup so far.
func (m Machine) cgroupControllers() ([]string, error) {
	content, err := os.ReadFile(filepath.Join(m.CgroupMount, "cgroup.controllers"))
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(content)), nil
}

func (m Machine) schedExt() finding {
	there, err := m.exists(schedExtDir)
	return either(there, err, "the kernel was built without CONFIG_SCHED_CLASS_EXT (Linux 6.12 or later has it)")
}

// readable says whether a file can be read. A kernel that knows a file but has
// it turned off answers EOPNOTSUPP.
func (m Machine) readable(path, whyNot string) finding {
	_, err := m.read(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EOPNOTSUPP) {
		return absent(whyNot)
	}
	return either(err == nil, err, "")
}

// realtimeProbePriority is the lowest: the probe must not delay anything.
const realtimeProbePriority = 1

// probeRealtime makes a thread real-time. The thread is thrown away with its
// goroutine, which ends without unlocking it.
func probeRealtime() finding {
	result := make(chan finding)
	go func() { // ends with the probe
		runtime.LockOSThread()
		attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: realtimeProbePriority}
		result <- realtimeFinding(unix.SchedSetAttr(0, attr, 0))
	}()
	return <-result
}

func realtimeFinding(err error) finding {
	switch {
	case err == nil:
		return present
	case errors.Is(err, unix.EPERM):
		return absent("the agent may not use real-time policies: it lacks CAP_SYS_NICE, or its cgroup has no real-time bandwidth")
	default:
		return unknown(os.NewSyscallError("sched_setattr", err))
	}
}
