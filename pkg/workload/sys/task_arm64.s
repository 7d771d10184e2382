// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func forkExit(flags uintptr) int64
TEXT ·forkExit(SB), NOSPLIT, $0-16
	MOVD flags+0(FP), R0
	MOVD ZR, R1 // the stack is a copy of the caller's
	MOVD ZR, R2
	MOVD ZR, R3
	MOVD ZR, R4
	MOVD $220, R8 // clone
	SVC
	CBZ  R0, child
	MOVD R0, ret+8(FP)
	RET

child:
	MOVD ZR, R0
	MOVD $94, R8 // exit_group
	SVC
	BRK
