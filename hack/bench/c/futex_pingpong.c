// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// The loop of pkg/workload/work/futex_ping_pong.go with spinIters 0.

#include "pair.h"

static bool await_change(struct worker *w, uint32_t *word, uint32_t value)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};

	while (LOAD(word) == value) {
		if (stopped(w))
			return false;
		futex_wait(word, value, &tick);
	}
	return true;
}

static void loop(struct worker *w, int position)
{
	uint32_t *word = &w->control->region;
	uint32_t partner = 1 - position;

	while (!stopped(w)) {
		int64_t began;

		STORE(word, partner);
		futex_wake(word, 1);
		began = now_ns();
		if (await_change(w, word, partner))
			record(w, now_ns() - began);
		reset_gap(w);
		end_iteration(w);
	}
}

int main(int argc, char **argv) { return run_pair(argc, argv); }
