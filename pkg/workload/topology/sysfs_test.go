// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
)

// sysfs is a tree of sysfs files.
type sysfs struct {
	t     *testing.T
	files fstest.MapFS
}

func newSysfs(t *testing.T, online string) *sysfs {
	s := &sysfs{t: t, files: make(fstest.MapFS)}
	s.file(cpuDir+"/online", online+"\n")
	return s
}

func (s *sysfs) file(path, content string) {
	s.files[path] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
}

// remove takes a file away, or a directory with all that is in it.
func (s *sysfs) remove(path string) {
	s.t.Helper()
	before := len(s.files)
	maps.DeleteFunc(s.files, func(name string, _ *fstest.MapFile) bool {
		return name == path || strings.HasPrefix(name, path+"/")
	})
	if len(s.files) == before {
		s.t.Fatalf("%s is not there, so it cannot be removed", path)
	}
}

// cpu adds a CPU's topology directory.
func (s *sysfs) cpu(id, pkg, core int, siblings string) {
	dir := fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/", id)
	s.file(dir+"physical_package_id", fmt.Sprintln(pkg))
	s.file(dir+"core_id", fmt.Sprintln(core))
	s.file(dir+"core_cpus_list", siblings+"\n")
}

// cache adds a cache to a CPU. An id below 0 is left out, as on arm64.
func (s *sysfs) cache(cpu, index, level, id int, size, shared string) {
	dir := fmt.Sprintf("sys/devices/system/cpu/cpu%d/cache/index%d/", cpu, index)
	s.file(dir+"level", fmt.Sprintln(level))
	s.file(dir+"size", size+"\n")
	s.file(dir+"shared_cpu_list", shared+"\n")
	if id >= 0 {
		s.file(dir+"id", fmt.Sprintln(id))
	}
}

// node adds a NUMA node and an entry for it to each of its CPUs.
func (s *sysfs) node(id int, totalKiB, freeKiB int64, distance string, cpus ...int) {
	dir := fmt.Sprintf("sys/devices/system/node/node%d/", id)
	s.file(dir+"meminfo", fmt.Sprintf("Node %d MemTotal:  %8d kB\nNode %d MemFree:   %8d kB\nNode %d MemUsed:  1 kB\n",
		id, totalKiB, id, freeKiB, id))
	s.file(dir+"distance", distance+"\n")
	for _, cpu := range cpus {
		s.file(fmt.Sprintf("sys/devices/system/cpu/cpu%d/node%d/uevent", cpu, id), "")
	}
}

// small is a virtual machine with two CPUs and one node.
func small(t *testing.T) *sysfs {
	s := newSysfs(t, "0-1")
	for id := range 2 {
		s.cpu(id, 0, id, fmt.Sprint(id))
		s.cache(id, 0, 1, id, "32K", fmt.Sprint(id))
		s.cache(id, 1, 2, id, "1024K", fmt.Sprint(id))
		s.cache(id, 2, 3, 0, "32768K", "0-1")
	}
	s.node(0, 9791700, 9145724, "10", 0, 1)
	return s
}

// server has two packages, each a node with two last-level caches, each of
// those with two cores of two threads: 16 CPUs. Core ids repeat per package and
// the second threads are numbered last.
func server(t *testing.T) *sysfs {
	s := newSysfs(t, "0-15")
	for core := range 8 {
		llc, pkg := core/2, core/4
		for _, id := range []int{core, core + 8} {
			s.cpu(id, pkg, core%4, fmt.Sprintf("%d,%d", core, core+8))
			s.cache(id, 0, 1, core, "48K", fmt.Sprintf("%d,%d", core, core+8))
			s.cache(id, 3, 3, llc, "16M", fmt.Sprintf("%d-%d,%d-%d", llc*2, llc*2+1, llc*2+8, llc*2+9))
		}
	}
	s.node(0, 16<<20, 8<<20, "10 32", 0, 1, 2, 3, 8, 9, 10, 11)
	s.node(1, 16<<20, 4<<20, "32 10", 4, 5, 6, 7, 12, 13, 14, 15)
	return s
}

// arm has two clusters of two cores whose L2 is the last level. Caches have no
// ids, core ids repeat per cluster, the package is unknown, and there is no NUMA.
func arm(t *testing.T) *sysfs {
	s := newSysfs(t, "0-3")
	for id := range 4 {
		shared := []string{"0-1", "2-3"}[id/2]
		s.cpu(id, -1, id%2, fmt.Sprint(id))
		s.cache(id, 0, 1, -1, "64K", fmt.Sprint(id))
		s.cache(id, 1, 2, -1, "524288", shared)
	}
	return s
}

// expander is the small machine with a node that has memory only.
func expander(t *testing.T) *sysfs {
	s := small(t)
	s.node(0, 9791700, 9145724, "10 50", 0, 1)
	s.node(2, 64<<20, 64<<20, "50 10")
	return s
}

// spanning is the small machine where each CPU is a node, under one cache.
func spanning(t *testing.T) *sysfs {
	s := small(t)
	s.remove("sys/devices/system/cpu/cpu1/node0")
	s.node(0, 1<<20, 1<<20, "10 12", 0)
	s.node(1, 1<<20, 1<<20, "12 10", 1)
	return s
}

// uneven has two caches of three CPUs each, and one of one CPU.
func uneven(t *testing.T) *sysfs {
	s := newSysfs(t, "0-6")
	for id := range 7 {
		s.cpu(id, 0, id, fmt.Sprint(id))
		s.cache(id, 3, 3, id/3, "8M", []string{"0-2", "3-5", "6"}[id/3])
	}
	s.node(0, 1<<20, 1<<20, "10", 0, 1, 2, 3, 4, 5, 6)
	return s
}
