// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package worktest

import (
	"time"

	"github.com/schedfleet/schedfleet/pkg/workload/work"
)

// examples have the names and the form of manifests. Kinds are in the order of
// work.Spec. A variant stands for parameters with which a kind does something else.
var examples = []struct{ kind, variant, parameters string }{
	{"spinWait", "", `{}`},
	{"yieldHeavy", "", `{}`},
	{"mixed", "", `{}`},
	{"aluHot", "", `{"width":"Widest"}`},
	{"aluHot", "requests that arrive", `{"width":"Scalar","arrival":{"ratePerSecond":200,"distribution":"Poisson"}}`},
	{"smtSiblingSpin", "", `{}`},
	{"ipcVariance", "", `{"hotIters":2000,"coldIters":256,"periodIters":4}`},
	{"bursty", "", `{"burst":"5ms","sleep":"10ms"}`},
	{"idleChurn", "", `{"burst":"1ms","sleep":"5ms"}`},
	{"idleChurn", "without timer slack", `{"burst":"1ms","sleep":"5ms","preciseTiming":true}`},
	{"timerLatency", "", `{"interval":"1ms"}`},
	{"sequence", "", `{"phases":[{"spin":"2ms"},{"sleep":"2ms"},{"yield":"2ms"},{"io":"2ms"},{"aluHot":{"width":"Widest","duration":"2ms"}}]}`},
	{"pipeIo", "", `{"burstIters":1024}`},
	{"pipeIo", "requests that arrive", `{"burstIters":64,"arrival":{"ratePerSecond":200,"distribution":"Fixed"}}`},
	{"futexPingPong", "", `{"spinIters":1024}`},
	{"futexFanOut", "", `{"fanOut":4,"spinIters":1024}`},
	{"futexFanOut", "requests that arrive", `{"fanOut":2,"spinIters":64,"arrival":{"ratePerSecond":200,"distribution":"Poisson"}}`},
	{"fanOutCompute", "", `{"fanOut":4,"cacheFootprint":"16Ki","operations":5,"sleep":"100us"}`},
	{"fanOutCompute", "requests that arrive", `{"fanOut":2,"cacheFootprint":"16Ki","operations":1,"sleep":"0s","arrival":{"ratePerSecond":200,"distribution":"Fixed"}}`},
	{"thunderingHerd", "", `{"waiters":7,"interBatch":"5ms"}`},
	{"wakeChain", "", `{"depth":4,"wake":"Pipe","workPerHop":"100us"}`},
	{"wakeChain", "by futex", `{"depth":4,"wake":"Futex","workPerHop":"100us"}`},
	{"asymmetricWaker", "", `{"wakerClass":"Normal","wakeeClass":"Normal","burstIters":1024}`},
	{"asymmetricWaker", "across classes", `{"wakerClass":"Batch","wakeeClass":"FIFO","burstIters":1024}`},
	{"signalStorm", "", `{"signalsPerIter":16,"workIters":1024}`},
	{"epollStorm", "", `{"producers":1,"consumers":2,"eventsPerBurst":32}`},
	{"epollStorm", "requests that arrive", `{"producers":2,"consumers":1,"eventsPerBurst":1,"arrival":{"ratePerSecond":200,"distribution":"Poisson"}}`},
	{"producerConsumerImbalance", "", `{"producers":2,"consumers":1,"produceRatePerSecond":200,"consumeIters":256,"queueDepth":1024}`},
	{"producerConsumerImbalance", "a queue for one", `{"producers":2,"consumers":2,"produceRatePerSecond":0,"consumeIters":0,"queueDepth":1}`},
	{"mutexContention", "", `{"contenders":4,"holdIters":256,"workIters":1024}`},
	{"mutexContention", "requests that arrive", `{"contenders":4,"holdIters":65536,"workIters":64,"arrival":{"ratePerSecond":200,"distribution":"Fixed"}}`},
	{"priorityInversion", "", `{"high":1,"medium":0,"low":1,"holdIters":4096,"workIters":1024,"mode":"Plain"}`},
	{"priorityInversion", "in three tiers", `{"high":1,"medium":1,"low":1,"holdIters":4096,"workIters":1024,"mode":"Plain"}`},
	{"priorityInversion", "with inheritance", `{"high":1,"medium":0,"low":1,"holdIters":4096,"workIters":1024,"mode":"PriorityInheritance"}`},
	{"ioSyncWrite", "", `{"fileSize":"1Mi"}`},
	{"ioRandRead", "", `{"fileSize":"1Mi"}`},
	{"ioRandRead", "requests that arrive", `{"fileSize":"1Mi","arrival":{"ratePerSecond":200,"distribution":"Poisson"}}`},
	{"ioConvoy", "", `{"fileSize":"1Mi"}`},
	{"cachePressure", "", `{"size":"32Ki","stride":64}`},
	{"cacheYield", "", `{"size":"32Ki","stride":64}`},
	{"cachePipe", "", `{"size":"32Ki","burstIters":1024}`},
	{"cachePipe", "requests that arrive", `{"size":"32Ki","burstIters":64,"arrival":{"ratePerSecond":200,"distribution":"Poisson"}}`},
	{"pageFaultChurn", "", `{"region":"4Mi","touchesPerCycle":256,"spinIters":64}`},
	{"numaWorkingSetSweep", "", `{"region":"1Mi","sweepPeriod":"10ms"}`},
	{"numaWorkingSetSweep", "between nodes", `{"region":"1Mi","sweepPeriod":"10ms","targetNodes":[0]}`},
	{"affinityChurn", "", `{"spinIters":1024}`},
	{"crossAffinityChurn", "", `{"spinIters":1024}`},
	{"policyChurn", "", `{"spinIters":1024}`},
	{"niceSweep", "", `{}`},
	{"numaMigrationChurn", "", `{"period":"10ms"}`},
	{"rtStarvation", "", `{"rtWorkers":1,"fairWorkers":1,"rtPriority":50,"burstIters":1024}`},
	{"preemptStorm", "", `{"fairWorkers":2,"rtBurstIters":1024,"rtSleep":"1ms"}`},
	{"forkExit", "", `{}`},
	{"forkExit", "requests that arrive", `{"arrival":{"ratePerSecond":200,"distribution":"Poisson"}}`},
	{"cgroupChurn", "", `{"groups":2,"cycle":"10ms"}`},
	{"cgroupAttachStorm", "", `{"reap":"Ignore"}`},
	{"cgroupAttachStorm", "waiting for its children", `{"reap":"Wait"}`},
	{"netTraffic", "", `{"interval":"0s","frameBytes":60}`},
	{"irqWake", "", `{"interval":"1ms","frameBytes":60}`},
	{"schbench", "", `{"messageThreads":1,"workerThreads":2,"cacheFootprint":"16Ki","operations":5,"sleep":"100us"}`},
	{"schbench", "at a rate", `{"messageThreads":1,"workerThreads":2,"cacheFootprint":"16Ki","operations":5,"sleep":"100us","requestsPerSecond":500}`},
	{"schbench", "with pipes", `{"messageThreads":1,"workerThreads":2,"cacheFootprint":"16Ki","operations":5,"sleep":"100us","pipeTransfer":"4Ki"}`},
	{"schbench", "with shared work", `{"messageThreads":2,"workerThreads":2,"cacheFootprint":"16Ki","operations":5,"sleep":"0s","splitPercent":50,"skipLocking":true}`},
	{"taobench", "", `{"clientThreads":2,"slowThreads":1,"cacheCapacity":"1Mi","targetHitPercent":90,"slowPathSleep":"100us"}`},
	{"taobench", "requests that arrive", `{"clientThreads":2,"slowThreads":1,"cacheCapacity":"1Mi","targetHitPercent":90,"slowPathSleep":"100us","slowPathP99":"1ms","arrivalRatePerSecond":1000}`},
	{"exec", "", `{"program":"sh","args":["-c","while :; do :; done"],"stopSignal":"TERM","grace":"0s","successExitCodes":[0]}`},
}

