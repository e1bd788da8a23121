// SPDX-License-Identifier: GPL-2.0
/*
 * Measures what a driver does with kernel threads, in C.
 */

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

#include "bench.h"

static bool growth;
module_param(growth, bool, 0);
MODULE_PARM_DESC(growth, "Measure how costs grow");

static DECLARE_COMPLETION(done);

static int measure_all(void *unused)
{
	int error;

	if (!rounds)
		error = trace_memory();
	else if (wall)
		error = bench_wall();
	else if (growth)
		error = bench_growth();
	else
		error = bench_threads() ?: bench_waits() ?: bench_worker() ?:
			bench_delayed() ?: bench_mailbox() ?: bench_workqueue();
	complete(&done);
	return error;
}

static int __init bench_init(void)
{
	struct task_struct *task = kthread_create(measure_all, NULL, "bench");

	if (IS_ERR(task))
		return PTR_ERR(task);
	get_task_struct(task);
	wake_up_process(task);
	wait_for_completion(&done);
	return kthread_stop_put(task);
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_AUTHOR("The kthread authors");
MODULE_DESCRIPTION("Measures kernel threads in C");
MODULE_LICENSE("GPL");
