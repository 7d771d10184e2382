// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func multiplyRow(row, matrix, into *uint64, n int)
TEXT ·multiplyRow(SB), NOSPLIT, $0-32
	MOVQ row+0(FP), SI
	MOVQ matrix+8(FP), DX
	MOVQ into+16(FP), DI
	MOVQ n+24(FP), R10
	MOVQ R10, R9
	SHLQ $3, R9           // from one row to the next
	LEAQ (SI)(R9*1), R8   // the end of the row

column:
	XORL AX, AX
	MOVQ SI, R11
	MOVQ DX, R12
	PCALIGN $64

step:
	MOVQ  (R11), BX
	IMULQ (R12), BX
	ADDQ  $8, R11
	ADDQ  R9, R12
	ADDQ  BX, AX
	MOVQ  AX, (DI)
	CMPQ  R11, R8
	JNE   step

	ADDQ $8, DX
	ADDQ $8, DI
	DECQ R10
	JNE  column
	RET
