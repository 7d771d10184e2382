// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"strings"
	"testing"
)

func TestFramesComeBackAsTheyWere(t *testing.T) {
	var b bytes.Buffer
	for _, payload := range []string{"", "one", strings.Repeat("x", maxPayload)} {
		if err := Write(&b, Stdout, []byte(payload)); err != nil {
			t.Fatal(err)
		}
		kind, got, err := Read(&b)
		if kind != Stdout || string(got) != payload || err != nil {
			t.Errorf("a frame of %d bytes came back as %q with %d bytes, %v", len(payload), kind, len(got), err)
		}
	}
}

func TestFramesThatAreNone(t *testing.T) {
	tests := map[string]struct {
		in, want string
	}{
		"nothing is the end":              {"", "EOF"},
		"a head that ends early":          {"o\x01", "unexpected EOF"},
		"a payload that ends early":       {"o\x04\x00\x00\x00abc", "unexpected EOF"},
		"a payload that nobody ever sent": {"o\xff\xff\xff\xff", "at most"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := Read(strings.NewReader(tc.in))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Read(%q) fails with %v, want %q in it", tc.in, err, tc.want)
			}
		})
	}
}
