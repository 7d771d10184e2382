// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"regexp"
	"slices"
	"strings"
)

// hostParameters say where this host finds its kernel, disk and address.
var hostParameters = []string{
	"BOOT_IMAGE", "BOOTIF", "boot", "cryptdevice", "ifname", "initrd", "ip", "nfsroot", "ostree", "resume", "resume_offset",
	"root", "rootflags", "systemd.machine_id",
}

// oneOfAKind finds a UUID, or the address of a network card.
var oneOfAKind = regexp.MustCompile(`(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{2}(:[0-9a-f]{2}){5}`)

// commandLine is the kernel's command line without what differs from host to host,
// or boot to boot, of machines that are set up alike. Left out are
//
//   - what stands after "--", which is for the first process,
//   - the parameters of the initramfs, whose names begin with "rd.",
//   - the hostParameters, and
//   - whatever holds a UUID or the address of a network card.
//
// The rest stays in its order. A line of which nothing stays is "none".
func (r *reader) commandLine() string {
	line := r.raw("proc/cmdline")
	if line == "" {
		return ""
	}
	var kept []string
	for _, word := range parameters(line) {
		if word == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.Trim(word, `"`), "=")
		if !slices.Contains(hostParameters, name) && !strings.HasPrefix(name, "rd.") && !oneOfAKind.MatchString(word) {
			kept = append(kept, word)
		}
	}
	if len(kept) == 0 {
		return "none"
	}
	return strings.Join(kept, " ")
}

// parameters splits a command line at blanks that are not quoted.
func parameters(line string) []string {
	quoted := false
	return strings.FieldsFunc(line, func(c rune) bool {
		if c == '"' {
			quoted = !quoted
		}
		return !quoted && (c == ' ' || c == '\n' || c == '\t')
	})
}
