// SPDX-License-Identifier: GPL-2.0
/*
 * What samples/scheduling.rs does, in C.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched.h>

static unsigned int cpu;
module_param(cpu, uint, 0);
MODULE_PARM_DESC(cpu, "The CPU that threads are bound to, or prefer");

static unsigned int period_ms = 1000;
module_param(period_ms, uint, 0);
MODULE_PARM_DESC(period_ms, "Time between two changes, in milliseconds");

static struct task_struct *director, *background;

/* Says whether the time is over; not so if the thread is asked to stop. */
static bool sleep_ms(unsigned int ms)
{
	set_current_state(TASK_IDLE);
	if (!kthread_should_stop())
		schedule_timeout(msecs_to_jiffies(ms));
	__set_current_state(TASK_RUNNING);
	return !kthread_should_stop();
}

/* The body of the threads that are scheduled. */
static int work(void *unused)
{
	while (sleep_ms(10))
		;
	return 0;
}

/* Makes a thread that is urgent and bound to the CPU before its first instruction. */
static struct task_struct *create(void)
{
	struct task_struct *task = kthread_create(work, NULL, "sched/changing");

	if (!IS_ERR(task)) {
		kthread_bind(task, cpu);
		sched_set_fifo(task);
	}
	return task;
}

static int change(struct task_struct *task)
{
	sched_set_normal(task, 5);
	return set_cpus_allowed_ptr(task, cpu_possible_mask);
}

/* Makes a thread, starts it, changes it, and stops it, each a period later. */
static int direct(void *unused)
{
	struct task_struct *task;
	int error = 0;

	while (!error && !kthread_should_stop()) {
		task = create();
		if (IS_ERR(task)) {
			error = PTR_ERR(task);
			break;
		}
		pr_info("thread %d waits for its start\n", task_pid_nr(task));
		if (!sleep_ms(period_ms))
			goto stop;

		wake_up_process(task);
		pr_info("thread %d runs, urgent and on one CPU\n", task_pid_nr(task));
		if (!sleep_ms(period_ms))
			goto stop;

		error = change(task);
		if (error)
			goto stop;
		pr_info("thread %d runs, nice and on any CPU\n", task_pid_nr(task));
		sleep_ms(period_ms);
stop:
		kthread_stop(task);
	}
	/* kthread_stop() needs a thread that has not gone by itself. */
	while (!kthread_should_stop())
		sleep_ms(MSEC_PER_SEC);
	return error;
}

static int __init scheduling_init(void)
{
	int error;

	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -EINVAL;

	background = kthread_create(work, NULL, "sched/background");
	if (IS_ERR(background))
		return PTR_ERR(background);
	sched_set_normal(background, 10);
	/* A preference is kept: if the CPU is offline for a while, the thread returns to it. */
	error = kthread_affine_preferred(background, cpumask_of(cpu));
	if (error)
		goto stop_background;
	wake_up_process(background);

	director = kthread_run(direct, NULL, "sched/director");
	if (IS_ERR(director)) {
		error = PTR_ERR(director);
		goto stop_background;
	}
	return 0;

stop_background:
	kthread_stop(background);
	return error;
}

static void __exit scheduling_exit(void)
{
	kthread_stop(director);
	kthread_stop(background);
}

module_init(scheduling_init);
module_exit(scheduling_exit);

MODULE_AUTHOR("The kthread authors");
MODULE_DESCRIPTION("Kernel threads with CPUs and scheduling policies");
MODULE_LICENSE("GPL");
