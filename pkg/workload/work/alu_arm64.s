// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// Each of these multiplies the vectors in lanes[0], lanes[1] and so on, steps times.
// The four chains of multiplications do not depend on each other, so they overlap.

// func multiplyScalar(lanes *aluLanes, steps int)
TEXT ·multiplyScalar(SB), NOSPLIT, $0-16
	MOVD lanes+0(FP), R0
	MOVD steps+8(FP), R1
	LDP 0(R0), (R2, R3)
	LDP 16(R0), (R4, R5)
	MOVD $·scalarMultipliers(SB), R6
	LDP 0(R6), (R7, R8)
	LDP 16(R6), (R9, R10)
	CMP $0, R1
	BLE done
loop:
	MUL R7, R2, R2
	MUL R8, R3, R3
	MUL R9, R4, R4
	MUL R10, R5, R5
	SUB $1, R1
	CBNZ R1, loop
done:
	STP (R2, R3), 0(R0)
	STP (R4, R5), 16(R0)
	RET

// Go's assembler lacks the next two, here on one register: the low halves of
// two 64-bit lanes side by side, and two 32-bit lanes times those of another
// register, in full.
#define XTN(v) WORD $(0x0ea12800 | (v)<<5 | (v))
#define UMULL(by, v) WORD $(0x2ea0c000 | (by)<<16 | (v)<<5 | (v))

// func multiply128(lanes *aluLanes, steps int)
TEXT ·multiply128(SB), NOSPLIT, $0-16
	MOVD lanes+0(FP), R0
	MOVD steps+8(FP), R1
	VLD1 (R0), [V0.D2, V1.D2, V2.D2, V3.D2]
	MOVD $·vectorMultipliers(SB), R6
	LDP 0(R6), (R7, R8)
	LDP 16(R6), (R9, R10)
	VDUP R7, V4.S4
	VDUP R8, V5.S4
	VDUP R9, V6.S4
	VDUP R10, V7.S4
	CMP $0, R1
	BLE done
loop:
	XTN(0)
	XTN(1)
	XTN(2)
	XTN(3)
	UMULL(4, 0)
	UMULL(5, 1)
	UMULL(6, 2)
	UMULL(7, 3)
	SUB $1, R1
	CBNZ R1, loop
done:
	VST1 [V0.D2, V1.D2, V2.D2, V3.D2], (R0)
	RET
