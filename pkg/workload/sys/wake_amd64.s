// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// A handler of the C ABI; the kernel calls it.
TEXT ·handleNothing(SB), NOSPLIT|NOFRAME, $0-0
	RET

// What it returns to: the frame of the signal is on the stack.
TEXT ·returnFromSignal(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $15, AX // rt_sigreturn
	SYSCALL
	INT  $3

// func noopHandler() uintptr
TEXT ·noopHandler(SB), NOSPLIT, $0-8
	MOVQ $·handleNothing(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func signalReturn() uintptr
TEXT ·signalReturn(SB), NOSPLIT, $0-8
	MOVQ $·returnFromSignal(SB), AX
	MOVQ AX, ret+0(FP)
	RET
