// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package fingerprint

import "strings"

const (
	schedExtDir = "sys/kernel/sched_ext"
	cgroupDir   = "sys/fs/cgroup"
)

// volatile is what explains results, and may differ between results that compare.
var volatile = []source{
	{name: "sched.scheduler", read: func(r *reader) string { return Scheduler(r.root) }},
	{name: "cgroup.mode", read: (*reader).cgroupMode},
	{name: "kernel.tainted", read: content("proc/sys/kernel/tainted")},
	{name: "system.distribution", read: (*reader).distribution},
	{name: "system.profile", read: content("etc/tuned/active_profile")},
}

const (
	// KernelScheduler is how the kernel's own scheduler is called.
	KernelScheduler = "kernel"
	// UnknownScheduler is a sched_ext scheduler that does not say its name.
	UnknownScheduler = "unknown"
)

// Scheduler is the scheduler in charge of normal tasks: KernelScheduler, or the
// name of the sched_ext scheduler that is loaded.
func Scheduler(root string) string {
	r := &reader{root: root}
	if r.text(schedExtDir+"/state") != "enabled" {
		return KernelScheduler
	}
	if name := r.text(schedExtDir + "/root/ops"); name != "" {
		return bounded(name)
	}
	return UnknownScheduler
}

// cgroupMode is which versions of cgroups are mounted where systemd puts them.
func (r *reader) cgroupMode() string {
	switch {
	case r.raw(cgroupDir+"/cgroup.controllers") != "":
		return "v2"
	case r.raw(cgroupDir+"/unified/cgroup.procs") != "":
		return "hybrid"
	case len(r.names(cgroupDir)) > 0:
		return "v1"
	default:
		return ""
	}
}

// distribution is what /etc/os-release calls itself.
func (r *reader) distribution() string {
	for line := range strings.Lines(r.raw("etc/os-release")) {
		if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(name), `"'`)
		}
	}
	return ""
}
