// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package work

import "golang.org/x/sys/cpu"

//go:noescape
func multiplyScalar(lanes *aluLanes, steps int)

//go:noescape
func multiply128(lanes *aluLanes, steps int)

//go:noescape
func multiply256(lanes *aluLanes, steps int)

//go:noescape
func multiply512(lanes *aluLanes, steps int)

// aluHas says which widths the CPU has and the kernel saves the registers of: the
// package cpu reads XCR0 too. SSE2, of 128 bits, is in all.
var aluHas = [aluWidths]bool{aluScalar: true, alu128: true, alu256: cpu.X86.HasAVX2, alu512: cpu.X86.HasAVX512F}
