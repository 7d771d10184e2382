// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func currentG() unsafe.Pointer
TEXT ·currentG(SB), NOSPLIT, $0-8
	MOVD g, ret+0(FP)
	RET

// func cloneThread(args *cloneArgs, size, own uintptr, start unsafe.Pointer) int64
TEXT ·cloneThread(SB), NOSPLIT, $0-40
	MOVD args+0(FP), R0
	MOVD size+8(FP), R1
	MOVD own+16(FP), R10
	MOVD start+24(FP), R11
	MOVD $435, R8 // clone3
	SVC
	CBZ  R0, thread
	MOVD R0, ret+32(FP)
	RET

thread:
	// On the new stack. ABIInternal: g in R28, the closure in R26.
	MOVD R10, g
	MOVD ZR, R29
	MOVD R11, R26
	MOVD (R26), R0
	CALL (R0)
	BRK
