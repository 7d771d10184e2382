// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Package work is what workers do: one file per kind of work, holding its
// parameters, their admission, what it needs shared, and its loop.
//
// A loop runs in a forked worker: it must not allocate, and must enter the kernel
// by the Raw functions of package sys only. A test measures that for every kind.
//
// To add a kind: a file with its type and the methods of Kind, a member of Spec,
// and the same member in the API's union.
package work

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/sys"
)

// Kind is a kind of work with its parameters.
type Kind interface {
	// Name is the kind's name in manifests.
	Name() string
	// Shape says what workers of this kind need.
	Shape() Shape
	// Validate checks the parameters. Its errors name the parameter.
	Validate() error
	// Run works until w.Stopped, or returns early after w.Leave.
	Run(w *Worker)
}

// Preparer is a kind whose workers have something to do before they park, when
// they still have all rights. What fails there refuses the run before its start. The rules of
// Run hold. An errno may be explained by w.Leave.
type Preparer interface {
	Prepare(w *Worker) sys.Errno
}

// Sized is a kind with parameters whose default depends on how many CPUs its
// workers may use.
type Sized interface {
	// On is the kind with those parameters filled in.
	On(cpus int) Kind
}

// Shape is what workers of a kind need, and what there is to know of them. It is
// data: everything that is not a loop follows from it.
type Shape struct {
	// SetSize is how many workers work together; 1 means each for itself.
	SetSize int
	// Roles are what the workers of a set are, in the order of their positions;
	// none where all are alike. Their numbers add up to the size of the set.
	Roles []Role
	// OneProcess says that a set is a program with threads: the workers of a set are
	// threads of one process even where others are processes, and a group's number
	// of workers is that of programs.
	OneProcess bool
	// ForkOnly is why workers cannot be threads; empty if they can.
	ForkOnly string
	// Dangerous says that the work can harm what else runs on the machine, so that
	// a manifest and the node both have to allow it.
	Dangerous bool
	// Classes are those that workers give themselves while they work, and LowestNice the
	// lowest nice value, as far as the machine permits it.
	Classes    []Class
	LowestNice int
	// Needs are the capabilities of a machine without which the work cannot be done.
	Needs []string
	// RegionBytes is the size of the memory a set shares.
	RegionBytes int
	// MemoryBytes is the size of the memory a worker maps for itself, where its
	// memory policy puts it.
	MemoryBytes int
	// Opens is what the workers have open.
	Opens Opens
	// Metrics are what the kind records, in the order of a worker's
	// histograms; at most MaxMetrics.
	Metrics []Measure
	// Counters are what the kind counts beside work units and iterations, in the
	// order of Worker.Count; at most arena.MaxCounters.
	Counters []string
	// Progress is the counter that moves while a worker gets on.
	Progress Progress
	// Quiet is how long a worker's counters may stand still for reasons of its own.
	Quiet time.Duration
}

// Role is what some workers of a set are.
type Role struct {
	Name    string
	Workers int
	// Class is their scheduling class, nil for the group's.
	Class *Class
	// MayStarve says that to make no progress is a result and no fault.
	MayStarve bool
}

// Class is a scheduling class as the kernel takes it. Times are in ns.
type Class struct {
	Policy, Priority          int
	Runtime, Deadline, Period uint64
}

// Role is that of the worker at a position, nil where all are alike.
func (s *Shape) Role(position int) *Role {
	for i := range s.Roles {
		if position < s.Roles[i].Workers {
			return &s.Roles[i]
		}
		position -= s.Roles[i].Workers
	}
	return nil
}

// Opens is what the workers of a set have open. The zygote opens it; a worker has
// nothing else open but its standard descriptors.
type Opens struct {
	// Ring is a pipe from each worker of the set to the next, and from the last to
	// the first: FDs[0] reads from the one before, FDs[1] writes to the one behind.
	Ring bool
	// Epoll is an event counter that all of the set share, and an epoll instance
	// that watches it, level-triggered: FDs[0] is the instance, FDs[1] the counter.
	Epoll bool
	// File is a file of each worker's own: FDs[0]. Nil, there is none.
	File *File
	// Packets is a packet socket for frames of EtherType on a virtual Ethernet
	// pair of the set's own: FDs[0], on the first end for position 0 and on the other end for the rest.
	Packets bool
	// Leaves are that many cgroups made for the group's workers to move between:
	// FDs[n] writes to the cgroup.procs of the n-th.
	Leaves int
	// Cgroup is a cgroup of the run: FDs[0] writes to its cgroup.procs.
	Cgroup string
	// Output says that the runner reads what is written to the standard output and
	// the standard error, which are /dev/null otherwise.
	Output bool
}

