// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"k8s.io/utils/cpuset"
)

const (
	cpuDir  = "sys/devices/system/cpu"
	nodeDir = "sys/devices/system/node"
)

// reader reads a machine's files and collects what they did not tell.
type reader struct {
	files fs.FS
	// vague are the CPUs each assumption was made for.
	vague map[string][]int
	notes []string
}

// Read reads the topology of the machine whose sysfs is below root; "/" is
// this machine. What the kernel does not tell becomes a warning, not an error,
// as long as it tells which CPUs are online.
func Read(root string) (*Machine, error) {
	m, err := read(os.DirFS(root))
	if err != nil {
		return nil, fmt.Errorf("reading the topology below %s: %w", root, err)
	}
	return m, nil
}

func read(files fs.FS) (*Machine, error) {
	r := &reader{files: files, vague: make(map[string][]int)}
	facts, err := r.cpus()
	if err != nil {
		return nil, err
	}
	m := &Machine{}
	m.Nodes = r.nodes(facts)
	m.LLCs = buildLLCs(facts)
	m.CPUs = buildCPUs(facts, m.LLCs)
	online := idsOf(facts)
	m.Classes = r.classes(online)
	m.Offline = r.offline(online)
	m.Isolated = r.list(path.Join(cpuDir, "isolated"))
	m.NohzFull = r.list(path.Join(cpuDir, "nohz_full"))
	m.Warnings = r.warnings()
	return m, nil
}

// cpuFacts is what sysfs says about one online CPU.
type cpuFacts struct {
	id, pkg, node int
	coreID        int
	siblings      cpuset.CPUSet
	cache         cache
}

func (r *reader) cpus() ([]cpuFacts, error) {
	const file = cpuDir + "/online"
	content, err := fs.ReadFile(r.files, file)
	if err != nil {
		return nil, err
	}
	online, err := parseList(string(content))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var facts []cpuFacts
	for _, id := range online.List() {
		if _, err := fs.Stat(r.files, r.cpu(id)); err != nil {
			r.assume(id, "online, but without a directory in sysfs: left out")
			continue
		}
		facts = append(facts, cpuFacts{
			id:       id,
			pkg:      r.number(path.Join(r.cpu(id), "topology/physical_package_id"), -1),
			node:     r.nodeOf(id),
			coreID:   r.coreID(id),
			siblings: r.siblings(id),
			cache:    r.lastLevelCache(id),
		})
	}
	if len(facts) == 0 {
		return nil, fmt.Errorf("%s names no CPU that sysfs describes", file)
	}
	return facts, nil
}

// offline are the CPUs that are present and not online. The kernel's own list
// of offline CPUs names those too that could be plugged in and are not.
func (r *reader) offline(online cpuset.CPUSet) cpuset.CPUSet {
	offline := r.list(path.Join(cpuDir, "offline"))
	if present := r.list(path.Join(cpuDir, "present")); !present.IsEmpty() {
		offline = offline.Intersection(present)
	}
	return offline.Difference(online)
}

func (r *reader) coreID(id int) int {
	core := r.number(path.Join(r.cpu(id), "topology/core_id"), -1)
	if core < 0 {
		r.assume(id, "no core id: the CPU's number is taken")
		return id
	}
	return core
}

// siblings is the set of threads of the CPU's core. The kernel's list is taken
// and not equal core ids, which repeat in the clusters of some arm64 machines.
func (r *reader) siblings(id int) cpuset.CPUSet {
	for _, name := range []string{"core_cpus_list", "thread_siblings_list"} {
		content, err := fs.ReadFile(r.files, path.Join(r.cpu(id), "topology", name))
		if err != nil {
			continue
		}
		if set, err := parseList(string(content)); err == nil && set.Contains(id) {
			return set
		}
	}
	r.assume(id, "no list of threads of the core: the CPU is taken as a core of its own")
	return cpuset.New(id)
}

// nodeOf finds the nodeN entry of a CPU's directory.
func (r *reader) nodeOf(id int) int {
	nodes := r.numbered(r.cpu(id), "node")
	if len(nodes) == 0 {
		r.assume(id, "no NUMA node: node 0 is taken")
		return 0
	}
	return nodes[0]
}

func (r *reader) cpu(id int) string { return path.Join(cpuDir, "cpu"+strconv.Itoa(id)) }

// number reads a file with one number.
func (r *reader) number(file string, otherwise int) int {
	content, err := fs.ReadFile(r.files, file)
	if err != nil {
		return otherwise
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return otherwise
	}
	return n
}

// list reads a list of CPUs. What is not there is empty, and so is what cannot
// be read, with a note.
func (r *reader) list(file string) cpuset.CPUSet {
	content, err := fs.ReadFile(r.files, file)
	if err != nil {
		return cpuset.New()
	}
	set, err := parseList(string(content))
	if err != nil {
		r.notes = append(r.notes, fmt.Sprintf("%s: %v: no CPU is taken to be in it", file, err))
	}
	return set
}

func (r *reader) assume(cpu int, what string) { r.vague[what] = append(r.vague[what], cpu) }

func (r *reader) warnings() []string {
	out := r.notes
	for what, cpus := range r.vague {
		out = append(out, fmt.Sprintf("CPUs %s: %s", cpuset.New(cpus...), what))
	}
	slices.Sort(out)
	return out
}

// numbered returns the N of the entries prefixN of a directory, ascending.
func (r *reader) numbered(dir, prefix string) []int {
	entries, err := fs.ReadDir(r.files, dir)
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), prefix)
		if n, err := strconv.ParseUint(digits, 10, 16); ok && err == nil {
			out = append(out, int(n))
		}
	}
	slices.Sort(out)
	return out
}

// parseList parses a list of CPUs of sysfs, which ends with a newline. Older
// kernels print a list that was never made as "(null)".
func parseList(s string) (cpuset.CPUSet, error) {
	list := strings.TrimSpace(s)
	if list == "(null)" {
		list = ""
	}
	set, err := cpuset.Parse(list)
	if err != nil {
		return cpuset.New(), errors.New("not a list of CPUs: " + strconv.Quote(s))
	}
	return set, nil
}
