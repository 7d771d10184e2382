// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import "testing"

func TestOwnerStaysWithTheDirectory(t *testing.T) {
	first, other := openTest(t), openTest(t)
	name := func(s *Spool) string {
		t.Helper()
		owner, err := s.Owner()
		if err != nil || owner == "" {
			t.Fatalf("owner %q, error %v", owner, err)
		}
		return owner
	}
	before := name(first)
	if before == name(other) {
		t.Error("two directories have one name")
	}
	save(t, first, "a")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(first.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	if after := name(again); after != before {
		t.Errorf("the name changed from %s to %s", before, after)
	}
	if entries, damaged, err := again.Load(); len(entries) != 1 || len(damaged) != 0 || err != nil {
		t.Errorf("entries %d, damaged %v, error %v", len(entries), damaged, err)
	}
}
