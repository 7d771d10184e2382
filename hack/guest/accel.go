// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/hack/internal/cache"
)

// How the emulator runs the guest's instructions.
const (
	accelTCG = "tcg,thread=multi" // in software: slow, and the same everywhere
	accelKVM = "kvm"
)

const (
	kvmDevice  = "/dev/kvm"
	bootIDFile = "/proc/sys/kernel/random/boot_id"
	// kvmProbeTimeout bounds the try to boot with KVM: where it works, it takes two seconds.
	kvmProbeTimeout = 15 * time.Second
	// kvmProbeScript runs in a guest of the shape 1n2l1c2t and looks whether the
	// kernel was shown that.
	kvmProbeScript = `cd /sys/devices/system/cpu && test "$(cat cpu0/topology/thread_siblings_list cpu0/cache/index3/shared_cpu_list | tr '\n' ' ')" = "0-1 0-1 "`
)

// accelerator is KVM where a guest was seen to boot with it since this machine
// was started. That KVM is there says little: nested in another machine it may
// hang, or lack what the emulator asks for.
func accelerator(ctx context.Context) (string, error) {
	if mine := unix.Access(kvmDevice, unix.R_OK|unix.W_OK) == nil; !mine {
		return accelTCG, nil
	}
	boot, err := os.ReadFile(bootIDFile)
	if err != nil {
		return "", err
	}
	dir, err := cache.Dir("guest")
	if err != nil {
		return "", err
	}
	works, err := rememberedProbe(ctx, filepath.Join(dir, "kvm"), strings.TrimSpace(string(boot)), func() error { return probeKVM(ctx) })
	if err != nil || !works {
		return accelTCG, err
	}
	return accelKVM, nil
}

// rememberedProbe calls probe once while the machine is up, for all processes:
// what came of it is in a file with the id of the boot.
func rememberedProbe(ctx context.Context, file, boot string, probe func() error) (works bool, err error) {
	known := func() (bool, error) {
		text, err := os.ReadFile(file)
		id, found, _ := strings.Cut(string(text), "\n")
		if errors.Is(err, fs.ErrNotExist) || err == nil && id != boot {
			return false, nil
		}
		works = found == "works\n"
		return true, err
	}
	if done, err := known(); done || err != nil {
		return works, err
	}
	unlock, err := lock(ctx, file+".lock")
	if err != nil {
		return false, err
	}
	defer unlock()
	if done, err := known(); done || err != nil {
		return works, err // another process was faster
	}
	found := "works\n"
	if err := probe(); ctx.Err() != nil || errors.Is(err, ErrUnavailable) {
		return false, err // which says nothing about KVM
	} else if err != nil {
		found = fmt.Sprintf("does not work: %v\n", err)
	}
	return found == "works\n", os.WriteFile(file, []byte(boot+"\n"+found), 0o644)
}

func probeKVM(ctx context.Context) error {
	result, err := Run(ctx, Config{
		Shape: Shape{Nodes: 1, LLCsPerNode: 2, CoresPerLLC: 1, ThreadsPerCore: 2}, accel: accelKVM,
		Command: []string{"sh", "-c", kvmProbeScript}, BootTimeout: kvmProbeTimeout, Timeout: kvmProbeTimeout,
	})
	if err == nil && result.ExitCode != 0 {
		return fmt.Errorf("the kernel does not show the shape asked for (%+v)", result)
	}
	return err
}
