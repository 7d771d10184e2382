// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// scene is cgroups, policies and groups for steps to be about.
const scene = `
	"duration": "10s", "seed": 1, "allowDangerousWork": true,
	"cgroups": [
		{"name": "a", "cpuset": {"disjoint": {"index": 0, "of": 2}}},
		{"name": "b", "cpuset": {"disjoint": {"index": 1, "of": 2}, "mems": "0"}},
		{"name": "root", "cpuset": {"exact": "0,7", "partition": "Root"}},
		{"name": "t"}, {"name": "t/x", "threaded": true}, {"name": "t/y", "threaded": true},
		{"name": "n"}, {"name": "n/in", "memory": {"low": "32Mi", "max": "64Mi"}, "cpu": {"weight": 50}, "pidsMax": 5},
		{"name": "k"}, {"name": "k/in", "cpu": {"idle": true}},
		{"name": "plain"}, {"name": "plain/in"}
	],
	"schedulingPolicies": [{"name": "batch", "batch": {}}, {"name": "dl", "deadline": {"runtime": "1ms", "deadline": "10ms"}}],
	"memoryPolicies": [{"name": "far", "mode": "Bind", "nodes": "1"}],
	"groups": [
		{"name": "in-a", "workers": 2, "cloneMode": "Fork", "work": {"spinWait": {}}, "cgroup": "a"},
		{"name": "also-a", "workers": 2, "cloneMode": "Fork", "work": {"spinWait": {}}, "cgroup": "a"},
		{"name": "free", "workers": 4, "cloneMode": "Fork", "work": {"spinWait": {}}},
		{"name": "threads", "workers": 2, "cloneMode": "Thread", "work": {"spinWait": {}}, "cgroup": "t/x"},
		{"name": "shared", "workers": 2, "cloneMode": "Thread", "processName": "app", "work": {"spinWait": {}}, "cgroup": "t"},
		{"name": "fio", "workers": 1, "cloneMode": "Fork", "work": {"exec": {"program": "fio"}}},
		{"name": "fio-in-a", "workers": 1, "cloneMode": "Fork", "work": {"exec": {"program": "fio"}}, "cgroup": "a"},
		{"name": "dl", "workers": 1, "cloneMode": "Fork", "work": {"spinWait": {}}, "schedulingPolicy": "dl"},
		{"name": "far", "workers": 1, "cloneMode": "Fork", "work": {"spinWait": {}}, "memoryPolicy": "far"},
		{"name": "storm", "workers": 1, "cloneMode": "Fork", "work": {"cgroupAttachStorm": {"destination": "plain", "reap": "Wait"}}},
		{"name": "classes", "workers": 2, "cloneMode": "Fork", "work": {"asymmetricWaker": {"wakerClass": "Batch", "wakeeClass": "Idle", "burstIters": 0}}}
	]`

const hold = `"hold": {"fixed": "1s"}`

// inScene is the scene with steps.
func inScene(t testing.TB, steps string, change ...func(*Run)) *Run {
	t.Helper()
	r := &Run{}
	in := json.NewDecoder(strings.NewReader("{" + scene + `, "steps": [` + steps + "]}"))
	in.DisallowUnknownFields()
	if err := in.Decode(r); err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(r)
	}
	return r
}

// onlyGroups leaves these groups, and what they need.
func onlyGroups(names ...string) func(*Run) {
	return func(r *Run) {
		var left []Group
		for _, name := range names {
			left = append(left, r.Groups[r.group(name)])
		}
		if r.Groups = left; !slices.Contains(names, "far") {
			r.MemoryPolicies = nil
		}
	}
}

// withoutRoot takes the cgroup root out.
func withoutRoot(r *Run) {
	i := r.cgroup("root")
	r.Cgroups = append(r.Cgroups[:i:i], r.Cgroups[i+1:]...)
}

// ops is a step of ops.
func ops(list ...string) string {
	return `{"name": "s", "ops": [` + strings.Join(list, ", ") + `], ` + hold + `}`
}

// repeated is a step whose ops repeat.
func repeated(list ...string) string {
	return `{"name": "s", "repeatOpsEvery": "100ms", "ops": [` + strings.Join(list, ", ") + `], ` + hold + `}`
}

