// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"testing"
)

func TestAGuestIsBootedAgainIfTheEmulatorIsToBlame(t *testing.T) {
	stale := fmt.Errorf("booting: %w", &PanicError{StaleCode: true})
	broken := fmt.Errorf("booting: %w", &PanicError{})
	for name, tc := range map[string]struct {
		outcomes []error
		boots    int
	}{
		"it comes up":                        {[]error{nil}, 1},
		"the emulator stumbles once":         {[]error{stale, nil}, 2},
		"the emulator stumbles all the time": {[]error{stale, stale, stale, nil}, maxBoots},
		"the kernel is to blame":             {[]error{broken, nil}, 1},
		"the machine is to blame":            {[]error{ErrUnavailable, nil}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			boots := 0
			_, err := again(func() (*Guest, error) { boots++; return nil, tc.outcomes[boots-1] })
			if boots != tc.boots || !errors.Is(err, tc.outcomes[boots-1]) {
				t.Errorf("booted %d times, %v; want %d times, %v", boots, err, tc.boots, tc.outcomes[tc.boots-1])
			}
		})
	}
}
