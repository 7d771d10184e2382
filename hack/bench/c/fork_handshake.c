// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

// Forks children that set themselves up as schedfleet's fork workers do, and
// measures from nothing to all of them parked and followed by a pidfd.

#include "worker.h"

#include <sys/epoll.h>

struct arena {
	LINE struct control control;
	LINE struct block blocks[];
};

static void step(long result)
{
	if (result < 0)
		_exit(1);
}

// set_up is what a worker does between its birth and its parking.
static void set_up(pid_t parent, int null)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	step(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
	if (getppid() != parent)
		_exit(1);
	for (int fd = 0; fd < 3; fd++)
		step(dup3(null, fd, 0));
	step(syscall(SYS_close_range, 3, ~0U, 0));
	step(sigaction(SIGPIPE, &ignore, NULL));
	step(setpgid(0, 0));
	step(prctl(PR_SET_NAME, "worker", 0, 0, 0));
}

static void fork_one(struct arena *a, int i, pid_t parent, int null)
{
	struct clone_args args = {
		.flags = CLONE_PARENT_SETTID,
		.exit_signal = SIGCHLD,
		.parent_tid = (uintptr_t)&a->blocks[i].tid,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0)
		die("clone3");
	if (pid > 0)
		return;
	STORE(&a->blocks[i].stage, FORKED);
	set_up(parent, null);
	STORE(&a->blocks[i].stage, PARKED);
	park(&a->control);
	_exit(0);
}

static int follow(struct arena *a, int n, int *pidfds)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0)
		die("epoll_create1");
	for (int i = 0; i < n; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		pidfds[i] = syscall(SYS_pidfd_open, a->blocks[i].tid, 0);
		if (pidfds[i] < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, pidfds[i], &event) != 0)
			die("following a child");
	}
	return epoll;
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	int n = argc == 2 ? atoi(argv[1]) : 0, null;
	int *pidfds = calloc(n + 1, sizeof(*pidfds));
	pid_t parent = getpid();
	struct arena *a;
	int64_t began, forked;

	if (n < 1) {
		fprintf(stderr, "usage: %s CHILDREN\n", argv[0]);
		return 2;
	}
	raise_file_limit();

	began = now_ns();
	a = shared_memory(sizeof(*a) + n * sizeof(a->blocks[0]));
	a->control.workers = n;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		die("opening /dev/null");
	for (int i = 0; i < n; i++)
		fork_one(a, i, parent, null);
	forked = now_ns();
	follow(a, n, pidfds);
	await_parked(&a->control);
	printf("%ld %ld\n", now_ns() - began, forked - began);

	for (int i = 0; i < n; i++)
		syscall(SYS_pidfd_send_signal, pidfds[i], SIGKILL, NULL, 0);
	while (wait(NULL) > 0)
		;
	return 0;
}
