// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package spawn

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// maxTranscript is how much is kept of what a zygote says.
const maxTranscript = 2 << 10

// transcript is a zygote's standard error: what it says before it has an arena, and
// a crash of its Go runtime. Unlike a pipe the file needs no reader, and nobody
// waits for those workers that have not let go of it yet.
type transcript struct{ file *os.File }

func newTranscript() (*transcript, error) {
	fd, err := unix.MemfdCreate("schedfleet-zygote", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making a file for what the zygote says: memfd_create: %w%s", err, limitHint(err))
	}
	return &transcript{os.NewFile(uintptr(fd), "transcript")}, nil
}

// end returns the beginning of what was said, and copies it to where the zygote's
// words go besides, which may be nil.
func (t *transcript) end(besides io.Writer) string {
	text := make([]byte, maxTranscript)
	n, _ := t.file.ReadAt(text, 0) // the end of the file is no error here
	_ = t.file.Close()
	if besides != nil && n > 0 {
		_, _ = besides.Write(text[:n])
	}
	return strings.TrimSpace(strings.TrimPrefix(string(text[:n]), zygoteSays))
}