// holds are the examples whose histograms are not all filled at once, by name.
var holds = map[string]time.Duration{
	"schbench":                   schbenchHold,
	"schbench, at a rate":        schbenchHold,
	"schbench, with pipes":       schbenchHold,
	"schbench, with shared work": schbenchHold,
}

// schbenchHold has two whole seconds in it, of which each is a value.
const schbenchHold = 2500 * time.Millisecond

// unsure are the examples that fill histograms only where there are CPUs enough for each
// worker: with fewer, the tiers above never let the lowest have the lock.
var unsure = map[string]bool{"priorityInversion, in three tiers": true}

// Measures of roles that do not fill all that their kind records.
var (
	sleeps    = work.Measure{Metric: work.MetricWake, Sample: work.SampleSleep}
	waits     = work.Measure{Metric: work.MetricWake, Sample: work.SampleWait}
	wakeups   = work.Measure{Metric: work.MetricWake, Sample: work.SampleWakeup}
	requests  = work.Measure{Metric: work.MetricResponse, Sample: work.SampleRequest}
	arrived   = work.Measure{Metric: work.MetricResponse, Sample: work.SampleArrival}
	rates     = work.Measure{Metric: work.MetricRate, Sample: work.SampleSecond}
	roundTrip = work.Measure{Metric: work.MetricWake, Sample: work.SampleRoundTrip}
)

// roles are measures by the names of roles.
type roles map[string][]work.Measure

// fills are the roles that fill only some of what their kind records, by the name of
// the example or else of the kind. A role that is not named fills all of it.
var fills = map[string]roles{
	"futexFanOut":                                {"waker": nil},
	"fanOutCompute":                              {"waker": nil},
	"cachePipe, requests that arrive":            {"server": nil},
	"pipeIo, requests that arrive":               {"server": nil},
	"thunderingHerd":                             {"waker": {sleeps}, "waiter": {waits}},
	"asymmetricWaker":                            {"waker": nil},
	"epollStorm":                                 {"producer": nil},
	"producerConsumerImbalance":                  {"producer": nil}, // its queue is never full
	"producerConsumerImbalance, a queue for one": {},                // it is full or empty
	"priorityInversion":                          {"medium": nil},
	"irqWake":                                    {"sender": nil},
	"schbench":                                   {"control": {rates}, "message": nil, "worker": {wakeups, requests}},
	"schbench, with pipes":                       {"control": {rates}, "message": nil, "worker": {wakeups}}, // nothing is asked for
	"taobench":                                   {"dispatcher": nil},
}