func TestStepsThatCannotBe(t *testing.T) {
	many := strings.Repeat(`{"setNice": {"group": "free", "nice": 1}}, `, 17)
	for name, tc := range map[string]struct {
		steps string
		want  string // "" is valid
	}{
		"nothing but a hold":            {`{"name": "s", ` + hold + `}`, ""},
		"a name that is none":           {`{"name": "S 1", ` + hold + `}`, `steps[0].name: must be at most 32 lower-case letters, digits and dashes, not "S 1"`},
		"a name twice":                  {`{"name": "s", ` + hold + `}, {"name": "s", ` + hold + `}`, `steps[1].name: "s" is already taken`},
		"a cgroup that is none":         {`{"name": "s", "cgroups": ["a", "c"], ` + hold + `}`, `steps[0].cgroups[1]: there is no "c" in cgroups`},
		"a cgroup twice":                {`{"name": "s", "cgroups": ["n", "n"], ` + hold + `}`, `steps[0].cgroups[1]: "n" is named twice`},
		"a group that is none":          {`{"name": "s", "groups": ["g"], ` + hold + `}`, `steps[0].groups[0]: there is no "g" in groups`},
		"a group twice":                 {`{"name": "s", "groups": ["free", "free"], ` + hold + `}`, `steps[0].groups[1]: "free" is named twice`},
		"17 ops":                        {ops(strings.TrimSuffix(many, ", ")), "steps[0].ops: at most 16, not 17"},
		"no hold":                       {`{"name": "s", "hold": {}}`, "steps[0].hold.fixed: exactly one of fixed, percent and remaining must be set, not 0"},
		"two holds":                     {`{"name": "s", "hold": {"percent": 1, "remaining": {}}}`, "steps[0].hold.fixed: exactly one of fixed, percent and remaining must be set, not 2"},
		"a hold below nothing":          {`{"name": "s", "hold": {"fixed": "-1s"}}`, "steps[0].hold.fixed: must be 0s to 24h, not -1s"},
		"more than all":                 {`{"name": "s", "hold": {"percent": 101}}`, "steps[0].hold.percent: must be 1 to 100, not 101"},
		"holds beyond the duration":     {`{"name": "a", "hold": {"percent": 60}}, {"name": "b", "hold": {"fixed": "4s1ms"}}`, "steps[1].hold: the holds up to this one are longer than duration, 10s, by 1ms"},
		"holds of all the duration":     {`{"name": "a", "hold": {"percent": 60}}, {"name": "b", "hold": {"fixed": "4s"}}`, ""},
		"two that remain":               {`{"name": "a", "hold": {"remaining": {}}}, {"name": "b", "hold": {"remaining": {}}}`, "steps[1].hold.remaining: steps[0] takes what remains already"},
		"nothing that remains":          {`{"name": "a", "hold": {"remaining": {}}}, {"name": "b", "hold": {"percent": 100}}`, "steps[0].hold.remaining: the other holds leave nothing of duration, 10s"},
		"no hold of any length":         {`{"name": "a", "hold": {"fixed": "0s"}}`, "steps: at least one must have a hold above 0s, or nothing is measured"},
		"repeating nothing":             {`{"name": "s", "repeatOpsEvery": "1s", ` + hold + `}`, "steps[0].repeatOpsEvery: there are no ops to repeat"},
		"repeating too often":           {`{"name": "s", "repeatOpsEvery": "999us", "ops": [{"setNice": {"group": "free", "nice": 1}}], ` + hold + `}`, "steps[0].repeatOpsEvery: must be 1ms to 24h, not 999µs"},
		"repeating in no time":          {`{"name": "s", "repeatOpsEvery": "1s", "ops": [{"setNice": {"group": "free", "nice": 1}}], "hold": {"fixed": "0s"}}, {"name": "h", ` + hold + `}`, "steps[0].repeatOpsEvery: a hold of 0s leaves no time to repeat anything"},
		"no op":                         {ops(`{}`), "steps[0].ops[0].createCgroup: exactly one operation must be set, not 0"},
		"two ops in one":                {ops(`{"startGroup": {"group": "free"}, "stopGroup": {"group": "free"}}`), "steps[0].ops[0].createCgroup: exactly one operation must be set, not 2"},
		"making what is not declared":   {ops(`{"createCgroup": {"cgroup": "c"}}`), `steps[0].ops[0].createCgroup.cgroup: there is no "c" in cgroups`},
		"starting what is not declared": {ops(`{"startGroup": {"group": "g"}}`), `steps[0].ops[0].startGroup.group: there is no "g" in groups`},
		"waiting for what goes on":      {ops(`{"waitGroup": {"group": "free", "timeout": "1s"}}`), `steps[0].ops[0].waitGroup.group: "free" is not of kind exec: only programs come to an end by themselves`},
		"waiting for ever":              {ops(`{"waitGroup": {"group": "fio", "timeout": "61m"}}`), "steps[0].ops[0].waitGroup.timeout: must be above 0s and at most 1h0m0s, not 1h1m0s"},
		"moving to what is not there":   {ops(`{"moveGroup": {"group": "free", "cgroup": "c"}}`), `steps[0].ops[0].moveGroup.cgroup: there is no "c" in cgroups`},
		"moving above controllers":      {ops(`{"moveGroup": {"group": "free", "cgroup": "n"}}`), `steps[0].ops[0].moveGroup.cgroup: "n" cannot hold workers, since "n/in" below it has controllers`},
		"moving what moves itself":      {ops(`{"moveGroup": {"group": "storm", "cgroup": "a"}}`), `steps[0].ops[0].moveGroup.group: "storm" moves between cgroups itself: cgroupAttachStorm is that`},
		"moving programs":               {ops(`{"moveGroup": {"group": "fio", "cgroup": "a"}}`), `steps[0].ops[0].moveGroup.group: "fio" is programs, and which processes and threads they have by then is not known`},
		"a cpuset of nothing":           {ops(`{"setCpuset": {"cgroup": "a", "cpuset": {}}}`), "steps[0].ops[0].setCpuset.cpuset.exact: neither it nor llc"},
		"making a partition":            {ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "1", "partition": "Root"}}}`), "steps[0].ops[0].setCpuset.cpuset.partition: a partition cannot be made during a run"},
		"the cpuset of a partition":     {ops(`{"setCpuset": {"cgroup": "root", "cpuset": {"exact": "1"}}}`), `steps[0].ops[0].setCpuset.cgroup: "root" is a partition, whose cpuset cannot change during a run`},
		"clearing a partition":          {ops(`{"clearCpuset": {"cgroup": "root"}}`), `steps[0].ops[0].clearCpuset.cgroup: "root" is a partition`},
		"swapping a partition":          {ops(`{"swapCpusets": {"a": "a", "b": "root"}}`), `steps[0].ops[0].swapCpusets.b: "root" is a partition`},
		"swapping with itself":          {ops(`{"swapCpusets": {"a": "a", "b": "a"}}`), `steps[0].ops[0].swapCpusets.b: must be another cgroup than a, not "a", too`},
		"setting nothing":               {ops(`{"setCgroup": {"cgroup": "a"}}`), "steps[0].ops[0].setCgroup.cpu: neither it nor memory, io or pidsMax is set"},
		"setting nothing of the CPU":    {ops(`{"setCgroup": {"cgroup": "a", "cpu": {}}}`), "steps[0].ops[0].setCgroup.cpu.weight: nothing is set"},
		"memory of a threaded cgroup":   {ops(`{"setCgroup": {"cgroup": "t/x", "memory": {"max": "1Gi"}}}`), "steps[0].ops[0].setCgroup.memory: is not for a threaded cgroup"},
		"no tasks":                      {ops(`{"setCgroup": {"cgroup": "a", "pidsMax": 0}}`), "steps[0].ops[0].setCgroup.pidsMax: must be 1 to 4194304, not 0"},
		"an affinity of nothing":        {ops(`{"setAffinity": {"group": "free", "affinity": {}}}`), "steps[0].ops[0].setAffinity.affinity: exactly one way"},
		"the affinity of programs":      {ops(`{"setAffinity": {"group": "fio", "affinity": {"singleCPU": {}}}}`), `steps[0].ops[0].setAffinity.group: "fio" is programs`},
		"too nice":                      {ops(`{"setNice": {"group": "free", "nice": 20}}`), "steps[0].ops[0].setNice.nice: must be -20 to 19, not 20"},
		"a policy that is none":         {ops(`{"setSchedulingPolicy": {"group": "free", "schedulingPolicy": "rt"}}`), `steps[0].ops[0].setSchedulingPolicy.schedulingPolicy: there is no "rt" in schedulingPolicies`},
		"a policy of who has roles":     {ops(`{"setSchedulingPolicy": {"group": "classes", "schedulingPolicy": "batch"}}`), `steps[0].ops[0].setSchedulingPolicy.group: "classes" is asymmetricWaker, which gives its workers their scheduling classes itself`},
		"no CPUs":                       {ops(`{"offlineCPUs": {}}`), "steps[0].ops[0].offlineCPUs.exact: exactly one of exact and last must be set"},
		"CPUs that are no list":         {ops(`{"offlineCPUs": {"exact": "last"}}`), `steps[0].ops[0].offlineCPUs.exact: must be a list of CPUs such as 0-3,8, not "last"`},
		"the last none":                 {ops(`{"onlineCPUs": {"last": 0}}`), "steps[0].ops[0].onlineCPUs.last: must be 1 to 8192, not 0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := inScene(t, tc.steps)
			err := r.validateScript()
			got := ""
			for _, e := range err {
				if e != nil {
					got += e.Error() + "\n"
				}
			}
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	if err := inScene(t, strings.TrimSuffix(strings.Repeat(`{"name": "s", `+hold+`}, `, 65), ", ")).Validate(); err == nil || !strings.Contains(err.Error(), "steps: at most 64, not 65") {
		t.Errorf("65 steps: %v", err)
	}
}

func TestStepsThatCannotFollow(t *testing.T) {
	const last = `{"name": "last", ` + hold + `}`
	for name, tc := range map[string]struct {
		steps  string
		groups []string // "free" if there are none
		want   string   // "" is valid
	}{
		"making what is there":               {`{"name": "one", "cgroups": ["a"], "ops": [{"createCgroup": {"cgroup": "a"}}], ` + hold + `}`, nil, `steps[0].ops[0].createCgroup.cgroup: cgroup "a" is there already`},
		"a cgroup of a step and of an op":    {ops(`{"createCgroup": {"cgroup": "a"}}`) + `, {"name": "two", "cgroups": ["a"], ` + hold + `}`, nil, `steps[1].cgroups: cgroup "a" is there already`},
		"a cgroup of two steps":              {`{"name": "one", "cgroups": ["a"], ` + hold + `}, {"name": "two", "cgroups": ["a"], ` + hold + `}`, nil, ""},
		"one below what is not there":        {ops(`{"createCgroup": {"cgroup": "n"}}`), nil, `cgroups[6].name: cgroup "n/in" cannot be made, since "n" above it is not there when the run begins`},
		"one that goes with the one above":   {`{"name": "one", "cgroups": ["n/in", "n"], ` + hold + `}`, nil, ""},
		"one that outlives the one above":    {`{"name": "one", "cgroups": ["n"], "ops": [{"createCgroup": {"cgroup": "n/in"}}], ` + hold + `}`, nil, `steps[0].cgroups: at its end cgroup "n" cannot be removed, since "n/in" below it is still there`},
		"removing what is not there":         {ops(`{"removeCgroup": {"cgroup": "a"}}`, `{"removeCgroup": {"cgroup": "a"}}`), nil, `steps[0].ops[1].removeCgroup.cgroup: cgroup "a" is not there then`},
		"a group without its cgroup":         {ops(`{"createCgroup": {"cgroup": "a"}}`), []string{"in-a"}, `groups[0].cgroup: group "in-a" cannot start: cgroup "a" is not there when the run begins: name the group in a step, too`},
		"a group with its cgroup":            {`{"name": "one", "cgroups": ["a"], "groups": ["in-a"], ` + hold + `}`, []string{"in-a"}, ""},
		"a group after its cgroup":           {`{"name": "one", "cgroups": ["a"], ` + hold + `}, ` + ops(`{"startGroup": {"group": "in-a"}}`), []string{"in-a"}, `steps[1].ops[0].startGroup.group: group "in-a" cannot start: cgroup "a" is not there`},
		"a group that outlives its cgroup":   {`{"name": "one", "cgroups": ["a"], "ops": [{"startGroup": {"group": "in-a"}}], ` + hold + `}`, []string{"in-a"}, `steps[0].cgroups: at its end cgroup "a" cannot be removed, since group "in-a" still runs in it: stop it or move it before`},
		"one that was moved there":           {`{"name": "one", "cgroups": ["a"], "ops": [{"moveGroup": {"group": "free", "cgroup": "a"}}], ` + hold + `}`, nil, `steps[0].cgroups: at its end cgroup "a" cannot be removed, since group "free" still runs in it`},
		"one that moved on":                  {`{"name": "one", "cgroups": ["a"], "ops": [{"moveGroup": {"group": "free", "cgroup": "a"}}, {"moveGroup": {"group": "free"}}], ` + hold + `}`, nil, ""},
		"removing stops groups":              {ops(`{"removeCgroup": {"cgroup": "a"}}`) + `, {"name": "two", "ops": [{"stopGroup": {"group": "in-a"}}], ` + hold + `}`, []string{"in-a"}, `steps[1].ops[0].stopGroup.group: group "in-a" does not run then`},
		"removing with all below":            {ops(`{"removeCgroup": {"cgroup": "n"}}`, `{"createCgroup": {"cgroup": "n"}}`, `{"createCgroup": {"cgroup": "n/in"}}`) + ", " + last, nil, `steps[0].ops[0].removeCgroup.cgroup: cgroup "n" is not there then`},
		"starting what runs":                 {ops(`{"setNice": {"group": "free", "nice": 1}}`, `{"startGroup": {"group": "in-a"}}`, `{"startGroup": {"group": "in-a"}}`), []string{"free", "in-a"}, `steps[0].ops[2].startGroup.group: group "in-a" runs already`},
		"a step that starts what runs":       {ops(`{"startGroup": {"group": "free"}}`) + `, {"name": "two", "groups": ["free"], ` + hold + `}`, nil, `steps[1].groups: group "free" runs already`},
		"stopping what does not run":         {ops(`{"stopGroup": {"group": "free"}}`, `{"stopGroup": {"group": "free"}}`), nil, `steps[0].ops[1].stopGroup.group: group "free" does not run then`},
		"stopping what ran":                  {`{"name": "one", "groups": ["free"], ` + hold + `}, ` + ops(`{"stopGroup": {"group": "free"}}`), nil, `steps[1].ops[0].stopGroup.group: group "free" does not run then`},
		"stopping early what a step started": {`{"name": "one", "groups": ["free"], "ops": [{"stopGroup": {"group": "free"}}], ` + hold + `}`, nil, ""},
		"waiting for what has not begun":     {ops(`{"waitGroup": {"group": "fio", "timeout": "1s"}}`, `{"startGroup": {"group": "fio"}}`), []string{"fio"}, `steps[0].ops[0].waitGroup.group: group "fio" does not run then`},
		"waiting for what was started":       {ops(`{"startGroup": {"group": "fio"}}`, `{"waitGroup": {"group": "fio", "timeout": "1s"}}`, `{"stopGroup": {"group": "fio"}}`) + ", " + last, []string{"fio"}, ""},
		"moving what does not run":           {ops(`{"stopGroup": {"group": "free"}}`, `{"moveGroup": {"group": "free", "cgroup": "a"}}`), nil, `steps[0].ops[1].moveGroup.group: group "free" does not run then`},
		"moving to where it is":              {ops(`{"moveGroup": {"group": "in-a", "cgroup": "a"}}`), []string{"in-a"}, `steps[0].ops[0].moveGroup.group: "in-a" is in cgroup "a" already`},
		"moving to what is not there yet":    {ops(`{"moveGroup": {"group": "free", "cgroup": "a"}}`, `{"createCgroup": {"cgroup": "a"}}`), nil, `steps[0].ops[0].moveGroup.group: cgroup "a" is not there`},
		"threads to a sibling":               {ops(`{"moveGroup": {"group": "threads", "cgroup": "t/y"}}`), []string{"threads"}, ""},
		"threads to their domain":            {ops(`{"moveGroup": {"group": "threads", "cgroup": "t"}}`), []string{"threads"}, ""},
		"threads out of their domain":        {ops(`{"moveGroup": {"group": "threads", "cgroup": "a"}}`), []string{"threads"}, `steps[0].ops[0].moveGroup.group: "threads" is threads, which cannot leave "t", the nearest cgroup that is not threaded`},
		"a process that is shared":           {ops(`{"moveGroup": {"group": "shared", "cgroup": "a"}}`), []string{"shared"}, `steps[0].ops[0].moveGroup.group: "shared" is threads of a process "app", which may have others: it can be moved within "t" only`},
		"processes anywhere":                 {ops(`{"moveGroup": {"group": "free", "cgroup": "t/y"}}`), nil, ""},
		"moving deadline tasks":              {ops(`{"moveGroup": {"group": "dl", "cgroup": "a"}}`), []string{"dl"}, `steps[0].ops[0].moveGroup.group: "dl" has deadline tasks`},
		"moving away from all memory":        {ops(`{"moveGroup": {"group": "far", "cgroup": "b"}}`), []string{"far"}, `steps[0].ops[0].moveGroup.group: memoryPolicies[0].nodes, which group "far" has, names NUMA nodes 1, and cgroup "b" allows 0 then`},
		"memory that is taken away":          {ops(`{"moveGroup": {"group": "far", "cgroup": "a"}}`, `{"swapCpusets": {"a": "b", "b": "a"}}`), []string{"far"}, `steps[0].ops[1].swapCpusets.a: memoryPolicies[0].nodes`},
		"memory that the one above lacks":    {ops(`{"setCpuset": {"cgroup": "n", "cpuset": {"mems": "0"}}}`, `{"setCpuset": {"cgroup": "n/in", "cpuset": {"mems": "1"}}}`), nil, `steps[0].ops[1].setCpuset.cgroup: cgroup "n/in" has NUMA nodes 1 then, not all of them within 0 of "n" above it`},
		"too many tasks by a move":           {ops(`{"moveGroup": {"group": "free", "cgroup": "n/in"}}`, `{"moveGroup": {"group": "in-a", "cgroup": "n/in"}}`), []string{"free", "in-a"}, `steps[0].ops[1].moveGroup.group: cgroup "n/in" holds 6 workers and host processes then, and its pidsMax is 5`},
		"too many tasks by a limit":          {ops(`{"moveGroup": {"group": "free", "cgroup": "n/in"}}`, `{"setCgroup": {"cgroup": "n/in", "pidsMax": 3}}`), nil, `steps[0].ops[1].setCgroup.pidsMax: cgroup "n/in" holds 4 workers`},
		"a cpuset of what is not there":      {ops(`{"setCpuset": {"cgroup": "a", "cpuset": {"exact": "0"}}}`, `{"createCgroup": {"cgroup": "a"}}`), nil, `steps[0].ops[0].setCpuset.cgroup: cgroup "a" is not there then`},
		"clearing nothing":                   {ops(`{"clearCpuset": {"cgroup": "a"}}`, `{"clearCpuset": {"cgroup": "a"}}`), nil, `steps[0].ops[1].clearCpuset.cgroup: cgroup "a" has no cpuset then`},
		"swapping nothing":                   {ops(`{"swapCpusets": {"a": "a", "b": "n"}}`), nil, `steps[0].ops[0].swapCpusets.b: cgroup "n" has no cpuset then`},
		"settings against those before":      {ops(`{"setCgroup": {"cgroup": "n/in", "memory": {"max": "16Mi"}}}`), nil, "steps[0].ops[0].setCgroup.memory.low: must be at most max"},
		"settings with those before":         {ops(`{"setCgroup": {"cgroup": "n/in", "memory": {"low": "0", "max": "16Mi"}, "cpu": {"weight": 7}}}`), nil, ""},
		"a weight of nothing":                {ops(`{"setCgroup": {"cgroup": "a", "cpu": {"weight": 0}}}`), nil, "steps[0].ops[0].setCgroup.cpu.weight: must be 1 to 10000, not 0"},
		"a weight of what is idle":           {ops(`{"setCgroup": {"cgroup": "k/in", "cpu": {"weight": 7}}}`), nil, "steps[0].ops[0].setCgroup.cpu.weight: not together with idle"},
		"a burst of no quota":                {ops(`{"setCgroup": {"cgroup": "a", "cpu": {"burst": "1ms"}}}`), nil, "steps[0].ops[0].setCgroup.cpu.burst: needs a quota"},
		"a burst of a quota set before":      {ops(`{"setCgroup": {"cgroup": "a", "cpu": {"quota": "5ms"}}}`, `{"setCgroup": {"cgroup": "a", "cpu": {"burst": "1ms"}}}`), nil, ""},
		"freezing twice":                     {ops(`{"freezeCgroup": {"cgroup": "a"}}`, `{"freezeCgroup": {"cgroup": "a"}}`, `{"thawCgroup": {"cgroup": "a"}}`, `{"thawCgroup": {"cgroup": "a"}}`), []string{"in-a"}, ""},
		"freezing what is not there":         {ops(`{"freezeCgroup": {"cgroup": "a"}}`, `{"createCgroup": {"cgroup": "a"}}`), nil, `steps[0].ops[0].freezeCgroup.cgroup: cgroup "a" is not there then`},
		"starting where it is frozen":        {ops(`{"freezeCgroup": {"cgroup": "a"}}`, `{"startGroup": {"group": "in-a"}}`), []string{"in-a"}, `steps[0].ops[1].startGroup.group: group "in-a" cannot start in cgroup "a", since "a" is frozen`},
		"stopping one of two frozen":         {ops(`{"freezeCgroup": {"cgroup": "a"}}`, `{"stopGroup": {"group": "in-a"}}`), []string{"in-a", "also-a"}, `steps[0].ops[1].stopGroup.group: group "in-a" cannot stop while it is frozen: thawing cgroup "a" for it would let group "also-a" go on`},
		"stopping all that is frozen":        {`{"name": "one", "groups": ["in-a", "also-a"], "ops": [{"freezeCgroup": {"cgroup": "a"}}], ` + hold + `}, ` + last, []string{"in-a", "also-a"}, ""},
		"starting again after that":          {`{"name": "one", "groups": ["in-a"], "ops": [{"freezeCgroup": {"cgroup": "a"}}], ` + hold + `}, {"name": "two", "groups": ["in-a"], ` + hold + `}`, []string{"free", "in-a"}, ""},
		"waiting for what is frozen":         {ops(`{"freezeCgroup": {"cgroup": "a"}}`, `{"waitGroup": {"group": "fio-in-a", "timeout": "1s"}}`), []string{"fio-in-a"}, `steps[0].ops[1].waitGroup.group: group "fio-in-a" is frozen with cgroup "a" then, so it does not come to its end`},
		"removing all that is frozen":        {ops(`{"freezeCgroup": {"cgroup": "a"}}`, `{"removeCgroup": {"cgroup": "a"}}`), []string{"in-a", "also-a"}, ""},
		"the affinity of deadline tasks":     {ops(`{"setSchedulingPolicy": {"group": "free", "schedulingPolicy": "dl"}}`, `{"setAffinity": {"group": "free", "affinity": {"singleCPU": {}}}}`), nil, `steps[0].ops[1].setAffinity.group: "free" has deadline tasks`},
		"and of former ones":                 {ops(`{"setSchedulingPolicy": {"group": "dl"}}`, `{"setAffinity": {"group": "dl", "affinity": {"singleCPU": {}}}}`), []string{"dl"}, ""},
		"CPUs that deadline tasks have":      {ops(`{"offlineCPUs": {"last": 1}}`), []string{"free", "dl"}, `steps[0].ops[0].offlineCPUs.last: group "dl" has deadline tasks then`},
		"bringing back what nobody took":     {ops(`{"onlineCPUs": {"exact": "1"}}`, `{"offlineCPUs": {"last": 1}}`), nil, "steps[0].ops[0].onlineCPUs.exact: no offlineCPUs comes before it"},
		"moving to a cgroup that goes":       {ops(`{"removeCgroup": {"cgroup": "plain"}}`), []string{"free", "storm"}, `steps[0].ops[0].removeCgroup.cgroup: cgroup "plain" cannot be removed, since the workers of group "storm" still move to it`},
		"moving to a cgroup that comes":      {ops(`{"startGroup": {"group": "storm"}}`, `{"createCgroup": {"cgroup": "plain"}}`, `{"createCgroup": {"cgroup": "plain/in"}}`), []string{"free", "storm"}, `its workers move to a cgroup, but cgroup "plain" is not there`},
		"starting again and again":           {repeated(`{"startGroup": {"group": "free"}}`), nil, `steps[0].ops[0].startGroup.group: group "free" runs already, when it is repeated`},
		"starting and stopping":              {repeated(`{"startGroup": {"group": "free"}}`, `{"stopGroup": {"group": "free"}}`), nil, ""},
		"stopping by removing, once only":    {ops(`{"createCgroup": {"cgroup": "a"}}`, `{"startGroup": {"group": "in-a"}}`) + `, {"name": "two", "repeatOpsEvery": "100ms", "ops": [{"removeCgroup": {"cgroup": "a"}}, {"createCgroup": {"cgroup": "a"}}], ` + hold + `}`, []string{"free", "in-a"}, "steps[1].repeatOpsEvery: what the ops start, stop, make and remove is not the same each time"},
		"removing with all below it":         {`{"name": "one", "cgroups": ["plain", "plain/in"], "ops": [{"removeCgroup": {"cgroup": "plain"}}, {"createCgroup": {"cgroup": "plain"}}], ` + hold + `}`, nil, ""},
		"making and removing":                {repeated(`{"createCgroup": {"cgroup": "b"}}`, `{"removeCgroup": {"cgroup": "b"}}`), nil, ""},
		"moving to and fro":                  {repeated(`{"moveGroup": {"group": "free", "cgroup": "a"}}`, `{"moveGroup": {"group": "free"}}`), nil, ""},
		"moving there again":                 {repeated(`{"moveGroup": {"group": "free", "cgroup": "a"}}`), nil, `steps[0].ops[0].moveGroup.group: "free" is in cgroup "a" already, when it is repeated`},
		"swapping to and fro":                {repeated(`{"swapCpusets": {"a": "a", "b": "b"}}`), nil, ""},
		"swapping before another step":       {repeated(`{"swapCpusets": {"a": "a", "b": "b"}}`) + ", " + last, nil, `steps[0].repeatOpsEvery: which cpuset "a" has at its end depends on how often swapCpusets was repeated, so no step can follow`},
		"swapping back before another step":  {repeated(`{"swapCpusets": {"a": "a", "b": "b"}}`, `{"swapCpusets": {"a": "b", "b": "a"}}`) + ", " + last, nil, ""},
		"swapping what goes with the step":   {`{"name": "one", "cgroups": ["a", "b"], "repeatOpsEvery": "10ms", "ops": [{"swapCpusets": {"a": "a", "b": "b"}}], ` + hold + `}, ` + last, nil, ""},
		"groups that stop together share":    {`{"name": "one", "groups": ["shared", "other"], ` + hold + `}`, []string{"shared", "other"}, ""},
		"groups that stop apart share":       {`{"name": "one", "groups": ["shared"], ` + hold + `}`, []string{"shared", "other"}, `groups[1].processName: "app" is shared with a group that is started or stopped at another time`},
		"all of it, one after the other":     {ops(`{"freezeCgroup": {"cgroup": "a"}}`) + `, {"name": "two", "ops": [{"thawCgroup": {"cgroup": "a"}}, {"setNice": {"group": "in-a", "nice": -5}}, {"setSchedulingPolicy": {"group": "in-a", "schedulingPolicy": "batch"}}], ` + hold + `}`, []string{"in-a"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			groups := tc.groups
			if groups == nil {
				groups = []string{"free"}
			}
			r := inScene(t, tc.steps, withOther, onlyGroups(groups...), withoutRoot)
			got := errorText(r.Validate())
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// withOther adds a group that shares the process of another.
func withOther(r *Run) {
	other := r.Groups[r.group("shared")]
	other.Name = "other"
	r.Groups = append(r.Groups, other)
}
