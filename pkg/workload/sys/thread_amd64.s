// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func currentG() unsafe.Pointer
TEXT ·currentG(SB), NOSPLIT, $0-8
	MOVQ (TLS), AX
	MOVQ AX, ret+0(FP)
	RET

// func cloneThread(args *cloneArgs, size, own uintptr, start unsafe.Pointer) int64
TEXT ·cloneThread(SB), NOSPLIT, $0-40
	MOVQ args+0(FP), DI
	MOVQ size+8(FP), SI
	MOVQ own+16(FP), R12
	MOVQ start+24(FP), R13
	MOVL $435, AX // clone3
	SYSCALL
	TESTQ AX, AX
	JEQ  thread
	MOVQ AX, ret+32(FP)
	RET

thread:
	// On the new stack. ABIInternal: g in R14, zero in X15, the closure in DX.
	MOVQ R12, R14
	XORPS X15, X15
	XORL BP, BP
	MOVQ R13, DX
	MOVQ (DX), AX
	CALL AX
	INT  $3
