// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"strings"
	"testing"

	"github.com/schedfleet/schedfleet/pkg/kinds"
	"github.com/schedfleet/schedfleet/pkg/kinds/kindstest"
)

// The engine allows of each parameter of each kind what the API allows, and refuses
// the rest by the parameter's name: who runs without a cluster has the same bounds.
func TestTheEngineHasTheBoundsOfTheAPI(t *testing.T) {
	cases, err := kindstest.Cases()
	if err != nil || len(cases) < 400 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	catalog, err := kinds.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		kind, err := catalog.Parse(c.Kind, c.Parameters)
		if err != nil { // what has no meaning does not reach the engine
			if c.Says == "" {
				t.Errorf("%s: %v", c.Name, err)
			}
			continue
		}
		err = kind.Validate()
		field := c.Path[strings.LastIndex(c.Path, ".")+1:]
		switch {
		case c.Says == "" && err != nil:
			t.Errorf("%s: the API allows it: %v", c.Name, err)
		case c.Says != "" && err == nil:
			t.Errorf("%s: the API refuses it: %s", c.Name, c.Says)
		case c.Says != "" && !strings.Contains(err.Error(), field):
			t.Errorf("%s: refused without naming %s: %v", c.Name, field, err)
		}
	}
}
