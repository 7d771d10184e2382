// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func segmentCPU() uint32
TEXT ·segmentCPU(SB), NOSPLIT, $0-4
	MOVL $0x7b, AX   // the segment whose limit Linux sets to node<<12 | CPU on each CPU
	LSLL AX, CX
	ANDL $0xfff, CX
	MOVL CX, ret+0(FP)
	RET
