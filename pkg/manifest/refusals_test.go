// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/api/v1alpha1"
)

// What a kind of work cannot be is refused without an API server, too, in words that name
// the field and the rule.
func TestCheckRefusesWhatAKindCannotBe(t *testing.T) {
	const meek, asked = `{"name": "a", "cloneMode": "Fork", `, `"allowDangerousWork": true, `
	for name, tc := range map[string]struct {
		run     string // its members beside duration and groups
		group   string // its members beside name and cloneMode
		message string // "" is valid
	}{
		"a whole set":               {"", `"workers": 10, "work": {"futexFanOut": {"fanOut": 4, "spinIters": 0}}`, ""},
		"a part of a set":           {"", `"workers": 6, "work": {"futexFanOut": {"fanOut": 4, "spinIters": 0}}`, "spec.groups[0].workers: futexFanOut works in sets of 5, so it must be a multiple of that, not 6"},
		"a set by two parameters":   {"", `"workers": 4, "work": {"epollStorm": {"producers": 2, "consumers": 3, "eventsPerBurst": 1}}`, "spec.groups[0].workers: epollStorm works in sets of 5, so it must be a multiple of that, not 4"},
		"half a pair":               {"", `"workers": 3, "work": {"smtSiblingSpin": {}}`, "spec.groups[0].workers: smtSiblingSpin works in sets of 2"},
		"programs of any number":    {"", `"workers": 3, "work": {"taobench": {"clientThreads": 2, "slowThreads": 2, "cacheCapacity": "1Mi", "targetHitPercent": 90, "slowPathSleep": "0s"}}`, ""},
		"programs for each CPU":     {"", `"workersPercent": 3, "work": {"taobench": {"cacheCapacity": "1Mi", "targetHitPercent": 90, "slowPathSleep": "0s"}}`, "spec.groups[0].workersPercent: taobench brings its own threads"},
		"networks for each CPU":     {"", `"workersPercent": 3, "work": {"netTraffic": {"interval": "0s", "frameBytes": 60}}`, "spec.groups[0].workersPercent: not for netTraffic, of which there may be a few only; set workers"},
		"65 networks":               {"", `"workers": 65, "work": {"netTraffic": {"interval": "0s", "frameBytes": 60}}`, "spec.groups: at most 64 sets of workers can have a network of their own, not 65"},
		"65 programs":               {"", `"workers": 65, "work": {"exec": {"program": "p"}}`, "spec.groups: at most 64 workers can be programs, not 65"},
		"threads that fork":         {"", `"workers": 1, "cloneMode": "Thread", "work": {"forkExit": {}}`, "spec.groups[0].cloneMode: must be Fork for forkExit: it forks, and "},
		"threads that move":         {asked, `"workers": 1, "cloneMode": "Thread", "work": {"cgroupChurn": {"groups": 2, "cycle": "1ms"}}`, "spec.groups[0].cloneMode: must be Fork for cgroupChurn: a move between cgroups takes all threads"},
		"a program as a thread":     {"", `"workers": 1, "cloneMode": "Thread", "work": {"exec": {"program": "p"}}`, "spec.groups[0].cloneMode: must be Fork for exec: a program takes the place"},
		"dangerous work":            {"", `"workers": 2, "work": {"rtStarvation": {"rtWorkers": 1, "fairWorkers": 1, "rtPriority": 1, "burstIters": 0}}`, "spec.groups[0].work.rtStarvation: can harm what else runs on the machine: set allowDangerousWork, and use nodes that allow it"},
		"dangerous work, asked for": {asked, `"workers": 2, "work": {"rtStarvation": {"rtWorkers": 1, "fairWorkers": 1, "rtPriority": 1, "burstIters": 0}}`, ""},
		"a real-time waker":         {"", `"workers": 2, "work": {"asymmetricWaker": {"wakerClass": "FIFO", "wakeeClass": "Normal", "burstIters": 0}}`, "spec.groups[0].work.asymmetricWaker: can harm"},
		"classes twice":             {asked + `"schedulingPolicies": [{"name": "p", "batch": {}}], `, `"workers": 2, "schedulingPolicy": "p", "work": {"asymmetricWaker": {"wakerClass": "Batch", "wakeeClass": "Idle", "burstIters": 0}}`, "spec.groups[0].schedulingPolicy: asymmetricWaker gives its workers their scheduling classes itself"},
		"two kinds":                 {"", `"workers": 2, "work": {"mixed": {}, "niceSweep": {}}`, "spec.groups[0].work: exactly one kind of work must be set, not mixed and niceSweep"},
		"no kind":                   {"", `"workers": 2, "work": {}`, "spec.groups[0].work: no kind of work is set"},
		"a destination nobody made": {asked, `"workers": 1, "work": {"cgroupAttachStorm": {"destination": "pit", "reap": "Wait"}}`, `spec.groups[0].work.cgroupAttachStorm.destination: there is no "pit" in cgroups`},
		"a rate in two ways":        {"", `"workers": 1, "work": {"schbench": {"messageThreads": 1, "cacheFootprint": "4Ki", "operations": 0, "sleep": "0s", "requestsPerSecond": 1, "autoRatePercent": 1}}`, "spec.groups[0].work.schbench.autoRatePercent finds the rate that requestsPerSecond gives: set only one"},
		"a phase of two things":     {"", `"workers": 1, "work": {"sequence": {"phases": [{"spin": "1ms", "io": "1ms"}]}}`, "spec.groups[0].work.sequence.phases[0] must have exactly one of spin, sleep, yield, io and aluHot"},
		"arrivals at no rate":       {"", `"workers": 1, "work": {"forkExit": {"arrival": {"ratePerSecond": 0, "distribution": "Fixed"}}}`, "spec.groups[0].work.forkExit.arrival.ratePerSecond must be 1 to 1000000, not 0"},
		"a pattern without a group": {"", `"workers": 1, "work": {"exec": {"program": "p", "metrics": [{"name": "m", "from": "Stdout", "pattern": "x", "polarity": "Neither"}]}}`, `spec.groups[0].work.exec.metrics[0].pattern: "x" must have one group`},
		"a device and a size":       {"", `"workers": 1, "work": {"ioConvoy": {"device": "/dev/vdb", "fileSize": "1Mi"}}`, "spec.groups[0].work.ioConvoy.fileSize must not be given with device"},
	} {
		t.Run(name, func(t *testing.T) {
			var run v1alpha1.RunSpec
			if err := json.Unmarshal([]byte(`{`+tc.run+`"duration": "1s", "seed": 1, "groups": [`+meek+tc.group+`}]}`), &run); err != nil {
				t.Fatal(err)
			}
			err := Check(&run, nil)
			if tc.message == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if tc.message != "" && (err == nil || !strings.Contains(err.Error(), tc.message)) {
				t.Errorf("got %v, want %s", err, tc.message)
			}
		})
	}
}
