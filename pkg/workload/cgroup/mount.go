// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// ErrNoCgroup2 says that no cgroup v2 hierarchy is mounted.
var ErrNoCgroup2 = errors.New("no cgroup2 file system is mounted; boot with systemd.unified_cgroup_hierarchy=1, " +
	"or mount one with: mount -t cgroup2 none /sys/fs/cgroup/unified")

const mountInfo = "/proc/self/mountinfo"

// Mount returns where the cgroup v2 hierarchy is mounted. On a hybrid machine
// that is usually /sys/fs/cgroup/unified, with few controllers or none.
func Mount() (string, error) {
	f, err := os.Open(mountInfo)
	if err != nil {
		return "", fmt.Errorf("finding cgroup v2: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	point, err := findMount(f)
	if err != nil {
		return "", fmt.Errorf("finding cgroup v2 in %s: %w", mountInfo, err)
	}
	return point, nil
}

// findMount returns the first cgroup2 mount point of a mountinfo file.
// Its lines are: id parent major:minor root point options [tags...] - type source superoptions.
func findMount(r io.Reader) (string, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		end := slices.Index(fields, "-")
		if end < 6 || len(fields) < end+2 {
			continue
		}
		if fields[end+1] == "cgroup2" {
			return unescape(fields[4]), nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	return "", ErrNoCgroup2
}

// unescape undoes the kernel's octal escapes (\040 for a blank) in a path.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
