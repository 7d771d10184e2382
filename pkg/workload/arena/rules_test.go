// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package arena

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAnErrorSaysWhatMayHelp(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string // "" is no hint
	}{
		"memory is exhausted":      {unix.ENOMEM, "vm.max_map_count reached: declare fewer workers"},
		"forbidden":                {unix.EPERM, "a memory cgroup, a seccomp profile"},
		"forbidden by its name":    {unix.EACCES, "vm.memfd_noexec"},
		"not in this kernel":       {unix.ENOSYS, "a seccomp profile"},
		"a size that cannot be":    {unix.EINVAL, "the size is zero or too large"},
		"a size above a limit":     {unix.EFBIG, "the size is zero or too large"},
		"descriptors of ours":      {unix.EMFILE, "raise the limit on open files"},
		"descriptors of the whole": {unix.ENFILE, "raise the limit on open files"},
		"one inside another":       {os.NewSyscallError("mmap", unix.ENOMEM), "declare fewer workers"},
		"anything else":            {unix.EIO, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hint(tc.err); (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSizeCannotGrow(t *testing.T) {
	a, err := New(Plan{Workers: []WorkerPlan{{0}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.File().Truncate(1 << 30); !os.IsPermission(err) {
		t.Errorf("growing gave %v, want EPERM", err)
	}
	if err := size(a.File(), 1<<20); !errors.Is(err, unix.EPERM) {
		t.Errorf("sizing it again gave %v, want EPERM", err)
	}
}

func TestTheLongestGapIsTakenWhole(t *testing.T) {
	short := Figures{MaxGap: 5, MaxGapAt: 100, MaxGapCPU: 7}
	long := Figures{MaxGap: 9, MaxGapAt: 50, MaxGapCPU: 3}
	for name, parts := range map[string][]Figures{"first": {long, short}, "last": {short, long}, "between": {short, long, {}}} {
		var whole Figures
		for _, p := range parts {
			whole.Add(p)
		}
		if whole.MaxGap != 9 || whole.MaxGapAt != 50 || whole.MaxGapCPU != 3 {
			t.Errorf("%s: %d at %d on CPU %d", name, whole.MaxGap, whole.MaxGapAt, whole.MaxGapCPU)
		}
	}
}
