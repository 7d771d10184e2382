// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

const (
	schedExtDir    = "sys/kernel/sched_ext"
	rtRuntimeFile  = "proc/sys/kernel/sched_rt_runtime_us"
	rtPeriodFile   = "proc/sys/kernel/sched_rt_period_us"
	setgroupsFile  = "proc/self/setgroups"
	onlineCPUsFile = "sys/devices/system/cpu/online"
)

// What a thread is made for a moment.
const (
	// probePriority is the lowest there is.
	probePriority = 1
	// probeRuntime in probePeriod is a thousandth of a CPU: little enough to be
	// admitted wherever something can be, and within the kernel's bounds on both.
	probeRuntime = time.Millisecond
	probePeriod  = time.Second
)

// realtime tries SCHED_RR.
func (p *prober) realtime() outcome {
	err := p.kernel.trySchedAttr(p.CPUs, unix.SchedAttr{Policy: unix.SCHED_RR, Priority: probePriority})
	switch {
	case err == nil:
		return present
	case errors.Is(err, unix.EPERM):
		return absent("the agent may not use real-time policies: it lacks CAP_SYS_NICE, or its cgroup has no real-time bandwidth")
	default:
		return schedOutcome(err)
	}
}

// deadline tries SCHED_DEADLINE. EBUSY is the answer of a kernel that has it,
// to a caller who may use it, while other tasks have all of the bandwidth: whether
// there is enough for a run is for its admission to say.
func (p *prober) deadline() outcome {
	err := p.kernel.trySchedAttr(p.CPUs, unix.SchedAttr{
		Policy: unix.SCHED_DEADLINE, Runtime: uint64(probeRuntime), Deadline: uint64(probePeriod), Period: uint64(probePeriod),
	})
	switch {
	case err == nil, errors.Is(err, unix.EBUSY):
		return present
	case errors.Is(err, unix.EPERM):
		return p.noDeadline()
	default:
		return schedOutcome(err)
	}
}

// noDeadline finds out which of the reasons for EPERM it was.
func (p *prober) noDeadline() outcome {
	held, err := p.kernel.capabilities()
	if err != nil {
		return unknown(fmt.Sprintf("SCHED_DEADLINE was refused, and whether for lack of CAP_SYS_NICE is not known: %v", err))
	}
	if !has(held, unix.CAP_SYS_NICE) {
		return absent("the agent may not use SCHED_DEADLINE: it lacks CAP_SYS_NICE")
	}
	if p.text(rtRuntimeFile) == "0" {
		return absent("the kernel has no bandwidth for SCHED_DEADLINE: set kernel.sched_rt_runtime_us to more than 0")
	}
	cpus := p.CPUs
	if cpus.IsEmpty() {
		cpus, err = p.kernel.allowedCPUs()
	}
	online := p.text(onlineCPUsFile)
	if err == nil && cpus.String() != online {
		return unknown(fmt.Sprintf("SCHED_DEADLINE needs a thread that may use every CPU of its root domain, and runs may use only %s of %s: "+
			"let the agent use all of them", cpus, online))
	}
	return unknown("SCHED_DEADLINE was refused with EPERM for a reason that the kernel does not tell")
}

// schedExt looks for sched_ext, and whether its policy is known.
func (p *prober) schedExt() outcome {
	if _, err := os.Stat(p.path(schedExtDir)); err != nil {
		return fileOutcome(err, "the kernel was built without CONFIG_SCHED_CLASS_EXT (Linux 6.12 or later has it)")
	}
	if err := p.kernel.trySchedAttr(p.CPUs, unix.SchedAttr{Policy: unix.SCHED_EXT}); err != nil {
		return unknown(fmt.Sprintf("the kernel has /%s, but refuses the policy SCHED_EXT: %v", schedExtDir, err))
	}
	return present
}

// negativeNice tries a nice value of -1.
func (p *prober) negativeNice() outcome {
	err := p.kernel.trySchedAttr(p.CPUs, unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: -1})
	switch {
	case err == nil:
		return present
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return absent("the agent may not lower nice values: it lacks CAP_SYS_NICE")
	default:
		return schedOutcome(err)
	}
}

// schedOutcome is for errors of sched_setattr that every policy can get.
func schedOutcome(err error) outcome {
	if errors.Is(err, unix.ENOSYS) {
		return absent("the kernel has no sched_setattr (Linux 3.14 or later has it, unless a sandbox takes it away)")
	}
	return unknown(err.Error())
}

// credentials looks whether a thread may take another user, group, and no
// supplementary groups. Trying is not possible without losing something.
func (p *prober) credentials() outcome {
	held, err := p.kernel.capabilities()
	switch {
	case err != nil:
		return unknown(err.Error())
	case !has(held, unix.CAP_SETUID), !has(held, unix.CAP_SETGID):
		return absent("the agent may not change users and groups: it lacks CAP_SETUID or CAP_SETGID")
	case p.text(setgroupsFile) == "deny":
		return absent("the agent may not drop groups: /" + setgroupsFile + ` says "deny" in its user namespace`)
	default:
		return present
	}
}

func has(held uint64, capability int) bool { return held>>capability&1 != 0 }

// RealtimeBandwidth is how much of every period real-time tasks may take and
// deadline tasks may reserve of each CPU; nil where the kernel does not tell.
func (h Host) RealtimeBandwidth() *spec.Bandwidth {
	runtimeMicros, runtimeOK := h.number(rtRuntimeFile)
	periodMicros, periodOK := h.number(rtPeriodFile)
	if !runtimeOK || !periodOK || periodMicros <= 0 {
		return nil
	}
	return &spec.Bandwidth{Runtime: time.Duration(runtimeMicros) * time.Microsecond, Period: time.Duration(periodMicros) * time.Microsecond}
}
