// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// What a worker does around its loop, in C: the counterpart of the worker, the
// block and the histogram of pkg/workload/{work,arena,telemetry}. The stores have
// the order that Go's sync/atomic gives them.

#ifndef WORKER_H
#define WORKER_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE __attribute__((aligned(64)))

enum {
	TICK_NS = 100 * 1000 * 1000,   // a worker blocks no longer without looking for the stop
	PUBLISH_NS = 10 * 1000 * 1000, // how often it reads its CPU clock
	SUB_BITS = 8,
	SUB_COUNT = 1 << SUB_BITS,
	SUB_HALF = SUB_COUNT / 2,
	BINS = 36 * SUB_HALF,
	MAX_CPUS = 8192,
};

#define MAX_VALUE UINT64_C(3600000000000)

enum stage { DECLARED, FORKED, PARKED, RUNNING, STOPPED };

// A worker writes in pages of its own.
struct block {
	__attribute__((aligned(4096))) uint32_t tid;
	uint32_t stage;
	uint64_t began, ended;
	LINE uint64_t iterations;
	uint64_t migrations, cpu_ns, voluntary, involuntary, filled;
	LINE uint64_t max_gap;
	uint64_t max_gap_at, max_gap_cpu;
	LINE uint64_t cpus[MAX_CPUS / 64];
};

struct histogram {
	LINE uint64_t count;
	uint64_t min, max;
	LINE uint64_t bins[BINS];
};

struct control {
	LINE uint32_t start;
	LINE uint32_t stop;
	LINE uint32_t parked;
	LINE uint32_t phase;
	LINE uint32_t workers;
	LINE uint32_t region; // the word that a pair shares
};

struct worker {
	struct control *control;
	struct block *block;
	struct histogram *histogram;
	int64_t last_check, published;
	uint32_t cpu, phase;
	bool filled;
};

#define LOAD(p) __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define STORE(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)

static inline int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static inline int64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

static inline long futex_wait(uint32_t *word, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, FUTEX_WAIT, value, timeout, NULL, 0);
}

static inline void futex_wake(uint32_t *word, int n) { syscall(SYS_futex, word, FUTEX_WAKE, n, NULL, NULL, 0); }

static inline bool stopped(struct worker *w) { return LOAD(&w->control->stop) != 0; }

static inline int bin_of(uint64_t v)
{
	int octave;

	if (v > MAX_VALUE)
		v = MAX_VALUE;
	octave = 64 - __builtin_clzll(v | (SUB_COUNT - 1)) - SUB_BITS;
	return (octave + 1) * SUB_HALF + (int)(v >> octave) - SUB_HALF;
}

static inline void record(struct worker *w, int64_t ns)
{
	struct histogram *h = w->histogram;
	uint64_t v = ns < 0 ? 0 : ns, *bin = &h->bins[bin_of(v)];

	if (h->count == 0 || v < h->min)
		STORE(&h->min, v);
	if (v > h->max)
		STORE(&h->max, v);
	STORE(bin, *bin + 1);
	STORE(&h->count, h->count + 1);
	if (!w->filled) {
		w->filled = true;
		STORE(&w->block->filled, 1);
	}
}

static inline void use_cpu(struct worker *w)
{
	if (w->cpu < MAX_CPUS)
		STORE(&w->block->cpus[w->cpu / 64], w->block->cpus[w->cpu / 64] | UINT64_C(1) << w->cpu % 64);
}

// publish tells what the thread used so far.
static inline void publish(struct worker *w)
{
	struct rusage usage = {0};

	STORE(&w->block->cpu_ns, clock_ns(CLOCK_THREAD_CPUTIME_ID));
	getrusage(RUSAGE_THREAD, &usage);
	STORE(&w->block->voluntary, usage.ru_nvcsw);
	STORE(&w->block->involuntary, usage.ru_nivcsw);
}

static inline void checkpoint(struct worker *w)
{
	struct block *b = w->block;
	int64_t now = now_ns();
	uint32_t cpu;

	if ((uint64_t)(now - w->last_check) > b->max_gap) {
		STORE(&b->max_gap, now - w->last_check);
		STORE(&b->max_gap_at, now);
		STORE(&b->max_gap_cpu, w->cpu);
	}
	w->last_check = now;
	cpu = sched_getcpu();
	if (cpu != w->cpu) {
		w->cpu = cpu;
		STORE(&b->migrations, b->migrations + 1);
		use_cpu(w);
	}
	if (now - w->published >= PUBLISH_NS) {
		w->published = now;
		publish(w);
	}
}

static inline void end_iteration(struct worker *w)
{
	STORE(&w->block->iterations, w->block->iterations + 1);
	w->phase = LOAD(&w->control->phase);
	checkpoint(w);
}

static inline void reset_gap(struct worker *w) { w->last_check = now_ns(); }

static inline void begin_work(struct worker *w)
{
	w->cpu = sched_getcpu();
	use_cpu(w);
	w->last_check = w->published = now_ns();
	STORE(&w->block->stage, RUNNING);
	STORE(&w->block->began, w->last_check);
}

static inline void end_work(struct worker *w)
{
	publish(w);
	STORE(&w->block->ended, now_ns());
	STORE(&w->block->stage, STOPPED);
}

static inline void park(struct control *c)
{
	if (__atomic_add_fetch(&c->parked, 1, __ATOMIC_SEQ_CST) == c->workers)
		futex_wake(&c->parked, 1);
	while (LOAD(&c->start) == 0)
		futex_wait(&c->start, 0, NULL);
}

static inline void await_parked(struct control *c)
{
	uint32_t n;

	while ((n = LOAD(&c->parked)) < c->workers)
		futex_wait(&c->parked, n, NULL);
}

static inline void release(uint32_t *word)
{
	STORE(word, 1);
	futex_wake(word, INT_MAX);
}

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

// shared_memory maps a memfd of the given size.
static inline void *shared_memory(size_t size)
{
	void *memory;
	int fd = memfd_create("bench", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, size) != 0)
		die("making shared memory");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		die("mapping shared memory");
	return memory;
}

#endif
