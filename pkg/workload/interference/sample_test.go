// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package interference

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// files are a tree of the kernel's files, by path.
type files map[string]string

// with are the files with others in their place; an empty one is removed.
func (f files) with(others files) files {
	out := maps.Clone(f)
	maps.Copy(out, others)
	return out
}

func (f files) write(t testing.TB) string {
	t.Helper()
	root, tree := t.TempDir(), fstest.MapFS{}
	for path, content := range f {
		if content != "" {
			tree[path] = &fstest.MapFile{Data: []byte(content + "\n")}
		}
	}
	if err := os.CopyFS(root, tree); err != nil {
		t.Fatal(err)
	}
	return root
}

// machine has one package of two cores with two threads each, and counts all there is.
var machine = files{
	"sys/devices/system/cpu/online":                                   "0-3",
	"sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
	"proc/stat":            "cpu  1000 200 300 40000 500 60 70 80 900 90\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5",
	"proc/pressure/cpu":    "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7",
	"proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7",
	"proc/pressure/io":     "some avg10=0.00 avg60=0.00 avg300=0.00 total=3000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7",
}.with(cpuFiles(0, "0,2", 5, 100)).with(cpuFiles(1, "1,3", 7, 100)).with(cpuFiles(2, "0,2", 5, 100)).with(cpuFiles(3, "1,3", 7, 100)).
	with(policyFiles(0, 2_000_000, 2_000_000)).with(policyFiles(1, 1_500_000, 2_000_000))

func cpuFiles(id int, siblings string, core, pkg int) files {
	dir := fmt.Sprintf("sys/devices/system/cpu/cpu%d/", id)
	return files{
		dir + "topology/core_cpus_list":                 siblings,
		dir + "topology/physical_package_id":            "0",
		dir + "thermal_throttle/core_throttle_count":    fmt.Sprint(core),
		dir + "thermal_throttle/package_throttle_count": fmt.Sprint(pkg),
	}
}

func policyFiles(id, now, highest int) files {
	dir := fmt.Sprintf("sys/devices/system/cpu/cpufreq/policy%d/", id)
	return files{dir + "scaling_cur_freq": fmt.Sprint(now), dir + "cpuinfo_max_freq": fmt.Sprint(highest)}
}

// clocks are clocks that tests set. Each reading of any takes a while.
type clocks struct {
	monotonic, wallAhead, bootAhead int64
	process                         map[int32]int64
	each                            int64
}

func (c *clocks) now(clock int32) (int64, error) {
	c.monotonic += c.each
	switch clock {
	case unix.CLOCK_MONOTONIC:
		return c.monotonic, nil
	case unix.CLOCK_REALTIME:
		return c.monotonic + c.wallAhead, nil
	case unix.CLOCK_BOOTTIME:
		return c.monotonic + c.bootAhead, nil
	}
	v, ok := c.process[clock]
	if !ok {
		return 0, unix.EINVAL
	}
	return v, nil
}

const agent = 42

// look takes a sample of files with clocks that stand where they are told.
func look(t *testing.T, f files, c clocks) Sample {
	t.Helper()
	if c.process == nil {
		c.process = map[int32]int64{processClock(agent): 0}
	}
	s := &sampler{root: f.write(t), now: c.now}
	return s.take(agent, nil)
}

