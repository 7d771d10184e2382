// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Two workers that hand over to each other: fork, pin, start, stop, print.

#ifndef PAIR_H
#define PAIR_H

#include "worker.h"

struct pair {
	LINE struct control control;
	LINE struct block blocks[2];
	LINE struct histogram histograms[2];
};

// The loop of one of the two; position is 0 or 1.
static void loop(struct worker *w, int position);

static inline void pin(const char *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(atoi(cpu), &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		die("pinning to a CPU");
}

static inline void live(struct pair *p, int position, const char *cpu)
{
	struct worker w = {
		.control = &p->control,
		.block = &p->blocks[position],
		.histogram = &p->histograms[position],
	};

	signal(SIGPIPE, SIG_IGN);
	pin(cpu);
	park(&p->control);
	begin_work(&w);
	loop(&w, position);
	end_work(&w);
	_exit(0);
}

// run_pair runs PROGRAM SECONDS CPU CPU and prints, for each worker, iterations
// and nanoseconds of work.
static inline int run_pair(int argc, char **argv)
{
	struct pair *p = shared_memory(sizeof(*p));
	struct timespec hold = {0};

	if (argc != 4) {
		fprintf(stderr, "usage: %s SECONDS CPU CPU\n", argv[0]);
		return 2;
	}
	hold.tv_sec = atoi(argv[1]);
	p->control.workers = 2;
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0)
			live(p, i, argv[2 + i]);
	}
	await_parked(&p->control);
	release(&p->control.start);
	nanosleep(&hold, NULL);
	release(&p->control.stop);
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < 2; i++)
		printf("%lu %lu\n", p->blocks[i].iterations, p->blocks[i].ended - p->blocks[i].began);
	return 0;
}

#endif
