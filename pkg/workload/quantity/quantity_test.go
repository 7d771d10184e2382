// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package quantity

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestBytesAreRead(t *testing.T) {
	for name, tc := range map[string]struct {
		json string
		want Bytes  // of what is read
		err  string // "" is read
	}{
		"plain bytes":                    {`"4097"`, 4097, ""},
		"nothing":                        {`"0"`, 0, ""},
		"binary thousands":               {`"32Ki"`, 32 << 10, ""},
		"binary millions":                {`"8Mi"`, 8 << 20, ""},
		"binary thousand millions":       {`"16Gi"`, 16 << 30, ""},
		"the next binary one":            {`"3Ti"`, 3 << 40, ""},
		"the one after":                  {`"3Pi"`, 3 << 50, ""},
		"the largest binary suffix":      {`"7Ei"`, 7 << 60, ""},
		"decimal thousands":              {`"64k"`, 64_000, ""},
		"decimal millions":               {`"3M"`, 3_000_000, ""},
		"decimal thousand millions":      {`"3G"`, 3e9, ""},
		"the next decimal one":           {`"3T"`, 3e12, ""},
		"the one after it":               {`"3P"`, 3e15, ""},
		"the largest decimal suffix":     {`"9E"`, 9e18, ""},
		"as much as there can be":        {`"9223372036854775807"`, math.MaxInt64, ""},
		"more than there can be":         {`"9223372036854775808"`, 0, `"9223372036854775808" is not an amount of memory such as 32Ki or 4096`},
		"more by its suffix":             {`"8Ei"`, 0, `"8Ei" is not an amount of memory`},
		"more by a decimal suffix":       {`"10E"`, 0, `"10E" is not an amount of memory`},
		"less than nothing":              {`"-1"`, 0, `"-1" is not an amount of memory`},
		"a fraction":                     {`"1.5Ki"`, 0, `"1.5Ki" is not an amount of memory`},
		"thousandths":                    {`"4096000m"`, 0, `"4096000m" is not an amount of memory`},
		"an exponent":                    {`"32e3"`, 0, `"32e3" is not an amount of memory`},
		"a suffix alone":                 {`"Ki"`, 0, `"Ki" is not an amount of memory`},
		"a suffix that is none":          {`"32KiB"`, 0, `"32KiB" is not an amount of memory`},
		"a small letter that means less": {`"32m"`, 0, `"32m" is not an amount of memory`},
		"a large letter that means none": {`"32K"`, 0, `"32K" is not an amount of memory`},
		"a space":                        {`"32 Ki"`, 0, `"32 Ki" is not an amount of memory`},
		"no text":                        {`""`, 0, `"" is not an amount of memory`},
		"a number":                       {`4096`, 0, "an amount of memory must be text such as 32Ki, not 4096"},
	} {
		t.Run(name, func(t *testing.T) {
			var got Bytes
			err := json.Unmarshal([]byte(tc.json), &got)
			switch {
			case tc.err == "" && err != nil:
				t.Error(err)
			case tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
				t.Errorf("got %v, want %q", err, tc.err)
			case got != tc.want:
				t.Errorf("got %d, want %d", int64(got), int64(tc.want))
			}
		})
	}
}

// The text is the one Kubernetes has for the same amount, and reads as the same.
func TestBytesAreWritten(t *testing.T) {
	for want, b := range map[string]Bytes{
		`"0"`: 0, `"1"`: 1, `"1000"`: 1000, `"1023"`: 1023, `"1Ki"`: 1024, `"1025"`: 1025, `"1536"`: 1536, `"32Ki"`: 32 << 10,
		`"1Mi"`: 1 << 20, `"1025Ki"`: 1<<20 + 1<<10, `"16Gi"`: 16 << 30, `"1Ti"`: 1 << 40, `"1Pi"`: 1 << 50, `"4Ei"`: 4 << 60,
		`"9223372036854775807"`: math.MaxInt64,
	} {
		text, err := json.Marshal(b)
		if err != nil || string(text) != want {
			t.Errorf("%d is written as %s, want %s; %v", int64(b), text, want, err)
		}
		var again Bytes
		if err := json.Unmarshal(text, &again); err != nil || again != b {
			t.Errorf("%s is read as %d, want %d; %v", text, int64(again), int64(b), err)
		}
	}
}

func TestDurations(t *testing.T) {
	for name, tc := range map[string]struct {
		json string
		want Duration
		err  string // "" is read
	}{
		"one unit":      {`"50ms"`, 50e6, ""},
		"several units": {`"1m30.5s"`, 90.5e9, ""},
		"no unit":       {`"50"`, 0, `a duration is written such as "50ms", not "50"`},
		"a number":      {`50`, 0, `a duration is a string such as "50ms", not 50`},
		"no text":       {`""`, 0, `a duration is written such as "50ms", not ""`},
	} {
		t.Run(name, func(t *testing.T) {
			var got Duration
			err := json.Unmarshal([]byte(tc.json), &got)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil || got != tc.want {
				t.Fatalf("got %v and %v, want %v", got, err, tc.want)
			}
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			var again Duration
			if err := json.Unmarshal(text, &again); err != nil || again != got {
				t.Errorf("%s is read as %v, want %v; %v", text, again, got, err)
			}
		})
	}
}

// The text is the one Kubernetes has for the same amount, and reads as the same.
func TestCPUsAreWrittenAndRead(t *testing.T) {
	for want, c := range map[string]CPUs{
		`"0"`: 0, `"1m"`: 1, `"200m"`: 200, `"1"`: 1000, `"1500m"`: 1500, `"12"`: 12_000, `"1k"`: 1_000_000, `"1001"`: 1_001_000,
		`"8192"`: 8_192_000, `"3M"`: 3e9, `"9223372036854775807m"`: math.MaxInt64,
	} {
		text, err := json.Marshal(c)
		if err != nil || string(text) != want {
			t.Errorf("%d is written as %s, want %s; %v", int64(c), text, want, err)
		}
		var again CPUs
		if err := json.Unmarshal(text, &again); err != nil || again != c {
			t.Errorf("%s is read as %d, want %d; %v", text, int64(again), int64(c), err)
		}
	}
}

func TestCPUsAreRefused(t *testing.T) {
	for name, tc := range map[string]struct{ json, err string }{
		"a number":               {`1`, "a number of CPUs must be text such as 200m, not 1"},
		"no text":                {`""`, `"" is not a number of CPUs such as 200m, 1 or 1500m`},
		"a fraction":             {`"1.5"`, `"1.5" is not a number of CPUs`},
		"millionths":             {`"1u"`, `"1u" is not a number of CPUs`},
		"less than nothing":      {`"-1m"`, `"-1m" is not a number of CPUs`},
		"a sign":                 {`"+1"`, `"+1" is not a number of CPUs`},
		"a unit alone":           {`"m"`, `"m" is not a number of CPUs`},
		"more than there can be": {`"9223372036854775808m"`, "is not a number of CPUs"},
		"more by its suffix":     {`"10P"`, `"10P" is not a number of CPUs`},
		"more without a suffix":  {`"9223372036854776"`, "is not a number of CPUs"},
	} {
		t.Run(name, func(t *testing.T) {
			got := CPUs(7)
			if err := json.Unmarshal([]byte(tc.json), &got); err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %v, want %q", err, tc.err)
			}
			if got != 7 {
				t.Errorf("what was refused was read as %d", int64(got))
			}
		})
	}
}
