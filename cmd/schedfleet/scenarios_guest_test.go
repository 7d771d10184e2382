//go:build guest

// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/schedfleet/schedfleet/pkg/workload/topology"
)

// All scenarios that are for a guest of this shape run in it; none is skipped.
func TestScenariosInAGuest(t *testing.T) {
	here, err := topology.Read(thisRoot)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, s := range allScenarios(t) {
		w := loaded(t, s)
		if shapeFor(s, w) != here.Shape() {
			continue
		}
		ran++
		t.Run(s.Name, func(t *testing.T) {
			if why := runScenario(t, s, w); why != "" {
				t.Fatal(why)
			}
		})
	}
	if ran == 0 {
		t.Errorf("no scenario is for a guest of the shape %s", here.Shape())
	}
}
