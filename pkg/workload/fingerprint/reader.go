// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

const cpuDir = "sys/devices/system/cpu"

// source is where a fact comes from.
type source struct {
	name string
	// read gives the value, empty if the machine does not tell.
	read func(*reader) string
	// live says that it can change while the machine runs, and is cheap to read.
	live bool
}

// reader reads the files of one machine.
type reader struct {
	root string
	top  *topology.Machine
	// cpus are the online ones, ascending.
	cpus []int
	// refused says that a file is there that could not be read.
	refused bool
	cpuinfo func() []processor
}

func newReader(root string, m *topology.Machine) *reader {
	r := &reader{root: root, top: m}
	if online, err := cpuset.Parse(r.text(cpuDir + "/online")); err == nil {
		r.cpus = online.List()
	}
	r.cpuinfo = sync.OnceValue(func() []processor { return parseCPUInfo(r.raw("proc/cpuinfo")) })
	return r
}

// facts reads the facts that the machine tells, and lists those that it has and does not tell.
func (r *reader) facts(sources []source) (facts []Fact, unknown []string) {
	for _, s := range sources {
		r.refused = false
		if value := s.read(r); value != "" {
			facts = append(facts, Fact{Name: s.name, Value: bounded(value)})
		} else if r.refused {
			unknown = append(unknown, s.name)
		}
	}
	return byName(facts), unknown
}

// raw is the content of a file, empty if it cannot be read.
func (r *reader) raw(path string) string {
	content, err := os.ReadFile(filepath.Join(r.root, path))
	if err != nil {
		r.note(err)
		return ""
	}
	return string(content)
}

// note takes down that something is there and cannot be read.
func (r *reader) note(err error) {
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.EISDIR) {
		r.refused = true
	}
}

// text is the content of a file on one line. The kernel ends some with a zero byte.
func (r *reader) text(path string) string {
	return strings.Join(strings.Fields(strings.TrimRight(r.raw(path), "\x00\n")), " ")
}

// names lists a directory, ascending, empty if it cannot be read.
func (r *reader) names(dir string) []string {
	entries, err := os.ReadDir(filepath.Join(r.root, dir))
	if err != nil {
		r.note(err)
		return nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func content(path string) func(*reader) string {
	return func(r *reader) string { return r.text(path) }
}

// chosen is the word in brackets in a file that lists what could be chosen, such
// as "always [madvise] never".
func chosen(path, open, end string) func(*reader) string {
	return func(r *reader) string {
		_, rest, found := strings.Cut(r.text(path), open)
		word, _, closed := strings.Cut(rest, end)
		if !found || !closed {
			return ""
		}
		return word
	}
}

// each is the content of a file that every CPU has.
func each(path string) func(*reader) string {
	return func(r *reader) string {
		return r.perCPU(func(cpu int) string { return r.text(cpuPath(cpu, path)) })
	}
}

func cpuPath(cpu int, path string) string {
	return filepath.Join(cpuDir, "cpu"+strconv.Itoa(cpu), path)
}

// perCPU sums up a value that each CPU has: the value if all have the same, else
// such as "performance (0-3), powersave (4-7)". It is empty if no CPU has one.
func (r *reader) perCPU(value func(cpu int) string) string {
	having := make(map[string][]int)
	for _, cpu := range r.cpus {
		if v := value(cpu); v != "" {
			having[v] = append(having[v], cpu)
		}
	}
	return grouped(having, len(r.cpus))
}

// namesAll makes grouped name the members even if all have the same value.
const namesAll = -1

// grouped writes which values which members of a set of so many have.
func grouped(having map[string][]int, of int) string {
	type group struct {
		value string
		has   []int
	}
	var groups []group
	for value, has := range having {
		if len(has) == of {
			return value
		}
		groups = append(groups, group{value, has})
	}
	slices.SortFunc(groups, func(a, b group) int { return cmp.Compare(a.has[0], b.has[0]) })
	var parts []string
	for _, g := range groups {
		parts = append(parts, g.value+" ("+cpuset.New(g.has...).String()+")")
	}
	return strings.Join(parts, ", ")
}