// File is a file to read and write: of its size in the node's scratch directory, without a name, or a device.
type File struct {
	// Bytes is the size; 0 for a device.
	Bytes int64
	// Flags are those of open(2) beside O_RDWR.
	Flags int
	// Device is the path of a block device, whose content is destroyed; empty for a scratch file.
	Device string
}

// Progress is how a worker is seen to get on.
type Progress string

const (
	// ProgressUnits is by work units: whoever has none is starved.
	ProgressUnits Progress = "WorkUnits"
	// ProgressIterations is by iterations, for work that waits and counts no units.
	ProgressIterations Progress = "Iterations"
	// ProgressCPU is by CPU time, for programs that count for themselves.
	ProgressCPU Progress = "CPUTime"
)

// Metric is what the values of a histogram are about.
type Metric string

const (
	// MetricWake is a time from blocking to running again. What exactly is timed
	// differs between kinds and is the measure's Sample.
	MetricWake Metric = "WakeLatency"
	// MetricTimer is the time from an absolute deadline to running.
	MetricTimer Metric = "TimerLatency"
	// MetricCost is the time a fixed amount of computation took.
	MetricCost Metric = "IterationCost"
	// MetricResponse is the time from when a request was due to its completion.
	MetricResponse Metric = "ResponseTime"
	// MetricRate is requests per second, one value per second.
	MetricRate Metric = "RequestRate"
)

// Unit is that of the metric's values.
func (m Metric) Unit() string {
	if m == MetricRate {
		return "1/s"
	}
	return "ns"
}

// Sample is what exactly one value of a histogram is. Values of different samples
// are never put together.
type Sample string

const (
	// SampleRoundTrip is from handing over to a partner to having the turn back.
	SampleRoundTrip Sample = "RoundTrip"
	// SampleWait is from beginning to wait for another worker to running again: it
	// contains the other's work.
	SampleWait Sample = "Wait"
	// SampleWakeup is from the moment the waker notes before waking to the woken running.
	SampleWakeup Sample = "Wakeup"
	// SampleLockWait is one wait for a lock that another holds.
	SampleLockWait Sample = "LockWait"
	// SampleSleep is a whole sleep as it was observed.
	SampleSleep Sample = "Sleep"
	// SampleOvershoot is what a sleep took longer than asked.
	SampleOvershoot Sample = "Overshoot"
	// SampleYield is one sched_yield, until running again.
	SampleYield Sample = "Yield"
	// SampleReap is waiting for a child to end.
	SampleReap Sample = "Reap"
	// SampleSync, SampleRead and SampleConvoy are operations on a file: a data sync, a
	// read, and a write with a read and now and then a sync.
	SampleSync   Sample = "Sync"
	SampleRead   Sample = "Read"
	SampleConvoy Sample = "Convoy"
	// SampleLateness is from a deadline on a fixed grid to running.
	SampleLateness Sample = "Lateness"
	// SampleComputation is a fixed amount of computation.
	SampleComputation Sample = "Computation"
	// SampleRequest is from the begin of a request's work to its end.
	SampleRequest Sample = "Request"
	// SampleArrival is from when a request was due by its schedule to its end, whether or not
	// the worker was late to begin.
	SampleArrival Sample = "Arrival"
	// SampleSecond is what was done in one second.
	SampleSecond Sample = "Second"
)

// Measure is what a histogram holds.
type Measure struct {
	Metric Metric `json:"metric"`
	Sample Sample `json:"sample"`
}

