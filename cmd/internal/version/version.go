// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package version says which build of schedfleet a binary is.
package version

import "runtime/debug"

// Version is set by the linker (-X) in builds made with make. It is empty in
// a binary built by "go build" or "go install" alone.
var Version string

// String returns the version the linker stamped, else the version or commit
// Go recorded in the binary, else "devel".
func String() string {
	if Version != "" {
		return Version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	return fromBuildInfo(info)
}

func fromBuildInfo(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	var revision, modified string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = "-" + s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "-dirty"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel" + revision + modified
}
