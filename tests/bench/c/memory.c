// SPDX-License-Identifier: GPL-2.0
/*
 * Makes things between two allocations that can be told from others, so that it can be traced what
 * memory they take.
 */

#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "bench.h"

#define COUNT 16
#define BEGIN 3000
#define END 3100

static void mark(unsigned int size)
{
	kfree(kmalloc(size, GFP_KERNEL));
}

static void run(struct kthread_work *work)
{
}

int trace_memory(void)
{
	struct task_struct *tasks[COUNT];
	struct kthread_worker *workers[COUNT];
	struct kthread_work *works[COUNT];
	struct kthread_delayed_work *delayed[COUNT];
	int i;

	mark(BEGIN);
	for (i = 0; i < COUNT; i++)
		tasks[i] = kthread_run(wait_for_stop, NULL, "thread");
	mark(END);
	mark(BEGIN + 1);
	for (i = 0; i < COUNT; i++)
		workers[i] = kthread_run_worker(0, "worker");
	mark(END + 1);
	mark(BEGIN + 2);
	for (i = 0; i < COUNT; i++) {
		works[i] = kzalloc_obj(*works[i]);
		if (works[i])
			kthread_init_work(works[i], run);
	}
	mark(END + 2);
	mark(BEGIN + 3);
	for (i = 0; i < COUNT; i++) {
		delayed[i] = kzalloc_obj(*delayed[i]);
		if (delayed[i])
			kthread_init_delayed_work(delayed[i], run);
	}
	mark(END + 3);

	for (i = 0; i < COUNT; i++) {
		if (!IS_ERR(tasks[i]))
			kthread_stop(tasks[i]);
		if (!IS_ERR(workers[i]))
			kthread_destroy_worker(workers[i]);
		kfree(works[i]);
		kfree(delayed[i]);
	}
	return 0;
}
