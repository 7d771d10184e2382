// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"fmt"
	"testing"
)

func TestFigures(t *testing.T) {
	for name, tc := range map[string]struct{ got, want string }{
		"three digits of a duration": {Nanos(1_234_567_890), "1.23s"},
		"micro is written u":         {Nanos(88_888), "88.9us"},
		"less than a digit":          {Nanos(7), "7ns"},
		"no time":                    {Nanos(0), "0s"},
		"back in time":               {Nanos(-1_500_000), "-1.5ms"},
		"a part of a whole":          {Percent(1, 3), "33.3%"},
		"a part of nothing":          {Percent(1, 0), Absent},
		"a rate":                     {PerSecond(30, 2e9), "15.0"},
		"a rate of no time":          {PerSecond(30, 0), Absent},
		"thousands apart":            {Count(1234567), "1\u202f234\u202f567"},
		"no thousands":               {Count(999), "999"},
		"a number with a prefix":     {Short(25_381.4), "25.4k"},
		"rounded up to the next":     {Short(999_950), "1M"},
		"a small number":             {Short(0.01234), "0.0123"},
		"a round number":             {Short(15000), "15k"},
		"zero":                       {Short(0), "0"},
		"less than nothing":          {Short(-2500), "-2.5k"},
		"bytes":                      {Bytes(1536 << 10), "1.5 MiB"},
		"few bytes":                  {Bytes(12), "12 B"},
		"very many":                  {Bytes(1 << 62), fmt.Sprint(4096, " PiB")},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %q, want %q", name, tc.got, tc.want)
		}
	}
}
