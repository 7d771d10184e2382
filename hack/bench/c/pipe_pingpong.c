// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// The loop of pkg/workload/work/pipe_io.go with burstIters 0.

#include "pair.h"

#include <poll.h>

static int pipes[2][2]; // one in each direction

// exchange trades a byte with the partner; false means to leave the loop.
static bool exchange(struct worker *w, int read_fd, int write_fd)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};
	char byte = 'x';
	int64_t began, waited;

	if (write(write_fd, &byte, 1) != 1)
		return false;
	began = now_ns();
	while (!stopped(w)) {
		struct pollfd p = {.fd = read_fd, .events = POLLIN};
		int n = ppoll(&p, 1, &tick, NULL);

		if (n < 0 && errno != EINTR)
			return false;
		if (n != 1)
			continue;
		waited = now_ns() - began;
		if (read(read_fd, &byte, 1) != 1)
			return false;
		record(w, waited);
		return true;
	}
	return false;
}

static void loop(struct worker *w, int position)
{
	int read_fd = pipes[position][0], write_fd = pipes[1 - position][1];

	close(pipes[position][1]);
	close(pipes[1 - position][0]);
	while (!stopped(w)) {
		if (!exchange(w, read_fd, write_fd))
			return;
		reset_gap(w);
		end_iteration(w);
	}
}

int main(int argc, char **argv)
{
	for (int i = 0; i < 2; i++)
		if (pipe2(pipes[i], O_CLOEXEC) != 0)
			die("pipe2");
	return run_pair(argc, argv);
}
