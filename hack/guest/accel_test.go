// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestKVMIsTriedOnceABoot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kvm")
	tried := 0
	for i, tc := range []struct {
		sentence, boot string
		finds          error
		want           bool
		tried          int
	}{
		{"what works is used", "one", nil, true, 1},
		{"what worked is remembered", "one", errors.New("not asked"), true, 1},
		{"another boot may be another machine", "two", errors.New("it hangs"), false, 2},
		{"what failed is remembered as well", "two", nil, false, 2},
		{"until the next boot", "three", nil, true, 3},
	} {
		works, err := rememberedProbe(t.Context(), file, tc.boot, func() error { tried++; return tc.finds })
		if err != nil || works != tc.want || tried != tc.tried {
			t.Errorf("%d: %s: works: %t (want %t), tried %d times (want %d), %v", i, tc.sentence, works, tc.want, tried, tc.tried, err)
		}
	}
}

func TestWhyKVMIsNotUsedIsWrittenDown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kvm")
	if _, err := rememberedProbe(t.Context(), file, "one", func() error { return errors.New("it hangs") }); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "it hangs") {
		t.Errorf("the file says %q, %v", text, err)
	}
}

// Whatever KVM does here, a guest boots, and the emulator is told what was chosen.
func TestTheAcceleratorThatIsChosenIsUsed(t *testing.T) {
	chosen, err := accelerator(t.Context())
	if errors.Is(err, ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil || (chosen != accelTCG && chosen != accelKVM) {
		t.Fatalf("chosen: %q, %v", chosen, err)
	}
	t.Log("guests here run with", chosen)
	args := emulatorArgs("/base", "/kernel", &Config{Shape: Shape{Nodes: 1, LLCsPerNode: 1, CoresPerLLC: 1, ThreadsPerCore: 1}, accel: chosen})
	if i := slices.Index(args, "-accel"); i < 0 || args[i+1] != chosen {
		t.Errorf("the emulator is started with %q, want -accel %s", args, chosen)
	}
}
