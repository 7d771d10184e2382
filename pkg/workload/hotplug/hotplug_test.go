// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package hotplug

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

const boot = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"

// machine makes the files of a machine with four CPUs, of which the first has to stay and the last is offline.
func machine(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	write(t, root, bootFile, boot+"\n")
	for cpu, is := range []string{"", "1\n", "1\n", "0\n"} {
		dir := fmt.Sprintf("%s/cpu%d", cpuDir, cpu)
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if is != "" {
			write(t, root, dir+"/online", is)
		}
	}
	return root
}

func write(t *testing.T, root, path, text string) {
	t.Helper()
	full := filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, root, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// states are those of the CPUs that have a file.
func states(t *testing.T, root string) string {
	t.Helper()
	var all string
	for cpu := 1; cpu <= 3; cpu++ {
		all += strings.TrimSpace(text(t, root, fmt.Sprintf("%s/cpu%d/online", cpuDir, cpu)))
	}
	return all
}

func set(cpus ...int) cpuset.CPUSet { return cpuset.New(cpus...) }

func opened(t *testing.T, root string, cpus cpuset.CPUSet) *CPUs {
	t.Helper()
	c, err := Open(root, "run-1", cpus, set(0, 1, 2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestCPUsArePutBackAndReadBack(t *testing.T) {
	root := machine(t)
	c := opened(t, root, set(1, 2, 3))
	for _, step := range []struct {
		what string
		do   func() error
		want string
	}{
		{"nothing was changed", func() error { return nil }, "110"},
		{"two are offline", func() error { return c.Offline(set(1, 2)) }, "000"},
		{"one is online again", func() error { return c.Online(set(1)) }, "100"},
		{"one is online that was not", func() error { return c.Online(set(3)) }, "101"},
	} {
		if err := step.do(); err != nil || states(t, root) != step.want {
			t.Errorf("%s: CPUs 1 to 3 are %s, want %s (%v)", step.what, states(t, root), step.want, err)
		}
	}
	want := []report.Restored{
		{What: "CPU 1", Before: "online", During: "offline", After: "online", Verified: true},
		{What: "CPU 2", Before: "online", During: "offline", After: "online", Verified: true},
		{What: "CPU 3", Before: "offline", During: "online", After: "offline", Verified: true},
	}
	for range 2 { // the second time it only says it again
		rows, err := c.Restore()
		if diff := cmp.Diff(want, rows); diff != "" || err != nil || states(t, root) != "110" {
			t.Errorf("Restore (%v), CPUs 1 to 3 are %s (-want +got):\n%s", err, states(t, root), diff)
		}
	}
	if left := text(t, root, Journal); left != "" {
		t.Errorf("the journal still says %q", left)
	}
	if err := c.Offline(set(1)); err == nil {
		t.Error("a CPU went offline after all were put back")
	}
}

func TestWhatCannotBeDoneIsRefusedWithItsReason(t *testing.T) {
	for name, tc := range map[string]struct {
		may, cpus cpuset.CPUSet
		online    bool
		want      string
	}{
		"a CPU that has to stay":         {set(0, 1), set(1), false, "CPU 0: the kernel keeps it online"},
		"a CPU that is not there":        {set(7), set(7), false, "CPU 7: this machine has none"},
		"the last CPUs of the run":       {set(1, 2), set(0, 1, 2), false, "the run would be left without a CPU"},
		"a CPU that is offline":          {set(1, 3), set(3), false, "CPU 3 is offline already"},
		"a CPU that is online":           {set(1), set(1), true, "CPU 1 is online already"},
		"a CPU the run did not speak of": {set(1), set(2), false, "CPU 2 is not one that the run said it would change"},
		"one of two that are asked for":  {set(1, 3), set(1, 3), false, "CPU 3 is offline already"},
	} {
		t.Run(name, func(t *testing.T) {
			root := machine(t)
			c, err := Open(root, "run-1", tc.may, set(0, 1, 2))
			if err == nil && tc.online {
				err = c.Online(tc.cpus)
			} else if err == nil {
				err = c.Offline(tc.cpus)
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if got := states(t, root); got != "110" {
				t.Errorf("CPUs 1 to 3 are %s after a refusal", got)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestACPUThatIsNotInTheJournalIsNotTouched(t *testing.T) {
	root := machine(t)
	c := opened(t, root, set(1))
	if said := text(t, root, Journal); said != "boot "+boot+" run \"run-1\"\n" {
		t.Errorf("the journal begins with %q", said)
	}
	journal := c.journal.file
	readOnly, err := os.Open(journal.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	c.journal.file = readOnly
	if err := c.Offline(set(1)); !errors.Is(err, unix.EBADF) || states(t, root) != "110" {
		t.Errorf("without a journal: %v, CPUs 1 to 3 are %s", err, states(t, root))
	}
	c.journal.file = journal
	for _, do := range []func(cpuset.CPUSet) error{c.Offline, c.Online, c.Offline} {
		err := do(set(1))
		if said := text(t, root, Journal); err != nil || strings.Count(said, "cpu") != 1 || !strings.HasSuffix(said, "\ncpu 1 was 1\n") {
			t.Errorf("the journal says %q (%v)", said, err)
		}
	}
}

func TestOnlyWhatWasChangedIsPutBack(t *testing.T) {
	root := machine(t)
	c := opened(t, root, set(1, 2))
	if err := c.Offline(set(2)); err != nil {
		t.Fatal(err)
	}
	write(t, root, cpuDir+"/cpu1/online", "0\n") // by somebody else
	if rows, err := c.Restore(); err != nil || len(rows) != 1 || rows[0].What != "CPU 2" || states(t, root) != "010" {
		t.Errorf("Restore = %+v, %v; CPUs 1 to 3 are %s", rows, err, states(t, root))
	}
}

func TestAJournalOfAKilledRunIsFollowed(t *testing.T) {
	const head = "boot " + boot + " run \"run-0\"\n"
	for name, tc := range map[string]struct{ journal, want, rows string }{
		"nothing was changed":                   {head, "010", ""},
		"one was taken offline":                 {head + "cpu 1 was 1\n", "110", "CPU 1 offline online true"},
		"several, one of which was offline":     {head + "cpu 1 was 1\ncpu 2 was 0\n", "100", "CPU 1 offline online true, CPU 2 online offline true"},
		"one that is as it was":                 {head + "cpu 2 was 1\n", "010", "CPU 2 offline online true"},
		"a line without its end":                {head + "cpu 1 was 1", "010", ""},
		"what no kernel says":                   {head + "cpu 1 was x\n", "010", ""},
		"a boot that is over":                   {"boot other run \"run-0\"\ncpu 1 was 1\n", "010", ""},
		"a machine that went down while it was": {"bo", "010", ""},
	} {
		for _, by := range []string{"Recover", "Open"} {
			root := machine(t)
			write(t, root, cpuDir+"/cpu1/online", "0\n")
			write(t, root, Journal, tc.journal)
			if by == "Open" {
				opened(t, root, set(2))
				if got := states(t, root); got != tc.want {
					t.Errorf("%s, the next run: CPUs 1 to 3 are %s, want %s", name, got, tc.want)
				}
				continue
			}
			rows, err := Recover(root)
			var said []string
			for _, r := range rows {
				said = append(said, fmt.Sprint(r.What, " ", r.During, " ", r.After, " ", r.Verified))
			}
			if err != nil || strings.Join(said, ", ") != tc.rows || states(t, root) != tc.want || text(t, root, Journal) != "" {
				t.Errorf("%s: Recover = %q, %v; CPUs 1 to 3 are %s, want %s; the journal says %q", name, said, err, states(t, root), tc.want, text(t, root, Journal))
			}
		}
	}
}

func TestACPUThatCannotBePutBackStaysInTheJournal(t *testing.T) {
	root := machine(t)
	write(t, root, Journal, "boot "+boot+" run \"run-0\"\ncpu 2 was 0\ncpu 8 was 1\n")
	before := text(t, root, Journal)
	if _, err := Recover(root); err == nil || !strings.Contains(err.Error(), "CPU 8") {
		t.Errorf("Recover = %v, want CPU 8 named", err)
	}
	if got := states(t, root); got != "100" || text(t, root, Journal) != before {
		t.Errorf("CPUs 1 to 3 are %s, the journal says %q", got, text(t, root, Journal))
	}
}

func TestOneRunAtATime(t *testing.T) {
	root := machine(t)
	if rows, err := Recover(root); rows != nil || err != nil {
		t.Errorf("without a journal: %v, %v", rows, err)
	}
	c := opened(t, root, set(1))
	if err := c.Offline(set(1)); err != nil {
		t.Fatal(err)
	}
	if rows, err := Recover(root); rows != nil || err != nil || states(t, root) != "010" {
		t.Errorf("Recover during a run = %v, %v; CPUs 1 to 3 are %s", rows, err, states(t, root))
	}
	if other, err := openJournal(root, glance); !errors.Is(err, errHeld) {
		t.Errorf("a second run got the journal: %v, %v", other, err)
	}
}

func TestNoCPUsAreNoWork(t *testing.T) {
	var c *CPUs
	if rows, err := c.Restore(); rows != nil || err != nil || c.Undo() != nil || c.Close() != nil {
		t.Errorf("Restore of nil = %v, %v", rows, err)
	}
}
