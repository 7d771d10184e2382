// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"strings"
	"testing"
)

func TestBounded(t *testing.T) {
	long := strings.Repeat("ö", MaxValue)
	got := bounded(long)
	if len(got) > MaxValue || !strings.HasPrefix(got, "ööö") || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("bounded to %q (%d bytes)", got, len(got))
	}
	if got == bounded(long+"x") {
		t.Error("two long values became the same")
	}
	if short := strings.Repeat("x", MaxValue); bounded(short) != short {
		t.Error("a value that fits was cut")
	}
}

func TestGrouped(t *testing.T) {
	for name, tc := range map[string]struct {
		having map[string][]int
		of     int
		want   string
	}{
		"nobody has one":        {nil, 4, ""},
		"all have the same":     {map[string][]int{"a": {0, 1}}, 2, "a"},
		"some have the same":    {map[string][]int{"a": {0, 1}}, 3, "a (0-1)"},
		"several":               {map[string][]int{"a": {1, 3}, "b": {0, 2}}, 4, "b (0,2), a (1,3)"},
		"all, with their names": {map[string][]int{"a": {0, 1}}, namesAll, "a (0-1)"},
	} {
		if got := grouped(tc.having, tc.of); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestNominalMemory(t *testing.T) {
	for name, tc := range map[string]struct {
		kib  int64
		want string
	}{
		"a small guest":                    {484360, "480MiB"},
		"a laptop":                         {15_900_000, "16GiB"},
		"a server that keeps 2 % back":     {64_500_000, "64GiB"},
		"the same after a reboot":          {64_400_000, "64GiB"},
		"three modules":                    {48_900_000, "48GiB"},
		"exactly a power of two":           {32 << 20, "32GiB"},
		"so little that a MiB is the unit": {3 << 10, "3MiB"},
	} {
		if got := nominalMemory(tc.kib); got != tc.want {
			t.Errorf("%s, %d KiB: %s, want %s", name, tc.kib, got, tc.want)
		}
	}
}

func TestCommandLine(t *testing.T) {
	for name, tc := range map[string]struct{ give, want string }{
		"only what all hosts share":      {"ro quiet\n", "ro quiet"},
		"disk, image and initramfs":      {"BOOT_IMAGE=/v root=/dev/sda1 initrd=/i resume=/dev/sdb rd.break quiet", "quiet"},
		"a UUID somewhere":               {"foo=bar-0B2B0a5c-9f0a-4c57-8f2e-0f1f0c6f1a2b ro", "ro"},
		"a network card":                 {"netdev=52:54:00:12:34:56 ro", "ro"},
		"arguments of the first process": {"ro -- --token=secret", "ro"},
		"a quoted value with blanks":     {`dyndbg="file x +p" root="/dev/my disk" ro`, `dyndbg="file x +p" ro`},
		"a quoted parameter":             {`"root=/dev/sda" ro`, "ro"},
		"what only looks alike":          {"rootwait rooted=1 rdinit=/x ip6=no", "rootwait rooted=1 rdinit=/x ip6=no"},
		"nothing stays":                  {"root=/dev/sda\n", "none"},
		"nothing there":                  {"", ""},
	} {
		r := newReader(tree{"proc/cmdline": tc.give}.write(t), nil)
		if got := r.commandLine(); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
