// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// Each of these multiplies the vectors in lanes[0], lanes[1] and so on, steps times.
// The four chains of multiplications do not depend on each other, so they overlap.

// func multiplyScalar(lanes *aluLanes, steps int)
TEXT ·multiplyScalar(SB), NOSPLIT, $0-16
	MOVQ lanes+0(FP), DI
	MOVQ steps+8(FP), CX
	MOVQ 0(DI), R8
	MOVQ 8(DI), R9
	MOVQ 16(DI), R10
	MOVQ 24(DI), R11
	MOVQ ·scalarMultipliers+0(SB), AX
	MOVQ ·scalarMultipliers+8(SB), BX
	MOVQ ·scalarMultipliers+16(SB), DX
	MOVQ ·scalarMultipliers+24(SB), SI
	TESTQ CX, CX
	JLE done
loop:
	IMULQ AX, R8
	IMULQ BX, R9
	IMULQ DX, R10
	IMULQ SI, R11
	DECQ CX
	JNZ loop
done:
	MOVQ R8, 0(DI)
	MOVQ R9, 8(DI)
	MOVQ R10, 16(DI)
	MOVQ R11, 24(DI)
	RET

// func multiply128(lanes *aluLanes, steps int)
TEXT ·multiply128(SB), NOSPLIT, $0-16
	MOVQ lanes+0(FP), DI
	MOVQ steps+8(FP), CX
	MOVOU 0(DI), X0
	MOVOU 16(DI), X1
	MOVOU 32(DI), X2
	MOVOU 48(DI), X3
	MOVQ ·vectorMultipliers+0(SB), X4
	MOVQ ·vectorMultipliers+8(SB), X5
	MOVQ ·vectorMultipliers+16(SB), X6
	MOVQ ·vectorMultipliers+24(SB), X7
	PUNPCKLQDQ X4, X4
	PUNPCKLQDQ X5, X5
	PUNPCKLQDQ X6, X6
	PUNPCKLQDQ X7, X7
	TESTQ CX, CX
	JLE done
loop:
	PMULULQ X4, X0
	PMULULQ X5, X1
	PMULULQ X6, X2
	PMULULQ X7, X3
	DECQ CX
	JNZ loop
done:
	MOVOU X0, 0(DI)
	MOVOU X1, 16(DI)
	MOVOU X2, 32(DI)
	MOVOU X3, 48(DI)
	RET

// func multiply256(lanes *aluLanes, steps int)
TEXT ·multiply256(SB), NOSPLIT, $0-16
	MOVQ lanes+0(FP), DI
	MOVQ steps+8(FP), CX
	VMOVDQU 0(DI), Y0
	VMOVDQU 32(DI), Y1
	VMOVDQU 64(DI), Y2
	VMOVDQU 96(DI), Y3
	VPBROADCASTQ ·vectorMultipliers+0(SB), Y4
	VPBROADCASTQ ·vectorMultipliers+8(SB), Y5
	VPBROADCASTQ ·vectorMultipliers+16(SB), Y6
	VPBROADCASTQ ·vectorMultipliers+24(SB), Y7
	TESTQ CX, CX
	JLE done
loop:
	VPMULUDQ Y4, Y0, Y0
	VPMULUDQ Y5, Y1, Y1
	VPMULUDQ Y6, Y2, Y2
	VPMULUDQ Y7, Y3, Y3
	DECQ CX
	JNZ loop
done:
	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, 64(DI)
	VMOVDQU Y3, 96(DI)
	VZEROUPPER // or SSE instructions, which Go uses, are slow from here on
	RET

// func multiply512(lanes *aluLanes, steps int)
TEXT ·multiply512(SB), NOSPLIT, $0-16
	MOVQ lanes+0(FP), DI
	MOVQ steps+8(FP), CX
	VMOVDQU64 0(DI), Z0
	VMOVDQU64 64(DI), Z1
	VMOVDQU64 128(DI), Z2
	VMOVDQU64 192(DI), Z3
	VPBROADCASTQ ·vectorMultipliers+0(SB), Z4
	VPBROADCASTQ ·vectorMultipliers+8(SB), Z5
	VPBROADCASTQ ·vectorMultipliers+16(SB), Z6
	VPBROADCASTQ ·vectorMultipliers+24(SB), Z7
	TESTQ CX, CX
	JLE done
loop:
	VPMULUDQ Z4, Z0, Z0
	VPMULUDQ Z5, Z1, Z1
	VPMULUDQ Z6, Z2, Z2
	VPMULUDQ Z7, Z3, Z3
	DECQ CX
	JNZ loop
done:
	VMOVDQU64 Z0, 0(DI)
	VMOVDQU64 Z1, 64(DI)
	VMOVDQU64 Z2, 128(DI)
	VMOVDQU64 Z3, 192(DI)
	VZEROUPPER
	RET
