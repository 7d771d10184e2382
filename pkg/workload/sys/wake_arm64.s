// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// A handler of the C ABI; the kernel calls it, and it returns to the kernel's own
// code, whose address is in the link register.
TEXT ·handleNothing(SB), NOSPLIT|NOFRAME, $0-0
	RET

// func noopHandler() uintptr
TEXT ·noopHandler(SB), NOSPLIT, $0-8
	MOVD $·handleNothing(SB), R0
	MOVD R0, ret+0(FP)
	RET

// func signalReturn() uintptr
TEXT ·signalReturn(SB), NOSPLIT, $0-8
	MOVD ZR, ret+0(FP)
	RET
