// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package objectstore

import (
	"errors"
	"strings"
	"testing"
)

func TestCleanErrors(t *testing.T) {
	t.Setenv("AZURE_STORAGE_KEY", "aGlkZGVu")
	for title, tc := range map[string]struct{ text, want string }{
		"a page of several lines":    {"PUT failed\n\n  ----\r\n<Code>No</Code>", "PUT failed ---- <Code>No</Code>"},
		"a signature in a URL":       {`Put "https://a.example/c/x.json?sv=1&sig=hidden%3D": EOF`, `Put "https://a.example/c/x.json": EOF`},
		"a key from the environment": {"the key aGlkZGVu is wrong", "the key <AZURE_STORAGE_KEY> is wrong"},
	} {
		t.Run(title, func(t *testing.T) {
			if got := clean(errors.New(tc.text)); got != tc.want {
				t.Errorf("clean = %q, want %q", got, tc.want)
			}
		})
	}
	long := clean(errors.New("begin " + strings.Repeat("x", 5000) + " end"))
	if len(long) > maxText+10 || !strings.HasPrefix(long, "begin") || !strings.HasSuffix(long, "end") {
		t.Errorf("a long text became %d bytes, %.20q...%q; want both its ends", len(long), long, long[len(long)-10:])
	}
}
