// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"fmt"
	"math/bits"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// hardware is what the machine is. Nothing of it depends on the kernel or its
// settings, but on which CPUs are online.
var hardware = []source{
	{name: "machine.architecture", read: func(*reader) string { return runtime.GOARCH }},
	{name: "machine.model", read: dmi("sys_vendor", "product_name")},
	{name: "machine.firmware", read: dmi("bios_vendor", "bios_version")},
	{name: "machine.hypervisor", read: (*reader).hypervisor},
	{name: "machine.shape", read: fromTopology((*topology.Machine).Shape)},
	{name: "machine.topology", read: fromTopology(topologyDigest)},
	{name: "cpu.model", read: everyProcessor("model name")},
	{name: "cpu.id", read: (*reader).processorID},
	{name: "cpu.microcode", read: everyProcessor("microcode")},
	{name: "cpu.online", read: content(cpuDir + "/online")},
	{name: "cpu.cores", read: fromTopology(func(m *topology.Machine) string { return strconv.Itoa(m.Cores()) })},
	{name: "cpu.classes", read: fromTopology(classes)},
	{name: "cpu.frequency.base", read: (*reader).baseFrequency},
	{name: "cache.sizes", read: (*reader).caches},
	{name: "numa.memory", read: fromTopology(memory)},
	{name: "numa.distances", read: fromTopology(distances)},
}

func fromTopology(read func(*topology.Machine) string) func(*reader) string {
	return func(r *reader) string {
		if r.top == nil {
			return ""
		}
		return read(r.top)
	}
}

// dmi joins what the firmware says of the machine.
func dmi(names ...string) func(*reader) string {
	return func(r *reader) string {
		var said []string
		for _, name := range names {
			if text := r.text("sys/class/dmi/id/" + name); text != "" {
				said = append(said, text)
			}
		}
		return strings.Join(said, " ")
	}
}

// hypervisor is the kind of hypervisor if it is known, "present" if only that
// there is one, "none" if the CPU says so.
func (r *reader) hypervisor() string {
	for _, file := range []string{"sys/hypervisor/type", "proc/device-tree/hypervisor/compatible"} {
		if kind := r.text(file); kind != "" {
			return kind
		}
	}
	processors := r.cpuinfo()
	if len(processors) == 0 || processors[0].fields["flags"] == "" {
		return ""
	}
	if slices.Contains(strings.Fields(processors[0].fields["flags"]), "hypervisor") {
		return "present"
	}
	return "none"
}

// baseFrequency is what the CPUs run at without any boost. The highest frequency
// is a software fact, since some drivers lower it when boost is switched off.
func (r *reader) baseFrequency() string {
	if khz := each("cpufreq/base_frequency")(r); khz != "" {
		return khz + " kHz"
	}
	if mhz := each("acpi_cppc/nominal_freq")(r); mhz != "" {
		return mhz + " MHz"
	}
	return ""
}

// caches lists the caches there are, such as "L1d 32K, L1i 32K, L2 1024K". It looks
// at one CPU of each core.
func (r *reader) caches() string {
	if r.top == nil {
		return ""
	}
	var kinds []string
	for i := range r.top.LLCs {
		for _, core := range r.top.LLCs[i].Cores {
			kinds = append(kinds, r.cachesOf(core.CPUs.List()[0])...)
		}
	}
	slices.Sort(kinds)
	return strings.Join(slices.Compact(kinds), ", ")
}

func (r *reader) cachesOf(cpu int) []string {
	var kinds []string
	for _, name := range r.names(cpuPath(cpu, "cache")) {
		index := path.Join(cpuPath(cpu, "cache"), name)
		level, size := r.text(index+"/level"), r.text(index+"/size")
		if level == "" || size == "" {
			continue
		}
		kind := map[string]string{"Data": "d", "Instruction": "i"}[r.text(index+"/type")]
		kinds = append(kinds, "L"+level+kind+" "+size)
	}
	return kinds
}

