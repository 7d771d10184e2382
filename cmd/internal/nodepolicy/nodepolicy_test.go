// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package nodepolicy

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/schedfleet/schedfleet/pkg/workload/spec"
)

func parse(t *testing.T, args ...string) (*spec.Policy, error) {
	t.Helper()
	set := flag.NewFlagSet("test", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	f := Register(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f.Policy()
}

func TestPolicies(t *testing.T) {
	dir := t.TempDir()
	for name, tc := range map[string]struct {
		args []string
		want spec.Policy
	}{
		"allow nothing by default": {nil, spec.Policy{}},
		"allow what they are told to": {
			[]string{"--allow-dangerous-work", "--allow-cpu-hotplug", "--allow-program=sh=/bin/sh", "--allow-program", "true.2+x_y-z=/bin/true", "--scratch-dir", dir},
			spec.Policy{DangerousWork: true, CPUHotplug: true, Programs: map[string]string{"sh": "/bin/sh", "true.2+x_y-z": "/bin/true"}, Scratch: dir},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse(t, tc.args...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPoliciesThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
		return path
	}
	open, plain := write("open", 0o757), write("plain", 0o644)
	if err := os.Mkdir(filepath.Join(dir, "anyone"), 0o700); err != nil {
		t.Fatal(err)
	}
	inside := write("anyone/inside", 0o755)
	if err := os.Chmod(filepath.Dir(inside), 0o777); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(open, link); err != nil {
		t.Fatal(err)
	}
	replaceable := filepath.Join(dir, "anyone", "link")
	if err := os.Symlink("/bin/true", replaceable); err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range 65 {
		many = append(many, fmt.Sprintf("--allow-program=p%d=/bin/true", i))
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"without a path":              {[]string{"--allow-program=sh"}, "--allow-program sh: must be NAME=PATH"},
		"of a name that is a path":    {[]string{"--allow-program=/bin/sh=/bin/sh"}, `the name must be a letter or digit`},
		"of a relative path":          {[]string{"--allow-program=sh=bin/sh"}, `"bin/sh" is no absolute path`},
		"of a file that is not there": {[]string{"--allow-program=sh=/bin/no-such"}, "no such file or directory"},
		"of what is no program":       {[]string{"--allow-program=p=" + plain}, plain + " is no executable file"},
		"of what others can write":    {[]string{"--allow-program=p=" + open}, "others can write to " + open},
		"of what others can replace":  {[]string{"--allow-program=p=" + inside}, "others can write to " + filepath.Dir(inside)},
		"of what a link leads to":     {[]string{"--allow-program=p=" + link}, "others can write to " + open},
		"of a link others can change": {[]string{"--allow-program=p=" + replaceable}, "others can write to " + filepath.Dir(inside)},
		"of one name twice":           {[]string{"--allow-program=p=/bin/sh", "--allow-program=p=/bin/true"}, "there is a program p already"},
		"of too many programs":        {many, "may be given 64 times each"},
		"of a device that is none":    {[]string{"--allow-device=/dev/null"}, "--allow-device /dev/null: is no block device"},
		"of a device by another way":  {[]string{"--allow-device=/dev/../dev/vda"}, "without anything to leave out"},
		"of no directory":             {[]string{"--scratch-dir=/dev/null"}, "--scratch-dir /dev/null: is no directory"},
		"of a relative directory":     {[]string{"--scratch-dir=tmp"}, "--scratch-dir tmp: must be an absolute path"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(t, tc.args...); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
