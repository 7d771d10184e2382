// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package arena

import (
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
