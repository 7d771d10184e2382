// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// multiplied is what multiply makes of the lanes, one multiplication after the other.
func multiplied(lanes aluLanes, width aluWidth, steps int) aluLanes {
	each := map[aluWidth]int{aluScalar: 1, alu128: 2, alu256: 4, alu512: 8}[width] // 64-bit lanes of an accumulator
	for i := range 4 * each {
		for range steps {
			if width == aluScalar {
				lanes[i] *= scalarMultipliers[i/each]
			} else {
				lanes[i] = uint64(uint32(lanes[i])) * vectorMultipliers[i/each]
			}
		}
	}
	return lanes
}

func TestVectorsOfEveryWidthAreMultipliedLaneByLane(t *testing.T) {
	for width := range aluWidths {
		t.Run(aluCounters[width], func(t *testing.T) {
			if !aluHas[width] {
				t.Skip("this machine has no registers of that width")
			}
			for _, steps := range []int{0, 1, 2, 7, chainSteps} {
				got := aluSeeds
				width.multiply(&got, steps)
				if diff := cmp.Diff(multiplied(aluSeeds, width, steps), got); diff != "" {
					t.Errorf("%d steps (-want +got):\n%s", steps, diff)
				}
			}
		})
	}
}

// A chain that reached 0 would stay there, and a CPU may be faster with it.
func TestNoChainDiesOut(t *testing.T) {
	for width := range aluWidths {
		lanes := aluSeeds
		for range 100 {
			lanes = multiplied(lanes, width, 100)
		}
		for i, lane := range lanes {
			if uint32(lane)&1 == 0 {
				t.Errorf("%s: lane %d is %#x, no longer odd", aluCounters[width], i, lane)
			}
		}
	}
}

func TestTheChainCountsStepsAndStops(t *testing.T) {
	a, w := computeWorker(t, &Mixed{})
	w.begin(1)
	w.aluChain(2*chainSteps + 5)
	a.Control().Stop()
	w.aluChain(1 << 40)
	if got := *a.Record(0, 0).WorkUnits(); got != 2*chainSteps+5 {
		t.Errorf("%d work units", got)
	}
}

func TestAWidthThatIsMissingIsRefused(t *testing.T) {
	all := aluHas
	defer func() { aluHas = all }()
	aluHas = [aluWidths]bool{aluScalar: true, alu128: true}

	phase := SequencePhase{AluHot: &SequenceAluHot{Width: Width256, Duration: 1}}
	for name, kind := range map[string]Preparer{
		"in aluHot":     &AluHot{Width: Width512},
		"in a sequence": &Sequence{Phases: []SequencePhase{{Spin: new(phase.AluHot.Duration)}, phase}},
	} {
		t.Run(name, func(t *testing.T) {
			a, w := computeWorker(t, &Mixed{})
			if errno := kind.Prepare(w); errno != unix.EOPNOTSUPP || !strings.Contains(a.Block(0).Text(), "no registers of that width") {
				t.Errorf("got %v, %q", errno, a.Block(0).Text())
			}
		})
	}
	for name, want := range map[string]aluWidth{WidthScalar: aluScalar, Width128: alu128, WidthWidest: alu128} {
		_, w := computeWorker(t, &Mixed{})
		if errno := prepareWidth(w, name); errno != 0 {
			t.Errorf("%s: %v", name, errno)
		}
		if got, known := widthOf(name); got != want || !known {
			t.Errorf("%s stands for %s, want %s", name, aluCounters[got], aluCounters[want])
		}
	}
}