func TestFiguresOfOneSecond(t *testing.T) {
	ms := int64(time.Millisecond)
	start := look(t, machine, clocks{monotonic: 5e9, wallAhead: 7e18, bootAhead: 100})
	end := look(t, machine.with(files{
		// 1600 ms of idle time and 200 ms of waiting for I/O, 60 ms of interrupts, 100 ms of steal.
		"proc/stat":            "cpu  1030 202 303 40160 520 62 74 90 910 95\n",
		"proc/pressure/cpu":    "some avg10=0.00 avg60=0.00 avg300=0.00 total=1100\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9",
		"proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=2020",
		"proc/pressure/io":     "some avg10=0.00 avg60=0.00 avg300=0.00 total=3003",
		"sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet",
	}).with(cpuFiles(0, "0,2", 6, 103)).with(cpuFiles(1, "1,3", 9, 103)).with(cpuFiles(2, "0,2", 6, 103)).with(cpuFiles(3, "1,3", 9, 103)).
		with(policyFiles(0, 1_900_000, 2_000_000)).with(policyFiles(1, 2_600_000, 2_000_000)),
		clocks{monotonic: 6e9, wallAhead: 7e18 + 250*ms, bootAhead: 100 + 30*ms, process: map[int32]int64{processClock(agent): 15 * ms}})
	got := Between(start, end, new(1500*ms), 5*ms)
	want := &Figures{
		Elapsed: 1e9, CPUs: 4, Resolution: (2 + 4) * 10 * ms,
		// 4000 ms less 1800 ms idle, 100 ms stolen, 1500 ms of the run, 5 ms of the runner and 15 ms of the agent.
		OtherCPU: new(580 * ms), Steal: new(100 * ms), Interrupt: new(60 * ms), AgentCPU: new(15 * ms),
		CPUPressure: new(int64(100_000)), MemoryPressure: new(int64(20_000)), IOPressure: new(int64(3_000)),
		LowestFrequencyPercent: new(75), // at the start
		ThermalEvents:          new(int64(1 + 2 + 3)),
		ClockStep:              new(250 * ms), Suspended: new(30 * ms), ClockSource: "tsc", ClockSourceAfter: "hpet",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What the kernel does not tell is absent, each with its reason, and nothing else is.
func TestAbsentFigures(t *testing.T) {
	all := clocks{monotonic: 1e9}
	without := func(prefix string) files {
		f := maps.Clone(machine)
		maps.DeleteFunc(f, func(path, _ string) bool { return strings.Contains(path, prefix) })
		return f
	}
	for name, tc := range map[string]struct {
		start, end files
		want       map[string]string // by name of the figure, what its reason says
	}{
		"all is there":                  {machine, machine, nil},
		"no /proc/stat":                 {machine, without("proc/stat"), map[string]string{"otherCPUNanoseconds": "proc/stat: no such file", "stealNanoseconds": "proc/stat: no such", "interruptNanoseconds": "proc/stat: no such"}},
		"a /proc/stat of another kind":  {machine.with(files{"proc/stat": "cpu 1 2 3"}), machine, map[string]string{"otherCPUNanoseconds": `does not begin with`, "stealNanoseconds": `"cpu 1 2 3"`, "interruptNanoseconds": `times of all CPUs`}},
		"no line of all CPUs":           {machine.with(files{"proc/stat": "cpu0 1 2 3 4 5 6 7 8 9 10"}), machine, map[string]string{"otherCPUNanoseconds": `does not begin with`, "stealNanoseconds": `"cpu0 1 2`, "interruptNanoseconds": `times of all CPUs`}},
		"no list of online CPUs":        {without("cpu/online"), without("cpu/online"), map[string]string{"otherCPUNanoseconds": "online", "stealNanoseconds": "online", "interruptNanoseconds": "online", "thermalEvents": "thermal throttling"}},
		"no pressure":                   {without("pressure"), without("pressure"), map[string]string{"cpuPressureNanoseconds": "pressure/cpu: no such", "memoryPressureNanoseconds": "pressure/memory: no such", "ioPressureNanoseconds": "pressure/io: no such"}},
		"pressure that is refused":      {without("pressure/io").with(files{"proc/pressure/io/x": "1"}), machine, map[string]string{"ioPressureNanoseconds": "reading "}},
		"pressure without a total":      {machine.with(files{"proc/pressure/io": "full avg10=0.00 total=3"}), machine, map[string]string{"ioPressureNanoseconds": "no total of some tasks"}},
		"no cpufreq":                    {without("cpufreq"), without("cpufreq"), map[string]string{"lowestFrequencyPercent": "does not scale"}},
		"cpufreq without a policy":      {machine, without("cpufreq").with(files{"sys/devices/system/cpu/cpufreq/boost": "1"}), map[string]string{"lowestFrequencyPercent": "does not tell the frequency of any"}},
		"no thermal counters":           {without("thermal"), without("thermal"), map[string]string{"thermalEvents": "thermal throttling"}},
		"thermal counters that go back": {machine, machine.with(cpuFiles(0, "0,2", 1, 100)), map[string]string{"thermalEvents": "went backwards, from 112 to 108"}},
		"steal that goes back":          {machine, machine.with(files{"proc/stat": "cpu  1000 200 300 40000 500 60 70 70 900 90"}), map[string]string{"stealNanoseconds": "went backwards"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := Between(look(t, tc.start, all), look(t, tc.end, clocks{monotonic: 2e9}), new(int64(0)), 0)
			figures := map[string]bool{
				"otherCPUNanoseconds": f.OtherCPU == nil, "stealNanoseconds": f.Steal == nil, "interruptNanoseconds": f.Interrupt == nil, "agentCPUNanoseconds": f.AgentCPU == nil,
				"cpuPressureNanoseconds": f.CPUPressure == nil, "memoryPressureNanoseconds": f.MemoryPressure == nil, "ioPressureNanoseconds": f.IOPressure == nil,
				"lowestFrequencyPercent": f.LowestFrequencyPercent == nil, "thermalEvents": f.ThermalEvents == nil, "clockStepNanoseconds": f.ClockStep == nil, "suspendedNanoseconds": f.Suspended == nil,
			}
			for figure, absent := range figures {
				if says, want := tc.want[figure]; absent != want || !strings.Contains(f.Absent[figure], says) || want != (f.Absent[figure] != "") {
					t.Errorf("%s: absent %t because of %q, want %t and %q", figure, absent, f.Absent[figure], want, says)
				}
			}
		})
	}
}

func TestOtherCPU(t *testing.T) {
	ms := int64(time.Millisecond)
	// stat is 60 ms of user time, 30 ms of nice, 10 ms in the kernel, 20 ms in interrupts, and what is given of idle time.
	stat := func(idle int) files {
		return files{"proc/stat": fmt.Sprintf("cpu  1006 203 301 %d 500 61 71 80 900 90", 40000+idle)}
	}
	for name, tc := range map[string]struct {
		end  files
		run  *int64
		want *int64
		note string
	}{
		"what is not idle":                      {stat(380), new(50 * ms), new(150 * ms), ""},
		"less than the run's own":               {stat(380), new(300 * ms), new(int64(0)), ""},
		"a run that is not known":               {stat(380), nil, nil, ""},
		"more idle time than time: ticks":       {stat(401), new(50 * ms), new(70 * ms), ""},
		"idle time that goes back: ticks":       {stat(-1), new(50 * ms), new(70 * ms), "idle time went backwards"},
		"a CPU goes offline: ticks":             {stat(300).with(files{"sys/devices/system/cpu/online": "0-2"}), new(50 * ms), new(70 * ms), "changed from 0-3 to 0-2"},
		"iowait goes back, idle time goes on":   {files{"proc/stat": "cpu  1010 200 300 40390 490 61 71 80 900 90"}, new(50 * ms), new(150 * ms), ""},
		"all times go back":                     {files{"proc/stat": "cpu  999 200 300 39999 500 60 70 80 900 90"}, new(50 * ms), nil, "idle time went backwards"},
		"guest time is in user time, not added": {files{"proc/stat": "cpu  1010 200 300 39999 500 61 71 80 990 99"}, new(50 * ms), new(70 * ms), "backwards"},
	} {
		t.Run(name, func(t *testing.T) {
			f := Between(look(t, machine, clocks{monotonic: 1e9}), look(t, machine.with(tc.end), clocks{monotonic: 2e9}), tc.run, 0)
			if diff := cmp.Diff(tc.want, f.OtherCPU); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if note := strings.Join(f.Notes, "; "); (note == "") != (tc.note == "") || !strings.Contains(note, tc.note) {
				t.Errorf("the notes are %q, want %q", note, tc.note)
			}
		})
	}
}

func TestThermalEventsAreCountedOnce(t *testing.T) {
	other := files{"sys/devices/system/cpu/cpu3/topology/physical_package_id": "1"}
	for name, tc := range map[string]struct {
		files files
		want  int64
	}{
		"threads of a core are one":                 {machine, 5 + 7 + 100},
		"packages are two":                          {machine.with(cpuFiles(3, "3", 11, 50)).with(other).with(cpuFiles(1, "1", 7, 100)), 5 + 7 + 11 + 100 + 50},
		"an older kernel's name of threads":         {machine.with(files{"sys/devices/system/cpu/cpu0/topology/core_cpus_list": "", "sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0,2"}), 5 + 7 + 100},
		"a core without its first thread":           {machine.with(files{"sys/devices/system/cpu/online": "1-3"}), 5 + 7 + 100},
		"its first core does not count the package": {machine.with(files{"sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count": ""}), 5 + 7 + 100},
		"no core counts the package":                {machine.with(files{"sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count": "", "sys/devices/system/cpu/cpu1/thermal_throttle/package_throttle_count": ""}), 5 + 7},
	} {
		t.Run(name, func(t *testing.T) {
			if got := look(t, tc.files, clocks{}).thermal; got.err != nil || got.value != tc.want {
				t.Errorf("got %d and %v, want %d", got.value, got.err, tc.want)
			}
		})
	}
}

func TestFrequencies(t *testing.T) {
	for name, tc := range map[string]struct {
		files files
		each  int64 // ns that reading a clock takes
		want  int64
		note  string
	}{
		"the lowest of all":                       {machine, 0, 75, ""},
		"one that is offline refuses":             {machine.with(files{"sys/devices/system/cpu/cpufreq/policy1/scaling_cur_freq": "", "sys/devices/system/cpu/cpufreq/policy1/x": "1"}), 0, 100, ""},
		"a file that is no policy":                {machine.with(files{"sys/devices/system/cpu/cpufreq/boost": "1"}), 0, 75, ""},
		"a highest of nothing is no highest":      {machine.with(policyFiles(1, 5, 0)), 0, 100, ""},
		"a turbo beyond the highest":              {machine.with(policyFiles(0, 5000, 4000)).with(policyFiles(1, 4200, 4000)), 0, 105, ""},
		"a driver that is slow is not waited for": {machine, frequencyBudget + 1, 100, "the frequencies of 1 of 2 groups of CPUs were looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			got := look(t, tc.files, clocks{each: tc.each})
			if notes := Between(got, got, nil, 0).Notes; (tc.note != "") != (len(notes) == 1) || len(notes) > 1 {
				t.Errorf("two such samples have the notes %q", notes)
			}
			if got.frequency.err != nil || got.frequency.value != tc.want || !strings.Contains(got.frequencyNote, tc.note) || (tc.note == "") != (got.frequencyNote == "") {
				t.Errorf("got %+v and %q, want %d and %q", got.frequency, got.frequencyNote, tc.want, tc.note)
			}
		})
	}
}

func TestOneNoteDoesNotTakeThePlaceOfAnother(t *testing.T) {
	before := look(t, machine, clocks{each: frequencyBudget + 1})
	after := before
	after.online = "0"
	notes := Between(before, after, new(int64(0)), 0).Notes
	if len(notes) != 2 || !strings.Contains(notes[0], "online CPUs changed") || !strings.Contains(notes[1], "frequencies of 1 of 2") {
		t.Errorf("notes %q", notes)
	}
}

// The second look uses what the first found out, unless other CPUs are online.
func TestLookingAgain(t *testing.T) {
	root := machine.write(t)
	c := clocks{process: map[int32]int64{processClock(agent): 0}}
	s := &sampler{root: root, now: c.now}
	start := s.take(agent, nil)
	write := func(path, content string) {
		if err := os.WriteFile(filepath.Join(root, path), []byte(content+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "8")
	write("sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "1000000")
	again := start.Again()
	if f := Between(start, again, nil, 0); f.ThermalEvents == nil || *f.ThermalEvents != 3 || f.LowestFrequencyPercent == nil || *f.LowestFrequencyPercent != 50 || f.AgentCPU == nil {
		t.Errorf("got %+v, want 3 thermal events, 50 %% and the same agent", f)
	}
	if again.layout != start.layout {
		t.Error("the second look found out anew what there is to read")
	}
	write("sys/devices/system/cpu/online", "0-2")
	if third := again.Again(); third.layout == start.layout || third.cpus != 3 {
		t.Errorf("with CPU 3 offline, the machine has %d CPUs", third.cpus)
	}
}

// The wall clock is never set here: its readings are.
func TestClockSteps(t *testing.T) {
	for name, tc := range map[string]struct {
		wall, boot      int64
		each            int64
		step, suspended int64
	}{
		"nothing happened":                         {0, 0, 100, 0, 0},
		"the wall clock is set ahead":              {3e9, 0, 100, 3e9, 0},
		"the wall clock is set back":               {-3e9, 0, 100, -3e9, 0},
		"the machine slept":                        {3e9, 3e9, 100, 3e9, 3e9},
		"a step the readings cannot be certain of": {150, 0, 100, 0, 0},
		"the smallest step they can be certain of": {203, 0, 100, 203, 0},
	} {
		t.Run(name, func(t *testing.T) {
			start := look(t, machine, clocks{monotonic: 1e9, each: tc.each, wallAhead: 50, bootAhead: 70})
			f := Between(start, look(t, machine, clocks{monotonic: 2e9, each: tc.each, wallAhead: 50 + tc.wall, bootAhead: 70 + tc.boot}), nil, 0)
			if f.ClockStep == nil || f.Suspended == nil || *f.ClockStep != tc.step || *f.Suspended != tc.suspended {
				t.Errorf("got a step of %v and %v suspended, want %d and %d; %v", f.ClockStep, f.Suspended, tc.step, tc.suspended, f.Absent)
			}
		})
	}
}

// A thread that is preempted between two readings takes another.
func TestTheTightestReadingCounts(t *testing.T) {
	readings := []int64{
		0, 1_000_000, 100_000_000, // preempted before the second reading
		200_000_000, 1_200_000_010, 200_000_020,
		300_000_000, 1_300_500_000, 301_000_000,
	}
	s := sampler{now: func(int32) (int64, error) {
		v := readings[0]
		readings = readings[1:]
		return v, nil
	}}
	if diff := cmp.Diff(offset{value: 1e9, doubt: 11}, s.offset(unix.CLOCK_REALTIME), cmp.AllowUnexported(offset{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What is not known of the time of reading counts for each CPU.
func TestTheTightestReadingOfCPUTimesCounts(t *testing.T) {
	start := look(t, machine, clocks{monotonic: 1e9})
	ms := int64(time.Millisecond)
	var read []int64
	s := &sampler{root: machine.write(t), now: func(int32) (int64, error) {
		v := read[0]
		read = read[1:]
		return v, nil
	}}
	for name, tc := range map[string]struct {
		read      []int64
		at, doubt int64
	}{
		"the first is tight":                {[]int64{100 * ms, 101 * ms, 0}, 100*ms + ms/2, ms / 2},
		"the second is tight":               {[]int64{100 * ms, 140 * ms, 150 * ms, 151 * ms, 0}, 150*ms + ms/2, ms / 2},
		"none is tight, the second is best": {[]int64{100 * ms, 140 * ms, 150 * ms, 154 * ms, 160 * ms, 166 * ms, 0}, 152 * ms, 2 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			read = tc.read
			end := Sample{cpus: 4}
			s.cpuTimes(&end)
			if end.at != tc.at || end.doubt != tc.doubt || len(read) != 1 || end.statErr != nil {
				t.Errorf("read at %d, give or take %d, %d readings left, %v; want %d, %d and 1", end.at, end.doubt, len(read), end.statErr, tc.at, tc.doubt)
			}
			if got, want := Between(start, end, nil, 0).Resolution, 60*ms+4*tc.doubt; got != want {
				t.Errorf("the resolution is %d, want %d", got, want)
			}
		})
	}
}

func TestAClockThatCannotBeRead(t *testing.T) {
	s := &sampler{root: machine.write(t), now: func(int32) (int64, error) { return 0, errors.New("none here") }}
	sample := s.take(agent, nil)
	f := Between(sample, sample, new(int64(0)), 0)
	for _, figure := range []string{"clockStepNanoseconds", "suspendedNanoseconds", "agentCPUNanoseconds", "otherCPUNanoseconds", "lowestFrequencyPercent"} {
		if !strings.Contains(f.Absent[figure], "none here") {
			t.Errorf("%s is absent because of %q", figure, f.Absent[figure])
		}
	}
}

func TestNoParentIsNoAgent(t *testing.T) {
	s := sampler{now: clockGettime}
	if got := s.processCPU(0); got.err == nil {
		t.Errorf("a process without a parent here has an agent that used %d ns", got.value)
	}
}
