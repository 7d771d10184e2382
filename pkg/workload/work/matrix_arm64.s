// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func multiplyRow(row, matrix, into *uint64, n int)
TEXT ·multiplyRow(SB), NOSPLIT, $0-32
	MOVD row+0(FP), R0
	MOVD matrix+8(FP), R1
	MOVD into+16(FP), R2
	MOVD n+24(FP), R3
	LSL  $3, R3, R4    // from one row to the next
	ADD  R4, R0, R5    // the end of the row

column:
	MOVD ZR, R6
	MOVD R0, R7
	MOVD R1, R8
	PCALIGN $64

step:
	MOVD.P 8(R7), R9
	MOVD   (R8), R10
	ADD    R4, R8, R8
	MADD   R10, R6, R9, R6
	MOVD   R6, (R2)
	CMP    R5, R7
	BNE    step

	ADD  $8, R1
	ADD  $8, R2
	SUBS $1, R3, R3
	BNE  column
	RET