// topologyDigest tells machines apart whose shape is the same and whose CPUs are
// numbered another way.
func topologyDigest(m *topology.Machine) string {
	var text strings.Builder
	for i := range m.LLCs {
		llc := &m.LLCs[i]
		fmt.Fprintf(&text, "cache level %d node %d\n", llc.Level, llc.Node)
		for _, core := range llc.Cores {
			fmt.Fprintf(&text, "core %s\n", core.CPUs)
		}
	}
	for _, cpu := range m.CPUs {
		fmt.Fprintf(&text, "cpu %d package %d node %d\n", cpu.ID, cpu.Package, cpu.Node)
	}
	return digestOf(text.String())
}

// classes are the kinds of CPUs by name; how much each can do depends on boost. A
// machine with one kind says so whatever its name, which depends on the kernel.
func classes(m *topology.Machine) string {
	if len(m.Classes) == 1 {
		return "uniform"
	}
	var parts []string
	for _, c := range m.Classes {
		parts = append(parts, c.Name+" ("+c.CPUs.String()+")")
	}
	return strings.Join(parts, ", ")
}

// memory is how much each node has, such as "64GiB (0-1)", or "64GiB" where there
// is one node.
func memory(m *topology.Machine) string {
	having := make(map[string][]int)
	for i := range m.Nodes {
		if n := &m.Nodes[i]; n.MemoryTotalKiB > 0 {
			size := nominalMemory(n.MemoryTotalKiB)
			having[size] = append(having[size], n.ID)
		}
	}
	if len(m.Nodes) == 1 {
		return grouped(having, 1)
	}
	return grouped(having, namesAll)
}

// nominalMemory is the size rounded up to a sixteenth of the next power of two,
// which is about what is plugged in. What the kernel has of it is a few percent
// less, and differs from boot to boot.
func nominalMemory(kib int64) string {
	const sixteenth, mib, gib = 16, 1 << 10, 1 << 20
	unit := max(int64(1)<<bits.Len64(uint64(kib))/sixteenth, mib)
	kib = (kib + unit - 1) / unit * unit
	if kib%gib == 0 {
		return strconv.FormatInt(kib/gib, 10) + "GiB"
	}
	return strconv.FormatInt(kib/mib, 10) + "MiB"
}

// distances are the rows of the matrix.
func distances(m *topology.Machine) string {
	var rows []string
	for i := range m.Nodes {
		var row []string
		for _, d := range m.Nodes[i].Distances {
			row = append(row, strconv.Itoa(d))
		}
		rows = append(rows, strings.Join(row, " "))
	}
	return strings.Join(rows, ", ")
}

// processor is one CPU of /proc/cpuinfo.
type processor struct {
	cpu    int
	fields map[string]string
}

// parseCPUInfo reads blocks of lines "key : value", each of which begins with
// the CPU's number.
func parseCPUInfo(text string) []processor {
	var processors []processor
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok {
			continue
		}
		if cpu, err := strconv.Atoi(value); key == "processor" && err == nil {
			processors = append(processors, processor{cpu: cpu, fields: map[string]string{}})
		}
		if len(processors) > 0 {
			processors[len(processors)-1].fields[key] = value
		}
	}
	return processors
}

// everyProcessor is what /proc/cpuinfo says of every CPU under a key.
func everyProcessor(key string) func(*reader) string {
	return func(r *reader) string {
		return r.ofProcessors(func(p processor) string { return p.fields[key] })
	}
}

func (r *reader) ofProcessors(value func(processor) string) string {
	having := make(map[string][]int)
	processors := r.cpuinfo()
	for _, p := range processors {
		if v := value(p); v != "" {
			having[v] = append(having[v], p.cpu)
		}
	}
	return grouped(having, len(processors))
}

// processorID is the numbers that a vendor gives a kind of processor.
func (r *reader) processorID() string {
	return r.ofProcessors(func(p processor) string {
		var words []string
		for _, key := range []string{
			"vendor_id", "cpu family", "model", "stepping", // x86
			"CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision", // arm64
		} {
			if v := p.fields[key]; v != "" {
				words = append(words, v)
			}
		}
		return strings.Join(words, " ")
	})
}
