// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func spin(units *uint64, n uint64)
TEXT ·spin(SB), NOSPLIT, $0-16
	MOVD units+0(FP), R0
	MOVD n+8(FP), R1
	CBZ R1, done
loop:
	MOVD (R0), R2
	ADD $1, R2
	MOVD R2, (R0)
	YIELD
	SUB $1, R1
	CBNZ R1, loop
done:
	RET
