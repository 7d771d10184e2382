// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Program is what execve(2) takes. It must be made before the first fork.
type Program struct {
	path       *byte
	argv, envp []*byte // nil behind the last
}

// NewProgram prepares a program. The first argument is what it is called; variables are
// written NAME=value.
func NewProgram(path string, args, env []string) (*Program, error) {
	p := &Program{}
	var err error
	if p.path, err = unix.BytePtrFromString(path); err != nil {
		return nil, fmt.Errorf("the path %q: %w", path, err)
	}
	if p.argv, err = syscall.SlicePtrFromStrings(args); err != nil {
		return nil, fmt.Errorf("the arguments %q: %w", args, err)
	}
	if p.envp, err = syscall.SlicePtrFromStrings(env); err != nil {
		return nil, fmt.Errorf("the environment %q: %w", env, err)
	}
	return p, nil
}

// lastSignal is the highest there is.
const lastSignal = 64

// RawExec puts the program in the place of the process. It returns only if that
// fails. The program finds each signal with its default action and none blocked.
func (p *Program) RawExec() Errno {
	var action sigaction
	for s := uintptr(1); s <= lastSignal; s++ {
		// Two signals always have their default action, which is the error here.
		syscall.RawSyscall6(unix.SYS_RT_SIGACTION, s, uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	}
	var none uint64
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&none)), 0, 8, 0, 0)
	_, _, errno := syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(p.path)),
		uintptr(unsafe.Pointer(&p.argv[0])), uintptr(unsafe.Pointer(&p.envp[0])))
	return errno
}
