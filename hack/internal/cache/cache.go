// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package cache says where the commands of hack/ keep what they fetch and build,
// outside the tree.
package cache

import (
	"fmt"
	"os"
	"path/filepath"
)

// Dir makes a directory of the cache, which is $SCHEDFLEET_CACHE or the user's.
func Dir(name ...string) (string, error) {
	top := os.Getenv("SCHEDFLEET_CACHE")
	if top == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("looking for a cache directory (SCHEDFLEET_CACHE names another): %w", err)
		}
		top = filepath.Join(user, "schedfleet")
	}
	dir := filepath.Join(append([]string{top}, name...)...)
	return dir, os.MkdirAll(dir, 0o755)
}
