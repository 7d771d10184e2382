// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

//go:noescape
func multiplyScalar(lanes *aluLanes, steps int)

//go:noescape
func multiply128(lanes *aluLanes, steps int)

// aluHas says which widths the CPU has: NEON has 128 bits, and Linux needs it.
var aluHas = [aluWidths]bool{aluScalar: true, alu128: true}

// What is not there is never called.

func multiply256(*aluLanes, int) {}
func multiply512(*aluLanes, int) {}
