// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"errors"
	"strings"
	"testing"
)

func TestFindMount(t *testing.T) {
	const (
		tmpfs  = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
		v1     = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu\n"
		hybrid = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
	)
	for name, tc := range map[string]struct {
		mountinfo string
		want      string
		wantErr   error
	}{
		"a pure v2 machine with optional tags": {
			mountinfo: "24 22 0:22 / /sys/fs/cgroup rw,nosuid shared:4 master:1 - cgroup2 cgroup2 rw,nsdelegate\n",
			want:      "/sys/fs/cgroup",
		},
		"a hybrid machine":                     {mountinfo: tmpfs + v1 + hybrid, want: "/sys/fs/cgroup/unified"},
		"the first of several mounts":          {mountinfo: hybrid + strings.ReplaceAll(hybrid, "unified", "again"), want: "/sys/fs/cgroup/unified"},
		"a mount point with a blank in it":     {mountinfo: strings.ReplaceAll(hybrid, "unified", `my\040groups`), want: "/sys/fs/cgroup/my groups"},
		"a device called cgroup2 on a v1 only": {mountinfo: "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup2 rw,cpu\n", wantErr: ErrNoCgroup2},
		"a v1 machine":                         {mountinfo: tmpfs + v1, wantErr: ErrNoCgroup2},
		"a line that ends early":               {mountinfo: "32 31 0:29 / /x rw -\n", wantErr: ErrNoCgroup2},
		"an empty file":                        {wantErr: ErrNoCgroup2},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := findMount(strings.NewReader(tc.mountinfo))
			if !errors.Is(err, tc.wantErr) {
				t.Fatalf("error %v, want %v", err, tc.wantErr)
			}
			if got != tc.want {
				t.Errorf("mount point %q, want %q", got, tc.want)
			}
		})
	}
}
