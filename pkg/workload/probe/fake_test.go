// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"
)

const (
	allCapabilities = 1<<41 - 1
	cpuFiles        = "sys/devices/system/cpu/"
)

// fakeKernel does everything, but for what is set.
type fakeKernel struct {
	sched     map[uint32]error // by policy
	mempolicy map[int]error    // by mode
	network   error
	held      uint64
	heldErr   error
	cpus      string
	nodes     string
	files     []string
	filesErr  error
	// readOnly are errors for paths that cannot be written to, by their end.
	readOnly map[string]error
	// looked counts the looks at cgroup files.
	looked *int
}

func able() *fakeKernel {
	return &fakeKernel{
		held: allCapabilities, cpus: "0-1", nodes: "0", looked: new(int),
		files: []string{
			"cgroup.kill", "cgroup.freeze", "cgroup.threads", "cpu.max", "cpu.idle", "cpu.max.burst", "cpu.uclamp.min", "cpuset.cpus",
			"cpuset.cpus.exclusive", "memory.max", "memory.swap.max", "io.stat", "io.weight", "io.max", "pids.max", "cpu.pressure",
		},
	}
}

func (k *fakeKernel) trySchedAttr(_ cpuset.CPUSet, attr unix.SchedAttr) error {
	return k.sched[attr.Policy]
}
func (k *fakeKernel) tryMempolicy(mode, _ int) error       { return k.mempolicy[mode] }
func (k *fakeKernel) tryNetwork() error                    { return k.network }
func (k *fakeKernel) capabilities() (uint64, error)        { return k.held, k.heldErr }
func (k *fakeKernel) allowedCPUs() (cpuset.CPUSet, error)  { return cpuset.Parse(k.cpus) }
func (k *fakeKernel) allowedNodes() (cpuset.CPUSet, error) { return cpuset.Parse(k.nodes) }
func (k *fakeKernel) cgroupFiles(string) (map[string]bool, error) {
	*k.looked++
	files := make(map[string]bool)
	for _, name := range k.files {
		files[name] = true
	}
	return files, k.filesErr
}

func (k *fakeKernel) writable(path string) error {
	for end, err := range k.readOnly {
		if strings.HasSuffix(path, end) {
			return &fs.PathError{Op: "access", Path: path, Err: err}
		}
	}
	_, err := os.Stat(path)
	return err
}

// machine is a tree of files in which everything is there, changed by further
// files; an empty content removes one.
func machine(t *testing.T, change map[string]string) Host {
	t.Helper()
	files := map[string]string{
		cpuFiles + "online":                                    "0-1\n",
		cpuFiles + "cpu0/topology/core_cpus_list":              "0-1\n",
		cpuFiles + "cpu1/topology/core_cpus_list":              "0-1\n",
		cpuFiles + "cpu1/online":                               "1\n",
		cpuFiles + "cpu1/cpufreq/scaling_cur_freq":             "2000000\n",
		cpuFiles + "cpu0/thermal_throttle/core_throttle_count": "0\n",
		"sys/devices/system/node/node0/cpulist":                "0-1\n",
		"sys/devices/system/node/node1/cpulist":                "\n",
		"sys/kernel/sched_ext/state":                           "disabled\n",
		"proc/pressure/cpu":                                    "some avg10=0.00\n",
		"proc/thread-self/schedstat":                           "1 2 3\n",
		"proc/self/numa_maps":                                  "55d0 default\n",
		"proc/self/setgroups":                                  "allow\n",
		"proc/sys/kernel/sched_rt_runtime_us":                  "950000\n",
		"cgroup/cgroup.controllers":                            "cpuset cpu io memory pids\n",
		"cgroup/agent/cgroup.procs":                            "1\n",
	}
	maps.Copy(files, change)
	root, tree := t.TempDir(), fstest.MapFS{}
	for path, content := range files {
		if content != "" {
			tree[path] = &fstest.MapFile{Data: []byte(content)}
		}
	}
	if err := os.CopyFS(root, tree); err != nil {
		t.Fatal(err)
	}
	return Host{Root: root, CgroupMount: filepath.Join(root, "cgroup"), CgroupParent: filepath.Join(root, "cgroup/agent")}
}
