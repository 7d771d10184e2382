// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Work is what a worker does: exactly one kind with its parameters. Unknown
// properties are kept on purpose, so that a mistyped kind meets the rule below,
// which names the right ones, and not only the decoder's "unknown field".
//
// +kubebuilder:pruning:PreserveUnknownFields
// +kubebuilder:validation:MaxProperties=1
// +kubebuilder:validation:XValidation:rule="[has(self.spinWait), has(self.yieldHeavy), has(self.mixed), has(self.aluHot), has(self.smtSiblingSpin), has(self.ipcVariance), has(self.bursty), has(self.idleChurn), has(self.timerLatency), has(self.sequence), has(self.pipeIo), has(self.futexPingPong), has(self.futexFanOut), has(self.fanOutCompute), has(self.thunderingHerd), has(self.wakeChain), has(self.asymmetricWaker), has(self.signalStorm), has(self.epollStorm), has(self.producerConsumerImbalance), has(self.mutexContention), has(self.priorityInversion), has(self.ioSyncWrite), has(self.ioRandRead), has(self.ioConvoy), has(self.cachePressure), has(self.cacheYield), has(self.cachePipe), has(self.pageFaultChurn), has(self.numaWorkingSetSweep), has(self.affinityChurn), has(self.crossAffinityChurn), has(self.policyChurn), has(self.niceSweep), has(self.numaMigrationChurn), has(self.rtStarvation), has(self.preemptStorm), has(self.forkExit), has(self.cgroupChurn), has(self.cgroupAttachStorm), has(self.netTraffic), has(self.irqWake), has(self.schbench), has(self.taobench), has(self.exec)].filter(x, x).size() == 1",message="exactly one kind of work must be set, out of: spinWait, yieldHeavy, mixed, aluHot, smtSiblingSpin, ipcVariance, bursty, idleChurn, timerLatency, sequence, pipeIo, futexPingPong, futexFanOut, fanOutCompute, thunderingHerd, wakeChain, asymmetricWaker, signalStorm, epollStorm, producerConsumerImbalance, mutexContention, priorityInversion, ioSyncWrite, ioRandRead, ioConvoy, cachePressure, cacheYield, cachePipe, pageFaultChurn, numaWorkingSetSweep, affinityChurn, crossAffinityChurn, policyChurn, niceSweep, numaMigrationChurn, rtStarvation, preemptStorm, forkExit, cgroupChurn, cgroupAttachStorm, netTraffic, irqWake, schbench, taobench, exec"
type Work struct {
	// spinWait burns CPU in user space. An iteration is 1024 pause instructions.
	// Records nothing. Progress: work units, one per pause instruction.
	//
	// +optional
	SpinWait *SpinWait `json:"spinWait,omitempty"`

	// yieldHeavy does nothing but sched_yield.
	// Records nothing. Progress: work units, one per yield.
	//
	// +optional
	YieldHeavy *YieldHeavy `json:"yieldHeavy,omitempty"`

	// mixed burns CPU for 1024 pause instructions, then yields once.
	// Records nothing. Progress: work units, one per pause instruction.
	//
	// +optional
	Mixed *Mixed `json:"mixed,omitempty"`

	// aluHot keeps the CPU's multipliers busy. An iteration is 1024 steps in four
	// independent chains.
	// Records IterationCost (Computation): the time of the 1024 steps, which other
	// work on the same core and preemption prolong.
	// Progress: work units, one per step.
	//
	// +optional
	AluHot *AluHot `json:"aluHot,omitempty"`

	// smtSiblingSpin burns CPU on the hardware threads of a core and times it. An
	// iteration is 1024 pause instructions.
	// Workers come in pairs; it does not pin them: affinity smtSiblingPair does.
	// Records IterationCost (Computation): the time of the 1024 pause
	// instructions, which the sibling prolongs.
	// Progress: work units, one per pause instruction.
	//
	// +optional
	SMTSiblingSpin *SMTSiblingSpin `json:"smtSiblingSpin,omitempty"`

	// ipcVariance alternates between fast and slow instructions. The fast ones
	// multiply, the slow ones increment random words in 512 KiB of memory.
	// Records IterationCost (Computation): the time of a whole period.
	// Progress: work units, one per multiplication step and per access.
	//
	// +optional
	IPCVariance *IPCVariance `json:"ipcVariance,omitempty"`

	// bursty burns CPU for a time, then sleeps.
	// Records WakeLatency (Sleep): the whole sleep as observed, so that its
	// smallest value is near the sleep asked for.
	// Progress: work units, one per pause instruction.
	//
	// +optional
	Bursty *Bursty `json:"bursty,omitempty"`

	// idleChurn burns CPU shortly and sleeps shortly. An otherwise idle CPU enters
	// and leaves idle states all the time.
	// Records WakeLatency (Overshoot): what a sleep took longer than asked. It
	// contains the timer slack, unless preciseTiming is set.
	// Progress: work units, one per pause instruction.
	//
	// +optional
	IdleChurn *IdleChurn `json:"idleChurn,omitempty"`

	// timerLatency sleeps to deadlines on a fixed grid and records how late it
	// wakes.
	// Records TimerLatency (Lateness): the time from a deadline to running.
	// Lateness accumulates and is not hidden: a worker that missed deadlines works
	// them off.
	// Progress: iterations.
	//
	// +optional
	TimerLatency *TimerLatency `json:"timerLatency,omitempty"`

	// sequence does phases of other work in their order. An iteration is all of
	// them.
	// Records WakeLatency (Sleep): whole sleeps as observed, of phases sleep.
	// Records WakeLatency (Yield): one sched_yield, of phases yield. Records
	// WakeLatency (Overshoot): what the sleeps of 100us of phases io took longer.
	// Records IterationCost (Computation): 1024 multiplication steps, of phases
	// aluHot.
	// Progress: work units, those of its phases; iterations, if all of them are
	// sleep.
	//
	// +optional
	Sequence *Sequence `json:"sequence,omitempty"`

	// pipeIo exchanges one byte with a partner over a pair of pipes. It burns CPU
	// in between. Workers come in pairs.
	// Records WakeLatency (RoundTrip): from the end of the worker's own write to
	// the partner's byte being readable.
	// Progress: iterations. With arrival, the first of a pair is a client that
	// asks when it is due, the other a server that answers; what is recorded is
	// the client's.
	//
	// +optional
	PipeIO *PipeIO `json:"pipeIo,omitempty"`

	// futexPingPong alternates strictly with a partner through one futex. Workers
	// come in pairs.
	// Records WakeLatency (RoundTrip): the time from handing over to getting the
	// turn back.
	// Progress: iterations.
	//
	// +optional
	FutexPingPong *FutexPingPong `json:"futexPingPong,omitempty"`

	// futexFanOut has one waker advance a generation that fanOut receivers wait
	// for. Workers come in sets of fanOut + 1, the first of which is the waker.
	// Records WakeLatency (Wait): the time a receiver waited for the next
	// generation. One that passes while it spins is missed, but with arrival,
	// where each receiver serves all of them, however late.
	// Progress: iterations.
	//
	// +optional
	FutexFanOut *FutexFanOut `json:"futexFanOut,omitempty"`

	// fanOutCompute has one waker wake fanOut receivers, which then compute. The
	// waker stamps the time; the receivers sleep, then multiply matrices. Workers
	// come in sets of fanOut + 1, the first of which is the waker.
	// Records WakeLatency (Wakeup): from the waker's stamp to a receiver running.
	// A receiver that was still at work misses generations, but with arrival,
	// where it serves all of them, however late.
	// Progress: iterations.
	//
	// +optional
	FanOutCompute *FanOutCompute `json:"fanOutCompute,omitempty"`

	// thunderingHerd has one waker wake all others at once. Workers come in sets
	// of waiters + 1, the first of which is the waker.
	// Records WakeLatency (Sleep): a whole pause of the waker. Records WakeLatency
	// (Wait): how long a waiter waited for the next batch, the pause between
	// batches included.
	// Progress: iterations.
	//
	// +optional
	ThunderingHerd *ThunderingHerd `json:"thunderingHerd,omitempty"`

	// wakeChain passes a turn around a ring, each stage waking the next. A stage
	// burns CPU while it has the turn. Workers come in sets of depth.
	// Records WakeLatency (Wait): how long a stage waited for its turn, the work
	// of all other stages included.
	// Progress: iterations.
	//
	// +optional
	WakeChain *WakeChain `json:"wakeChain,omitempty"`

	// asymmetricWaker has a waker and a wakee in different scheduling classes. The
	// waker never blocks. Workers come in pairs, the first of which is the waker.
	// Records WakeLatency (Wait): how long the wakee waited for the next wake-up.
	// Progress: iterations. The classes are the work's own: schedulingPolicy must
	// be unset.
	// Dangerous, if one of the classes is FIFO: a real-time waker never lets go of
	// its CPU.
	//
	// +optional
	AsymmetricWaker *AsymmetricWaker `json:"asymmetricWaker,omitempty"`

	// signalStorm has two partners send each other signals. Workers come in pairs.
	// Records nothing. Progress: work units, one per signal sent and per pause
	// instruction.
	//
	// +optional
	SignalStorm *SignalStorm `json:"signalStorm,omitempty"`

	// epollStorm has consumers wait in epoll for events that producers add.
	// Workers come in sets of producers + consumers, producers first.
	// Records WakeLatency (Wait): how long a consumer waited for an event.
	// Progress: iterations.
	//
	// +optional
	EpollStorm *EpollStorm `json:"epollStorm,omitempty"`

	// producerConsumerImbalance has producers and consumers of unequal rates share
	// a bounded queue. Workers come in sets of producers + consumers, producers
	// first.
	// Records WakeLatency (Wait): how long a producer waited for room, or a
	// consumer for an item.
	// Progress: iterations, one per item.
	//
	// +optional
	ProducerConsumerImbalance *ProducerConsumerImbalance `json:"producerConsumerImbalance,omitempty"`

	// mutexContention has contenders take turns at a lock made of a futex. Workers
	// come in sets of contenders.
	// Records WakeLatency (LockWait): one wait for the lock.
	// Progress: iterations, one per time the lock was held.
	//
	// +optional
	MutexContention *MutexContention `json:"mutexContention,omitempty"`

	// priorityInversion has low workers hold a lock that high ones want. Medium
	// ones are in the way: they burn CPU and need no lock. Workers come in sets of
	// high + medium + low, of SCHED_FIFO priorities 70, 50 and 30; only on one CPU
	// do they get into each other's way.
	// Records WakeLatency (LockWait): one wait for the lock.
	// Progress: iterations; the low ones may starve, which is the point. The
	// classes are the work's own: schedulingPolicy must be unset.
	// Dangerous: real-time workers that never sleep take their CPU from everything
	// else.
	//
	// +optional
	PriorityInversion *PriorityInversion `json:"priorityInversion,omitempty"`

	// ioSyncWrite writes 64 KiB in synchronous writes of 4 KiB and syncs the data.
	// Records WakeLatency (Sync): the data sync.
	// Progress: work units, one per write.
	//
	// +optional
	IOSyncWrite *IOSyncWrite `json:"ioSyncWrite,omitempty"`

	// ioRandRead reads 4 KiB from a random place, past the page cache.
	// Records WakeLatency (Read): the read.
	// Progress: work units, one per read.
	//
	// +optional
	IORandRead *IORandRead `json:"ioRandRead,omitempty"`

	// ioConvoy writes and reads 4 KiB each, and syncs now and then. It writes in
	// sequence and reads from random places, past the page cache; each 16th
	// iteration syncs the data.
	// Records WakeLatency (Convoy): the write, the read and the sync together.
	// Progress: work units, two per iteration.
	//
	// +optional
	IOConvoy *IOConvoy `json:"ioConvoy,omitempty"`

	// cachePressure walks through memory of the worker's own with a stride. At
	// each step it increments a byte, 1024 steps per iteration. Whether its memory
	// is in a cache, and in whose, is what it feels; memoryPolicy says on which
	// NUMA nodes it lies.
	// Records nothing. Progress: work units, one per step.
	//
	// +optional
	CachePressure *CachePressure `json:"cachePressure,omitempty"`

	// cacheYield does what cachePressure does, then yields.
	// Records WakeLatency (Yield): the sched_yield, until running again.
	// Progress: work units, one per step.
	//
	// +optional
	CacheYield *CacheYield `json:"cacheYield,omitempty"`

	// cachePipe walks through memory of its own, then does what pipeIo does.
	// Workers come in pairs.
	// Records WakeLatency (RoundTrip): from the end of the worker's own write to
	// the partner's byte being readable.
	// Progress: iterations.
	//
	// +optional
	CachePipe *CachePipe `json:"cachePipe,omitempty"`

	// pageFaultChurn touches pages and gives them back, so that they fault again.
	// The pages are random ones of a region of its own.
	// Records nothing. Progress: work units, one per touch and per pause
	// instruction.
	//
	// +optional
	PageFaultChurn *PageFaultChurn `json:"pageFaultChurn,omitempty"`

	// numaWorkingSetSweep moves its memory from NUMA node to NUMA node and touches
	// it.
	// Records WakeLatency (Sleep): the whole sleep between two sweeps.
	// Progress: work units, one per page touched.
	//
	// +optional
	NUMAWorkingSetSweep *NUMAWorkingSetSweep `json:"numaWorkingSetSweep,omitempty"`

	// affinityChurn burns CPU and then moves itself to a random CPU. There must be
	// two that it may use.
	// Records WakeLatency (Yield): the sched_yield after the move, until running
	// again.
	// Progress: work units, one per pause instruction; iterations, without any.
	//
	// +optional
	AffinityChurn *AffinityChurn `json:"affinityChurn,omitempty"`

	// crossAffinityChurn keeps changing the CPUs that its neighbours may use. They
	// are the other workers of its cgroup; they get all CPUs, and all but the
	// last, in turn. It needs such neighbours, and at least two CPUs.
	// Records WakeLatency (Yield): the sched_yield after it, until running again.
	// Progress: work units, one per pause instruction; iterations, without any.
	//
	// +optional
	CrossAffinityChurn *CrossAffinityChurn `json:"crossAffinityChurn,omitempty"`

	// policyChurn burns CPU and then changes its own scheduling policy. It goes
	// through all that it may have: other, batch, idle, fifo 1 and rr 1.
	// Records WakeLatency (Yield): the sched_yield after the change, until running
	// again.
	// Progress: work units, one per pause instruction; iterations, without any.
	//
	// +optional
	PolicyChurn *PolicyChurn `json:"policyChurn,omitempty"`

	// niceSweep burns CPU and then changes its own nice value. It burns 512 pause
	// instructions, then raises the value by 1, from the lowest it may have to 19
	// and again.
	// Records WakeLatency (Yield): the sched_yield after the change, until running
	// again.
	// Progress: work units, one per pause instruction.
	//
	// +optional
	NiceSweep *NiceSweep `json:"niceSweep,omitempty"`

	// numaMigrationChurn moves itself from NUMA node to NUMA node. It sleeps in
	// between. It needs CPUs on two nodes.
	// Records nothing. Progress: work units, one per pause instruction.
	//
	// +optional
	NUMAMigrationChurn *NUMAMigrationChurn `json:"numaMigrationChurn,omitempty"`

	// rtStarvation has real-time workers that never sleep starve normal ones.
	// Workers come in sets of rtWorkers + fairWorkers, the real-time ones first;
	// only on one CPU do they get into each other's way.
	// Records nothing. Progress: work units, one per pause instruction; the normal
	// ones may starve, which is the point. The classes are the work's own:
	// schedulingPolicy must be unset.
	// Dangerous: the real-time workers take their CPUs from everything else.
	//
	// +optional
	RTStarvation *RTStarvation `json:"rtStarvation,omitempty"`

	// preemptStorm has a real-time worker preempt normal ones all the time.
	// Workers come in sets of fairWorkers + 1, the first of which is the real-time
	// one, of SCHED_FIFO priority 1.
	// Records nothing. Progress: work units, one per pause instruction. The
	// classes are the work's own: schedulingPolicy must be unset.
	// Dangerous: a long burst with a short sleep takes a CPU from everything else.
	//
	// +optional
	PreemptStorm *PreemptStorm `json:"preemptStorm,omitempty"`

	// forkExit forks a child that exits at once and waits for it.
	// Records WakeLatency (Reap): waiting for the child to end.
	// Progress: work units, one per child. Processes only: a process with threads
	// cannot fork safely.
	//
	// +optional
	ForkExit *ForkExit `json:"forkExit,omitempty"`

	// cgroupChurn moves itself between cgroups made for it. It sleeps in between.
	// Records nothing. Progress: work units, one per pause instruction. Processes
	// only: a move takes the whole process along.
	// Dangerous: moves take a lock that all forks, exits and moves on the machine
	// need.
	//
	// +optional
	CgroupChurn *CgroupChurn `json:"cgroupChurn,omitempty"`

	// cgroupAttachStorm forks children and moves them to a cgroup while they exit.
	// Records WakeLatency (Reap): waiting for the child to end, where reap is
	// Wait.
	// Progress: work units, one per child. Processes only: a process with threads
	// cannot fork safely.
	// Dangerous: moves take a lock that all forks, exits and moves on the machine
	// need.
	//
	// +optional
	CgroupAttachStorm *CgroupAttachStorm `json:"cgroupAttachStorm,omitempty"`

	// netTraffic sends Ethernet frames into a virtual pair of interfaces. The pair
	// is in a network namespace of the run's own. It exercises soft interrupts on
	// the CPU that sends, no hardware.
	// Records nothing. Progress: work units, one per frame.
	//
	// +optional
	NetTraffic *NetTraffic `json:"netTraffic,omitempty"`

	// irqWake has a receiver wait for frames over a virtual pair of interfaces.
	// The pair is in a network namespace of the run's own. Workers come in pairs,
	// the first of which is the sender. It exercises wake-ups out of soft
	// interrupts, no hardware.
	// Records WakeLatency (Wait): how long the receiver waited for a frame, the
	// sender's interval included.
	// Progress: work units, one per frame.
	//
	// +optional
	IRQWake *IRQWake `json:"irqWake,omitempty"`

	// schbench models a server, as the benchmark of that name does. Message
	// threads hand requests to worker threads, which multiply matrices under a
	// lock of their CPU. workers counts programs, of 1 + messageThreads x (1 +
	// workerThreads) threads each.
	// Records WakeLatency (Wakeup): from the message thread's stamp to the worker
	// thread running. Records ResponseTime (Request): a request's work, with its
	// sleep and the lock; at a fixed rate too. Records RequestRate (Second):
	// requests done in each second.
	// Progress: iterations, one per request.
	//
	// +optional
	Schbench *Schbench `json:"schbench,omitempty"`

	// taobench models a cache server. Client threads look keys up, and slow
	// threads fetch what is not there. workers counts programs, of clientThreads +
	// slowThreads threads each.
	// Records ResponseTime (Arrival): from when a request was due by its schedule
	// to its end, with arrivalRatePerSecond; without it, nothing.
	// Progress: iterations, one per request.
	//
	// +optional
	Taobench *Taobench `json:"taobench,omitempty"`

	// exec runs a program that the node offers. It has the worker's cgroup, CPUs
	// and policies. workers counts programs, each of which may have tasks of its
	// own.
	// Records nothing; figures that programs write become programMetrics of the
	// result. Processes only: a program takes the place of the whole process.
	// Progress: CPU time.
	//
	// +optional
	Exec *Exec `json:"exec,omitempty"`
}

// Arrival makes a loop open: its requests are due by a schedule of their own,
// whether or not those before are done. The times from when a request was due
// to its end are recorded as ResponseTime (Arrival), so that a worker that
// falls behind shows it.
type Arrival struct {
	// ratePerSecond is how many requests are due in a second, for each source: a
	// worker, or the first of a set. 1 to 1000000.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	RatePerSecond int64 `json:"ratePerSecond"`

	// distribution is how they are spread: at Fixed distances, or at random as
	// independent clients are, which is Poisson. Default Poisson.
	//
	// +optional
	// +default="Poisson"
	Distribution ArrivalDistribution `json:"distribution,omitempty"`
}

// ArrivalDistribution is how requests are spread in time.
//
// +kubebuilder:validation:Enum=Fixed;Poisson
type ArrivalDistribution string
