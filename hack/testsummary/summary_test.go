// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stream builds what "go test -json" prints for one package, from lines
// "ACTION TEST TEXT"; "-" stands for no test.
func stream(t *testing.T, lines ...string) string {
	t.Helper()
	var b strings.Builder
	for _, line := range lines {
		f := append(strings.SplitN(line, " ", 3), "", "")
		e := map[string]string{"Action": f[0], "Package": "p", "Test": strings.TrimPrefix(f[1], "-")}
		if f[0] == "output" {
			e["Output"] = f[2] + "\n"
		}
		if err := json.NewEncoder(&b).Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func ginkgo(lines ...string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = "output TestSuite " + l
	}
	return out
}

func TestSummary(t *testing.T) {
	const took = " in 0s\n"
	tests := map[string]struct {
		input  string
		want   string
		wantOK bool
	}{
		"a passing package is one line": {
			input:  stream(t, "output TestA noise", "pass TestA", "pass -"),
			want:   "ok    p  1 passed, 0 failed, 0 skipped, 0.0s\n\n1 passed, 0 failed, 0 skipped" + took,
			wantOK: true,
		},
		"a test with subtests is only their heading": {
			input:  stream(t, "pass TestA/x", "pass TestA/y", "pass TestA", "pass -"),
			want:   "ok    p  2 passed, 0 failed, 0 skipped, 0.0s\n\n2 passed, 0 failed, 0 skipped" + took,
			wantOK: true,
		},
		"a failed test shows its output and no other's": {
			input: stream(t, "output TestA why", "fail TestA", "output TestB noise", "pass TestB", "fail -"),
			want: "FAIL  p  1 passed, 1 failed, 0 skipped, 0.0s\nwhy\n" +
				"\nFailed:\n  p TestA\n\n1 passed, 1 failed, 0 skipped" + took,
		},
		"a heading that fails of itself is counted": {
			input: stream(t, "pass TestA/x", "fail TestA", "fail -"),
			want: "FAIL  p  1 passed, 1 failed, 0 skipped, 0.0s\n" +
				"\nFailed:\n  p TestA\n\n1 passed, 1 failed, 0 skipped" + took,
		},
		"a skipped test gives its reason": {
			input: stream(t, "output TestA     a_test.go:3: needs root", "output TestA --- SKIP: TestA (0.00s)", "skip TestA", "pass -"),
			want: "ok    p  0 passed, 0 failed, 1 skipped, 0.0s\n" +
				"\nSkipped:\n  p TestA: needs root\n\n0 passed, 0 failed, 1 skipped" + took,
			wantOK: true,
		},
		"a package that fails outside its tests is a failure": {
			input: stream(t, "pass TestA", "output - exit status 3", "fail -"),
			want: "FAIL  p  1 passed, 1 failed, 0 skipped, 0.0s\nexit status 3\n" +
				"\nFailed:\n  p: (the package itself)\n\n1 passed, 1 failed, 0 skipped" + took,
		},
		"a package that does not build shows the compiler's words, for all who need it once": {
			input: `{"ImportPath":"d","Action":"build-output","Output":"undefined: x\n"}
{"Package":"p","Action":"fail","FailedBuild":"d"}
{"Package":"q","Action":"fail","FailedBuild":"d"}
`,
			want: "FAIL  p  0 passed, 1 failed, 0 skipped, 0.0s\nundefined: x\nFAIL  q  0 passed, 1 failed, 0 skipped, 0.0s\n" +
				"\nFailed:\n  p: (the package itself)\n  q: (the package itself)\n\n0 passed, 2 failed, 0 skipped" + took,
		},
		"a run that was cut off is a failure": {
			input: stream(t, "output TestA half"),
			want:  "half\n\nFailed:\n  p: (no result: the run was cut off)\n\n0 passed, 1 failed, 0 skipped" + took,
		},
		"a line that is no event is passed on, and no test is no success": {
			input: "go: no such package\n",
			want:  "go: no such package\n\nno test ran\n",
		},
		"a package without tests is not worth a line": {
			input:  stream(t, "output - ? p [no test files]", "skip -") + strings.ReplaceAll(stream(t, "pass TestA", "pass -"), `"p"`, `"q"`),
			want:   "ok    q  1 passed, 0 failed, 0 skipped, 0.0s\n\n1 passed, 0 failed, 0 skipped" + took,
			wantOK: true,
		},
		"the specs of a suite count one by one, the skipped with their reasons": {
			input: stream(t, append(ginkgo(
				"S [SKIPPED] [0.000 seconds]", "d [It] b", "/a_test.go:6", "", "  [SKIPPED] needs root",
				"P [PENDING]", "d c",
				"SUCCESS! -- 2 Passed | 0 Failed | 1 Pending | 1 Skipped"), "pass TestSuite", "pass -")...),
			want: "ok    p  2 passed, 0 failed, 2 skipped, 0.0s\n" +
				"\nSkipped:\n  p TestSuite d [It] b: needs root\n  p TestSuite d c: pending\n\n2 passed, 0 failed, 2 skipped" + took,
			wantOK: true,
		},
		"a suite whose set-up skips takes all specs along": {
			input: stream(t, append(ginkgo(
				"S [SKIPPED] [0.000 seconds]", "[BeforeSuite] ", "/a_test.go:6", "", "  [SKIPPED] needs root",
				"SUCCESS! - Suite skipped in BeforeSuite -- 0 Passed | 0 Failed | 0 Pending | 3 Skipped"), "pass TestSuite", "pass -")...),
			want: "ok    p  0 passed, 0 failed, 3 skipped, 0.0s\n" +
				"\nSkipped:\n  p TestSuite 2 more: needs root\n  p TestSuite [BeforeSuite]: needs root\n\n0 passed, 0 failed, 3 skipped" + took,
			wantOK: true,
		},
		"failed specs are failures": {
			input: stream(t, append(ginkgo("FAIL! -- 4 Passed | 2 Failed | 0 Pending | 0 Skipped"), "fail TestSuite", "fail -")...),
			want: "FAIL  p  4 passed, 2 failed, 0 skipped, 0.0s\nFAIL! -- 4 Passed | 2 Failed | 0 Pending | 0 Skipped\n" +
				"\nFailed:\n  p TestSuite: specs, named above: 2\n\n4 passed, 2 failed, 0 skipped" + took,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			s := newSummary(&out)
			if err := s.read(strings.NewReader(tc.input)); err != nil {
				t.Fatal(err)
			}
			if ok := s.close(); ok != tc.wantOK {
				t.Errorf("close() = %v, want %v", ok, tc.wantOK)
			}
			if diff := cmp.Diff(tc.want, out.String()); diff != "" {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
		})
	}
}
