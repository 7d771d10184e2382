// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func spin(units *uint64, n uint64)
TEXT ·spin(SB), NOSPLIT, $0-16
	MOVQ units+0(FP), AX
	MOVQ n+8(FP), CX
	TESTQ CX, CX
	JZ done
loop:
	INCQ (AX)
	PAUSE
	DECQ CX
	JNZ loop
done:
	RET
