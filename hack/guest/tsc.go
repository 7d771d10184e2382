// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"sync"
	"time"
)

const (
	// tscSpan is what the rate of the counter is measured over: an error of a
	// microsecond at either end is one of 40 in a million.
	tscSpan = 50 * time.Millisecond
	// tscTries is how often each end is read; the reading that took least counts.
	tscTries = 64
	// tscAgree is how far two measurements may be apart, as a part of them.
	tscAgree = 1000
)

// clockArgs tell the guest's kernel how fast its clock runs. An emulated time stamp
// counter is that of this machine. A kernel that has to find out is now and then
// wrong by a factor of ten on a busy machine, and then has time run that fast.
// There are none where this machine's counter has no steady rate.
var clockArgs = sync.OnceValue(func() []string {
	first, second := tscKHz(), tscKHz()
	if apart := max(first, second) - min(first, second); first == 0 || apart > first/tscAgree {
		return nil
	}
	return []string{fmt.Sprintf("tsc_early_khz=%d", (first+second)/2)}
})

// tscKHz measures the rate of the time stamp counter, in kHz.
func tscKHz() uint64 {
	before, began := tscNow()
	time.Sleep(tscSpan)
	after, ended := tscNow()
	return uint64(float64(after-before) / float64(ended.Sub(began).Nanoseconds()) * 1e6)
}

// tscNow reads counter and clock together.
func tscNow() (ticks uint64, at time.Time) {
	least := time.Duration(1<<63 - 1)
	for range tscTries {
		before := time.Now()
		now := readTSC()
		if took := time.Since(before); took < least {
			least, ticks, at = took, now, before.Add(took/2)
		}
	}
	return ticks, at
}
