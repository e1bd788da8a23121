// SPDX-License-Identifier: GPL-2.0
/*
 * What samples/hotplug.rs does, in C.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smpboot.h>

static DEFINE_PER_CPU(struct task_struct *, monitor);

static int monitor_should_run(unsigned int cpu)
{
	return true;
}

static void monitor_run(unsigned int cpu)
{
	set_current_state(TASK_IDLE);
	if (!kthread_should_stop() && !kthread_should_park())
		schedule_timeout(3600 * HZ);
	__set_current_state(TASK_RUNNING);
}

static void monitor_setup(unsigned int cpu)
{
	pr_info("CPU %u: begins\n", cpu);
}

static void monitor_park(unsigned int cpu)
{
	pr_info("CPU %u: goes offline\n", cpu);
}

static void monitor_unpark(unsigned int cpu)
{
	pr_info("CPU %u: is back\n", cpu);
}

static void monitor_cleanup(unsigned int cpu, bool online)
{
	pr_info("CPU %u: ends%s\n", cpu, online ? "" : ", offline");
}

static struct smp_hotplug_thread monitors = {
	.store			= &monitor,
	.thread_should_run	= monitor_should_run,
	.thread_fn		= monitor_run,
	.setup			= monitor_setup,
	.park			= monitor_park,
	.unpark			= monitor_unpark,
	.cleanup		= monitor_cleanup,
	.thread_comm		= "hotplug/%u",
};

static int __init hotplug_init(void)
{
	return smpboot_register_percpu_thread(&monitors);
}

static void __exit hotplug_exit(void)
{
	smpboot_unregister_percpu_thread(&monitors);
}

module_init(hotplug_init);
module_exit(hotplug_exit);

MODULE_AUTHOR("The kthread authors");
MODULE_DESCRIPTION("Threads that follow CPU hotplug");
MODULE_LICENSE("GPL");
