// SPDX-License-Identifier: GPL-2.0
/*
 * What threads cost: to be made, stopped, joined and parked.
 */

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "bench.h"

#define COUNT 10

static DECLARE_COMPLETION(began);
static DECLARE_COMPLETION(ended);

/* A thread that waits until it is stopped, and parks when it is asked to. */
int wait_for_stop(void *unused)
{
	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		if (kthread_should_park()) {
			__set_current_state(TASK_RUNNING);
			kthread_parkme();
			continue;
		}
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static int begin(void *unused)
{
	complete(&began);
	return wait_for_stop(NULL);
}

static int compute(void *result)
{
	*(int *)result = 7;
	complete(&ended);
	return 0;
}

static void create_stop(void *unused)
{
	struct task_struct *task;
	int i;

	for (i = 0; i < COUNT; i++) {
		task = kthread_run(wait_for_stop, NULL, "short");
		if (!IS_ERR(task))
			kthread_stop(task);
	}
}

static void create_run_stop(void *unused)
{
	struct task_struct *task;
	int i;

	for (i = 0; i < COUNT; i++) {
		task = kthread_run(begin, NULL, "short");
		if (IS_ERR(task))
			continue;
		wait_for_completion(&began);
		kthread_stop(task);
	}
}

/* One that ends by itself needs a reference, or its task might be gone when it is stopped. */
static void create_join(void *unused)
{
	struct task_struct *task;
	int i, result;

	for (i = 0; i < COUNT; i++) {
		task = kthread_create(compute, &result, "short");
		if (IS_ERR(task))
			continue;
		get_task_struct(task);
		wake_up_process(task);
		wait_for_completion(&ended);
		kthread_stop_put(task);
	}
}

static void park_unpark(void *task)
{
	int i;

	for (i = 0; i < COUNT; i++) {
		kthread_park(task);
		kthread_unpark(task);
		/* It goes on. */
		yield();
	}
}

int bench_threads(void)
{
	struct task_struct *task;

	measure("create_stop", COUNT, create_stop, NULL);
	measure("create_run_stop", COUNT, create_run_stop, NULL);
	measure("create_join", COUNT, create_join, NULL);

	task = kthread_run(begin, NULL, "parked");
	if (IS_ERR(task))
		return PTR_ERR(task);
	wait_for_completion(&began);
	measure("park_unpark", COUNT, park_unpark, task);
	return kthread_stop(task);
}
