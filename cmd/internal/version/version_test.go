// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package version

import (
	"runtime/debug"
	"testing"
)

func TestFromBuildInfo(t *testing.T) {
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}
	tests := map[string]struct {
		main     string
		settings []debug.BuildSetting
		want     string
	}{
		"a released module says its version": {
			main: "v1.2.3", settings: []debug.BuildSetting{revision}, want: "v1.2.3",
		},
		"a clean checkout says its commit": {
			main: "(devel)", settings: []debug.BuildSetting{revision}, want: "devel-0123456789ab",
		},
		"a changed checkout says so": {
			main:     "(devel)",
			settings: []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, revision},
			want:     "devel-0123456789ab-dirty",
		},
		"a short revision is taken whole": {
			settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123"}}, want: "devel-0123",
		},
		"without any record it is devel": {
			settings: []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}}, want: "devel",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			info := &debug.BuildInfo{Settings: tc.settings}
			info.Main.Version = tc.main
			if got := fromBuildInfo(info); got != tc.want {
				t.Errorf("fromBuildInfo() = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestStringPrefersTheLinkedVersion(t *testing.T) {
	t.Cleanup(func() { Version = "" })
	Version = "v9.8.7"
	if got := String(); got != "v9.8.7" {
		t.Errorf("String() = %q, want the linked version v9.8.7", got)
	}
}
