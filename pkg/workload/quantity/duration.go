// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package quantity holds amounts as manifests write them.
package quantity

import (
	"encoding/json"
	"fmt"
	"time"
)

// Duration is a length of time, written as Go writes it: "50ms".
type Duration time.Duration

// D is the duration as the standard library's type.
func (d Duration) D() time.Duration { return time.Duration(d) }

// Nanoseconds is the duration as a number.
func (d Duration) Nanoseconds() int64 { return int64(d) }

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON writes the duration as a string.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads a string such as "50ms".
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("a duration is a string such as \"50ms\", not %s", data)
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("a duration is written such as \"50ms\", not %q", text)
	}
	*d = Duration(v)
	return nil
}
