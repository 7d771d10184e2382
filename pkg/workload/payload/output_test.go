// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// However it is written, the first and the last part of an output are kept.
func TestOutputKeepsBothEnds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, MaxOutput/2 - 1, MaxOutput / 2, MaxOutput - 1, MaxOutput, MaxOutput + 1, 3*MaxOutput + 7} {
		for _, most := range []int{100, 4096, 70_000, 2 * MaxOutput} {
			text := make([]byte, size)
			for i := range text {
				text[i] = 'a' + byte(rng.IntN(26))
			}
			o := &Output{}
			for rest := text; len(rest) > 0; {
				n := min(1+rng.IntN(most), len(rest))
				if wrote, err := o.Write(rest[:n]); wrote != n || err != nil {
					t.Fatalf("wrote %d of %d: %v", wrote, n, err)
				}
				rest = rest[n:]
			}
			first, last, lost := o.parts()
			kept := min(size, MaxOutput)
			if len(first)+len(last) != kept || lost != int64(size-kept) || o.Total() != int64(size) {
				t.Fatalf("of %d bytes %d and %d are kept, %d lost", size, len(first), len(last), lost)
			}
			if len(o.last) > MaxOutput {
				t.Fatalf("of %d bytes %d are held as the last", size, len(o.last))
			}
			if !strings.HasPrefix(string(text), first) || !strings.HasSuffix(string(text), last) {
				t.Fatalf("of %d bytes in pieces of %d not the first and the last are kept", size, most)
			}
			if whole, all := o.Text(); all != (size <= MaxOutput) || all && whole != string(text) {
				t.Fatalf("of %d bytes: all %v", size, all)
			}
		}
	}
}

func TestOutputIsShownToABound(t *testing.T) {
	for name, tc := range map[string]struct {
		text, want string
		truncated  bool
	}{
		"nothing":         {"", "", false},
		"all of a little": {strings.Repeat("x", 4096), strings.Repeat("x", 4096), false},
		"both ends of more": {
			"begin" + strings.Repeat("x", 4096) + "end",
			"begin" + strings.Repeat("x", 2043) + "\n[... 8 bytes left out ...]\n" + strings.Repeat("x", 2045) + "end", true,
		},
		"both ends of what was not kept": {
			"begin" + strings.Repeat("x", 3<<20) + "end",
			"begin" + strings.Repeat("x", 2043) + "\n[... 3141640 bytes left out ...]\n" + strings.Repeat("x", 2045) + "end", true,
		},
		"what is no text": {"a\xffb", "a\uFFFDb", false},
	} {
		t.Run(name, func(t *testing.T) {
			o := &Output{}
			_, _ = o.Write([]byte(tc.text))
			if got, truncated := o.Show(); got != tc.want || truncated != tc.truncated {
				t.Errorf("%d bytes, truncated %v: %.40q ... %.60q", len(got), truncated, got, got[min(len(got), 2040):])
			}
		})
	}
}
