// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"time"
)

// What transitions between steps may take beside the holds, all together.
const (
	transitionsTime   = 10 * time.Second
	transitionTime    = 2 * time.Second
	maxWait           = time.Hour
	minRepeatInterval = time.Millisecond
)

// TransitionTime is how long everything beside the holds of the steps may take all
// together, 0 without steps. Beyond it holds are cut. What scratch files need is
// not in it.
func (r *Run) TransitionTime() time.Duration {
	if len(r.Steps) == 0 {
		return 0
	}
	allowed := transitionsTime
	for i := range r.Steps {
		allowed += transitionTime
		for j := range r.Steps[i].Ops {
			if wait := r.Steps[i].Ops[j].WaitGroup; wait != nil {
				allowed += wait.Timeout.D()
			}
		}
	}
	return allowed
}

// holds are the lengths of the steps. Preconditions: the run is valid.
func (r *Run) holds() []time.Duration {
	holds := make([]time.Duration, len(r.Steps))
	left, last := r.Duration.D(), none
	for i := range r.Steps {
		h := &r.Steps[i].Hold
		switch {
		case h.Fixed != nil:
			holds[i] = h.Fixed.D()
		case h.Percent != nil:
			holds[i] = r.Duration.D() / 100 * time.Duration(*h.Percent)
		case h.Remaining != nil:
			last = i
		}
		left -= holds[i]
	}
	if last != none {
		holds[last] = left
	}
	return holds
}

// validateHolds checks that the holds fit into the duration.
func (r *Run) validateHolds() []error {
	var errs []error
	remaining := none
	for i := range r.Steps {
		h := &r.Steps[i].Hold
		errs = append(errs, at(h.validate(), "steps[%d].hold", i))
		if h.Remaining == nil {
			continue
		}
		if remaining != none {
			errs = append(errs, fmt.Errorf("steps[%d].hold.remaining: steps[%d] takes what remains already", i, remaining))
		}
		remaining = i
	}
	if err := errors.Join(errs...); err != nil {
		return errs
	}
	left, longest := r.Duration.D(), time.Duration(0)
	for i, hold := range r.holds() {
		if left -= hold; left < 0 {
			return []error{fmt.Errorf("steps[%d].hold: the holds up to this one are longer than duration, %v, by %v", i, r.Duration, -left)}
		}
		longest = max(longest, hold)
		if i == remaining && hold <= 0 {
			return []error{fmt.Errorf("steps[%d].hold.remaining: the other holds leave nothing of duration, %v", i, r.Duration)}
		}
		if r.Steps[i].RepeatOpsEvery != nil && hold <= 0 {
			errs = append(errs, fmt.Errorf("steps[%d].repeatOpsEvery: a hold of 0s leaves no time to repeat anything", i))
		}
	}
	if len(r.Steps) > 0 && longest <= 0 {
		errs = append(errs, errors.New("steps: at least one must have a hold above 0s, or nothing is measured"))
	}
	return errs
}

func (h *Hold) validate() error {
	if ways := count(h.Fixed != nil, h.Percent != nil, h.Remaining != nil); ways != 1 {
		return fmt.Errorf("fixed: exactly one of fixed, percent and remaining must be set, not %d", ways)
	}
	if h.Fixed != nil && (*h.Fixed < 0 || h.Fixed.D() > maxDuration) {
		return fmt.Errorf("fixed: must be 0s to 24h, not %v", *h.Fixed)
	}
	return within("percent", h.Percent, 1, 100)
}
