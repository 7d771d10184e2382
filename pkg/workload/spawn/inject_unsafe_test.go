// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// injection makes a system call fail with Errno, or kills who makes it when Errno
// is 0. It means those calls whose Arg-th argument is Value in the bits of Mask; all
// calls when Mask is 0.
type injection struct {
	Call  int        `json:"call"`
	Arg   int        `json:"arg"`
	Mask  uint32     `json:"mask"`
	Value uint32     `json:"value"`
	Errno unix.Errno `json:"errno"`
}

// Reach of a filter.
const (
	thisThread = 0
	allThreads = unix.SECCOMP_FILTER_FLAG_TSYNC
)

// install makes the kernel do it from now on, in whatever comes from here too.
func (in *injection) install(reach uintptr) error {
	const argsOff = 16 // of struct seccomp_data; the lower half of an argument comes first
	does := uint32(unix.SECCOMP_RET_KILL_PROCESS)
	if in.Errno != 0 {
		does = unix.SECCOMP_RET_ERRNO | uint32(in.Errno)
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(in.Call), Jf: 4},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: uint32(argsOff + 8*in.Arg)},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: in.Mask},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: in.Value, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: does},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("setting no_new_privs: %w", err)
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, reach, uintptr(unsafe.Pointer(&program))); errno != 0 {
		return fmt.Errorf("installing a seccomp filter: %w", errno)
	}
	return nil
}