// Spec is the choice of a kind in a manifest: exactly one member is set.
type Spec struct {
	SpinWait                  *SpinWait                  `json:"spinWait,omitempty"`
	YieldHeavy                *YieldHeavy                `json:"yieldHeavy,omitempty"`
	Mixed                     *Mixed                     `json:"mixed,omitempty"`
	AluHot                    *AluHot                    `json:"aluHot,omitempty"`
	SMTSiblingSpin            *SMTSiblingSpin            `json:"smtSiblingSpin,omitempty"`
	IPCVariance               *IPCVariance               `json:"ipcVariance,omitempty"`
	Bursty                    *Bursty                    `json:"bursty,omitempty"`
	IdleChurn                 *IdleChurn                 `json:"idleChurn,omitempty"`
	TimerLatency              *TimerLatency              `json:"timerLatency,omitempty"`
	Sequence                  *Sequence                  `json:"sequence,omitempty"`
	PipeIO                    *PipeIO                    `json:"pipeIo,omitempty"`
	FutexPingPong             *FutexPingPong             `json:"futexPingPong,omitempty"`
	FutexFanOut               *FutexFanOut               `json:"futexFanOut,omitempty"`
	FanOutCompute             *FanOutCompute             `json:"fanOutCompute,omitempty"`
	ThunderingHerd            *ThunderingHerd            `json:"thunderingHerd,omitempty"`
	WakeChain                 *WakeChain                 `json:"wakeChain,omitempty"`
	AsymmetricWaker           *AsymmetricWaker           `json:"asymmetricWaker,omitempty"`
	SignalStorm               *SignalStorm               `json:"signalStorm,omitempty"`
	EpollStorm                *EpollStorm                `json:"epollStorm,omitempty"`
	ProducerConsumerImbalance *ProducerConsumerImbalance `json:"producerConsumerImbalance,omitempty"`
	MutexContention           *MutexContention           `json:"mutexContention,omitempty"`
	PriorityInversion         *PriorityInversion         `json:"priorityInversion,omitempty"`
	IOSyncWrite               *IOSyncWrite               `json:"ioSyncWrite,omitempty"`
	IORandRead                *IORandRead                `json:"ioRandRead,omitempty"`
	IOConvoy                  *IOConvoy                  `json:"ioConvoy,omitempty"`
	CachePressure             *CachePressure             `json:"cachePressure,omitempty"`
	CacheYield                *CacheYield                `json:"cacheYield,omitempty"`
	CachePipe                 *CachePipe                 `json:"cachePipe,omitempty"`
	PageFaultChurn            *PageFaultChurn            `json:"pageFaultChurn,omitempty"`
	NUMAWorkingSetSweep       *NUMAWorkingSetSweep       `json:"numaWorkingSetSweep,omitempty"`
	AffinityChurn             *AffinityChurn             `json:"affinityChurn,omitempty"`
	CrossAffinityChurn        *CrossAffinityChurn        `json:"crossAffinityChurn,omitempty"`
	PolicyChurn               *PolicyChurn               `json:"policyChurn,omitempty"`
	NiceSweep                 *NiceSweep                 `json:"niceSweep,omitempty"`
	NUMAMigrationChurn        *NUMAMigrationChurn        `json:"numaMigrationChurn,omitempty"`
	RTStarvation              *RTStarvation              `json:"rtStarvation,omitempty"`
	PreemptStorm              *PreemptStorm              `json:"preemptStorm,omitempty"`
	ForkExit                  *ForkExit                  `json:"forkExit,omitempty"`
	CgroupChurn               *CgroupChurn               `json:"cgroupChurn,omitempty"`
	CgroupAttachStorm         *CgroupAttachStorm         `json:"cgroupAttachStorm,omitempty"`
	NetTraffic                *NetTraffic                `json:"netTraffic,omitempty"`
	IRQWake                   *IRQWake                   `json:"irqWake,omitempty"`
	Schbench                  *Schbench                  `json:"schbench,omitempty"`
	Taobench                  *Taobench                  `json:"taobench,omitempty"`
	Exec                      *Exec                      `json:"exec,omitempty"`
}

// members lists the kinds that are set.
func (s *Spec) members() []Kind {
	var set []Kind
	for _, member := range reflect.ValueOf(s).Elem().Fields() {
		if !member.IsNil() {
			set = append(set, member.Interface().(Kind)) // a test holds that every member is one
		}
	}
	return set
}

// SpecOf is the choice of a kind.
func SpecOf(k Kind) Spec {
	var s Spec
	for _, member := range reflect.ValueOf(&s).Elem().Fields() {
		if member.Type() == reflect.TypeOf(k) {
			member.Set(reflect.ValueOf(k))
		}
	}
	return s
}

// Kind is the kind that is set.
func (s *Spec) Kind() (Kind, error) {
	set := s.members()
	if len(set) == 1 {
		return set[0], nil
	}
	if len(set) == 0 {
		return nil, errors.New("work: no kind of work is set")
	}
	names := make([]string, len(set))
	for i, k := range set {
		names[i] = k.Name()
	}
	return nil, fmt.Errorf("work: exactly one kind of work must be set, not %s", strings.Join(names, " and "))
}

// maxIters bounds a loop count, so that a worker sees a stop in good time even
// where it does not look.
const maxIters = 1_000_000_000

func validIters(name string, n *int64) error {
	if n == nil || *n < 0 || *n > maxIters {
		return fmt.Errorf("%s must be 0 to %d", name, maxIters)
	}
	return nil
}
