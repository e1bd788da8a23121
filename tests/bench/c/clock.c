// SPDX-License-Identifier: GPL-2.0
/*
 * The clock of the benchmark, for both modules: the CPU's counter, as what the kernel takes its
 * rate for is not exact.
 */

#include <linux/err.h>
#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/timex.h>
#include <uapi/linux/sched/types.h>

#include "bench.h"

bool wall;
module_param(wall, bool, 0);
MODULE_PARM_DESC(wall, "Measure what CPUs do to each other, by the clock on the wall");

/* More than two readings of the clock are apart, and less than the thread is away for. */
#define AWAY 500

static struct task_struct *soaker;
static u64 soaked;

/* Runs when nothing else does, and counts for how long. */
static int soak(void *unused)
{
	u64 now, last = get_cycles();

	while (!kthread_should_stop()) {
		now = get_cycles();
		if (now - last < AWAY)
			soaked += now - last;
		last = now;
	}
	return 0;
}

/*
 * Between these two, there is no idle time: what would be is not counted. Where the clock counts
 * instructions, it skips the time for which a CPU is idle. Whoever measures is urgent meanwhile.
 */
int bench_soak(void)
{
	const struct sched_attr idle = { .sched_policy = SCHED_IDLE };
	struct task_struct *task = kthread_create(soak, NULL, "soaker");

	if (IS_ERR(task))
		return PTR_ERR(task);
	sched_setattr_nocheck(task, &idle);
	sched_set_fifo(current);
	soaker = task;
	wake_up_process(task);
	return 0;
}
EXPORT_SYMBOL_GPL(bench_soak);

void bench_soak_end(void)
{
	kthread_stop(soaker);
	sched_set_normal(current, 0);
}
EXPORT_SYMBOL_GPL(bench_soak_end);

/*
 * The time without what was soaked up: where the clock counts instructions, in nanoseconds. Begins
 * with two instructions that do nothing, and by which ../where.c knows it.
 */
u64 bench_clock(void)
{
	asm volatile(".rept 2\n"
		     ".byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x2e\n"
		     ".byte 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0\n"
		     ".endr" : : : "memory");
	return wall ? ktime_get_ns() : get_cycles() - soaked;
}
EXPORT_SYMBOL_GPL(bench_clock);
