// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// state is what else somebody may set while a run is going on. Where a fact of another list says a part of it, it
// says the rest.
var state = []source{
	{name: "sched.scheduler.state", read: content(schedExtDir + "/state")},
	{name: "sched.scheduler.loads", read: content(schedExtDir + "/enable_seq")},
	{name: "sched.scheduler.all", read: content(schedExtDir + "/switch_all")},
	{name: "sched.server.fair", read: reserved("fair_server")},
	{name: "sched.server.ext", read: reserved("ext_server")},
	{name: "sched.numa", read: assignments(debugSched+"/numa_balancing", func(string) bool { return true })},
	{name: "sched.sysctls", read: assignments("proc/sys/kernel", isOtherSysctl)},
	{name: "irq.affinity.default", read: content("proc/irq/default_smp_affinity")},
	{name: "workqueue.cpus", read: content("sys/devices/virtual/workqueue/cpumask")},
	{name: "pressure", read: (*reader).pressure},
	{name: "cgroup.controllers", read: (*reader).controllers},
}

// reserved is the CPU time, of which period in ns, that a server of the scheduler keeps for a class below the
// real-time ones.
func reserved(name string) func(*reader) string {
	return func(r *reader) string {
		return r.perCPU(func(cpu int) string {
			dir := path.Join(debugSched, name, path.Base(cpuPath(cpu, "")))
			runtime, period := r.text(dir+"/runtime"), r.text(dir+"/period")
			if runtime == "" || period == "" {
				return ""
			}
			return runtime + "/" + period
		})
	}
}

// assignments are the files of a directory that are wanted, with their contents.
func assignments(dir string, wanted func(name string) bool) func(*reader) string {
	return func(r *reader) string {
		var set []string
		for _, name := range r.names(dir) {
			if !wanted(name) {
				continue
			}
			if value := r.text(dir + "/" + name); value != "" {
				set = append(set, name+"="+value)
			}
		}
		return strings.Join(set, " ")
	}
}

// isOtherSysctl says that a setting of the scheduler is not a fact of its own.
func isOtherSysctl(name string) bool {
	return strings.HasPrefix(name, "sched_") && !slices.ContainsFunc(sysctls(), func(s source) bool { return s.name == "kernel."+name })
}

// pressure is whether the kernel counts pressure stall information; it can be built in and switched off.
func (r *reader) pressure() string {
	_, err := os.ReadFile(filepath.Join(r.root, "proc/pressure/cpu"))
	switch {
	case err == nil:
		return "on"
	case errors.Is(err, unix.EOPNOTSUPP):
		return "off"
	default:
		r.note(err)
		return ""
	}
}

// controllers are those of cgroup v2 that the cgroup at the top hands on.
func (r *reader) controllers() string {
	const file = "cgroup.subtree_control"
	dir := cgroupDir
	if r.cgroupMode() == "hybrid" {
		dir += "/unified"
	}
	if !slices.Contains(r.names(dir), file) {
		return ""
	}
	if list := r.text(dir + "/" + file); list != "" || r.refused {
		return list
	}
	return "none"
}
