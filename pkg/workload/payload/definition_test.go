// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is in testdata was written by the programs themselves, called with the arguments of their
// definitions: fio 3.33, stress-ng 0.15.06, rt-tests 2.40, schbench of 2025 (-r 12). fio-stopped is
// fio that wrote, too, and was stopped by SIGINT.
func TestDefinitionsFindTheirFigures(t *testing.T) {
	const noWrites = "jobs.0.write.clat_ns.percentile is not there"
	for output, want := range map[string]map[string]string{
		"schbench": {
			"wakeupP50": "25", "wakeupP99": "22496", "wakeupP999": "33984", "requestP50": "37056", "requestP99": "377344", "requestP999": "496128",
			"rpsP50": "26", "rps": "30.92",
		},
		"fio": {
			"readIOPS": "659395.302349", "readBytes": "2700883158", "readP50": "322", "readP99": "470", "readP999": "4640",
			"writeIOPS": "0", "writeBytes": "0", "writeP50": noWrites, "writeP99": noWrites, "writeP999": noWrites,
			"contextSwitches": "1644", "userCPU": "19.35", "systemCPU": "15.55",
		},
		"stress-ng":  {"bogoOps": "693", "bogoOpsPerSecond": "346.3", "bogoOpsPerCPUSecond": "1564.22", "userTime": "0.41", "systemTime": "0.03"},
		"hackbench":  {"time": "5.547"},
		"cyclictest": {"minLatency": "10032", "meanLatency": "35773.41", "maxLatency": "3887573", "cycles": "1991"},
	} {
		t.Run(output, func(t *testing.T) {
			if diff := cmp.Diff(want, recorded(t, output, output)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for name, got := range recorded(t, "fio", "fio-stopped") {
		if n, err := strconv.ParseFloat(got, 64); err != nil || n <= 0 {
			t.Errorf("fio that was stopped: %s: %s", name, got)
		}
	}
}

// recorded are the figures that a definition finds in a recorded output.
func recorded(t *testing.T, definition, output string) map[string]string {
	t.Helper()
	streams := [2]Output{}
	for i, name := range []string{"stdout", "stderr"} {
		text, err := os.ReadFile("testdata/" + output + "." + name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		_, _ = streams[i].Write(text)
	}
	got := map[string]string{}
	for _, v := range Extract(Find(definition).Metrics, &streams[0], &streams[1]) {
		if got[v.Name] = v.Missing; v.Value != nil {
			got[v.Name] = strconv.FormatFloat(*v.Value, 'f', -1, 64)
		}
	}
	return got
}

func TestDefinitionsAreValid(t *testing.T) {
	values := &Values{Duration: 1, CPUs: 2}
	for _, d := range Definitions() {
		if err := errors.Join(ValidateName(d.Name), ValidateMetrics(d.Metrics)); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
		for i, arg := range d.Args {
			if _, err := Expand(arg, values); err != nil {
				t.Errorf("%s: args[%d]: %v", d.Name, i, err)
			}
		}
		if _, known := Signal(d.StopSignal); d.StopSignal != "" && !known || d.About == "" {
			t.Errorf("%s: stop signal %q, about %q", d.Name, d.StopSignal, d.About)
		}
	}
	if want := "[schbench fio stress-ng hackbench cyclictest]"; fmt.Sprint(Names()) != want {
		t.Errorf("names %s, want %s", Names(), want)
	}
	if d := Find("none"); d != nil {
		t.Errorf("found %+v", d)
	}
}
