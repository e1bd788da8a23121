// SPDX-License-Identifier: GPL-2.0
/*
 * What samples/percpu_counter.rs does, in C.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smpboot.h>

/* How often each CPU ticks. */
#define TICKS 10

static unsigned int period_ms = 1000;
module_param(period_ms, uint, 0);
MODULE_PARM_DESC(period_ms, "Time between two ticks, in milliseconds");

static DEFINE_PER_CPU(struct task_struct *, counter);

/* Written by the CPU's own thread only. */
static DEFINE_PER_CPU(unsigned int, ticks);

static int counter_should_run(unsigned int cpu)
{
	return per_cpu(ticks, cpu) < TICKS;
}

static void counter_run(unsigned int cpu)
{
	long left = msecs_to_jiffies(period_ms);

	set_current_state(TASK_IDLE);
	if (!kthread_should_stop() && !kthread_should_park())
		left = schedule_timeout(left);
	__set_current_state(TASK_RUNNING);
	/* Ends early if the thread is to stop or to park. That is no tick. */
	if (left)
		return;

	WRITE_ONCE(per_cpu(ticks, cpu), per_cpu(ticks, cpu) + 1);
	if (per_cpu(ticks, cpu) == TICKS)
		pr_info("CPU %u has ticked %u times\n", cpu, TICKS);
}

static struct smp_hotplug_thread counters = {
	.store			= &counter,
	.thread_should_run	= counter_should_run,
	.thread_fn		= counter_run,
	.thread_comm		= "counter/%u",
};

static int __init counter_init(void)
{
	return smpboot_register_percpu_thread(&counters);
}

static void __exit counter_exit(void)
{
	unsigned int cpu, total = 0;

	smpboot_unregister_percpu_thread(&counters);
	for_each_possible_cpu(cpu)
		total += per_cpu(ticks, cpu);
	pr_info("%u ticks in total\n", total);
}

module_init(counter_init);
module_exit(counter_exit);

MODULE_AUTHOR("The kthread authors");
MODULE_DESCRIPTION("Counts ticks on each CPU");
MODULE_LICENSE("GPL");
