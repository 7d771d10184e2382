// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
	"k8s.io/utils/cpuset"

	"github.com/schedfleet/schedfleet/pkg/workload/capability"
)

const (
	cpuDir         = "sys/devices/system/cpu"
	smtControlFile = cpuDir + "/smt/control"
)

// someCPU makes a probe of whether a file of some online CPU can be read.
func someCPU(name, whyNot string) func(*prober) outcome {
	return func(p *prober) outcome {
		return p.anyCPU(func(cpu int) outcome {
			return fileOutcome(p.tryRead(path.Join(cpuDir, "cpu"+strconv.Itoa(cpu), name)), whyNot)
		})
	}
}

// anyCPU is the outcome of the first online CPU with which it is Present, or else
// of the first with which it is not Absent, or else of all.
func (p *prober) anyCPU(probe func(cpu int) outcome) outcome {
	online, err := cpuset.Parse(p.text(onlineCPUsFile))
	if err != nil || online.IsEmpty() {
		return unknown(fmt.Sprintf("/%s does not tell which CPUs are online", onlineCPUsFile))
	}
	var found outcome
	for _, cpu := range online.List() {
		o := probe(cpu)
		if o.state == capability.Present {
			return o
		}
		if found.state != capability.Unknown {
			found = o
		}
	}
	return found
}

// smt says whether some core has several threads online.
func (p *prober) smt() outcome {
	top, err := p.topology()
	control := p.text(smtControlFile)
	switch {
	case err != nil:
		return unknown(err.Error())
	case top.SMT():
		return present
	case control == "off" || control == "forceoff":
		return absent(fmt.Sprintf("SMT is turned off: /%s says %s", smtControlFile, control))
	default:
		return absent("each core has one thread")
	}
}

// cpuHotplug says whether some CPU can be taken offline and back. None is.
func (p *prober) cpuHotplug() outcome {
	return p.anyCPU(func(cpu int) outcome {
		file := p.path(path.Join(cpuDir, "cpu"+strconv.Itoa(cpu), "online"))
		err := p.kernel.writable(file)
		switch {
		case err == nil:
			return present
		case errors.Is(err, fs.ErrNotExist):
			return absent("no CPU can be taken offline: the kernel was built without CONFIG_HOTPLUG_CPU, or the machine cannot")
		case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
			return absent("the agent may not write to " + file + ": run it as root")
		case errors.Is(err, unix.EROFS):
			return absent("sysfs is mounted read-only, as containers have it")
		default:
			return unknown(err.Error())
		}
	})
}
