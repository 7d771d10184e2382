// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func forkExit(flags uintptr) int64
TEXT ·forkExit(SB), NOSPLIT, $0-16
	MOVQ flags+0(FP), DI
	XORL SI, SI  // the stack is a copy of the caller's
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	MOVL $56, AX // clone
	SYSCALL
	TESTQ AX, AX
	JEQ  child
	MOVQ AX, ret+8(FP)
	RET

child:
	XORL DI, DI
	MOVL $231, AX // exit_group
	SYSCALL
	INT  $3
