// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
)

const noCgroup2 = "no cgroup2 file system is mounted: boot with systemd.unified_cgroup_hierarchy=1, or mount one"

// cgroupV2 says whether cgroups can be made where runs get theirs. The parent
// need not be there yet.
func (p *prober) cgroupV2() outcome {
	if p.CgroupMount == "" {
		return absent(noCgroup2)
	}
	if p.CgroupParent == "" {
		return absent("runs were given no cgroup to have theirs below")
	}
	for dir := p.CgroupParent; ; dir = filepath.Dir(dir) {
		err := p.kernel.writable(dir)
		switch {
		case err == nil:
			return present
		case errors.Is(err, fs.ErrNotExist) && dir != p.CgroupMount && dir != filepath.Dir(dir):
			continue
		case errors.Is(err, fs.ErrNotExist):
			return absent(dir + " is not there: " + noCgroup2)
		case errors.Is(err, unix.EACCES), errors.Is(err, unix.EROFS), errors.Is(err, unix.EPERM):
			return absent(fmt.Sprintf("no cgroup can be made in %s (%v): run as root, or have it delegated", dir, errno(err)))
		default:
			return unknown(err.Error())
		}
	}
}

// file makes a probe for a file that every cgroup has.
func file(name, whyNot string) func(*prober) outcome {
	return func(p *prober) outcome { return p.cgroupFile(name, whyNot) }
}

// controller makes a probe for a controller. It is there if a cgroup of a run
// can have it: the hierarchy has it, and it can be enabled all the way down. The
// telltale is a file that comes with it.
func controller(name, telltale string) func(*prober) outcome {
	return knob(name, telltale, "the hierarchy has the controller "+name+
		", but it cannot be enabled where runs get their cgroups: see cgroup.controllers and cgroup.subtree_control there")
}

// knob makes a probe for a file of a controller.
func knob(controller, name, whyNot string) func(*prober) outcome {
	return func(p *prober) outcome {
		if there := p.cgroupV2(); there.state != capability.Present {
			return there
		}
		available, err := p.controllers()
		switch {
		case err != nil:
			return unknown(err.Error())
		case !slices.Contains(available, controller):
			return absent(fmt.Sprintf("controller %s is not in the cgroup v2 hierarchy at %s; if cgroup v1 has it, boot with cgroup_no_v1=%s",
				controller, p.CgroupMount, controller))
		}
		return p.cgroupFile(name, whyNot)
	}
}

func (p *prober) cgroupFile(name, whyNot string) outcome {
	if there := p.cgroupV2(); there.state != capability.Present {
		return there
	}
	files, err := p.files()
	switch {
	case err != nil:
		return unknown(err.Error())
	case files[name]:
		return present
	default:
		return absent("a cgroup has no file " + name + ": " + whyNot)
	}
}

// readControllers lists what the hierarchy can give.
func (p *prober) readControllers() ([]string, error) {
	content, err := os.ReadFile(filepath.Join(p.CgroupMount, "cgroup.controllers"))
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(content)), nil
}

// errno is the errno in an error, or the error itself: the object is named elsewhere.
func errno(err error) error {
	if number, ok := errors.AsType[unix.Errno](err); ok {
		return number
	}
	return err
}
