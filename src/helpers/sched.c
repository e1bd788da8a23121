// SPDX-License-Identifier: GPL-2.0

#include <linux/irqflags.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <uapi/linux/sched/types.h>

void rust_kthread_set_current_state(unsigned int state)
{
	set_current_state(state);
}

int rust_kthread_sched_set(struct task_struct *task, unsigned int policy, int nice,
			   unsigned int priority)
{
	struct sched_attr attr = {
		.sched_policy = policy,
		.sched_nice = nice,
		.sched_priority = priority,
	};

	return sched_setattr_nocheck(task, &attr);
}

/* What a task has no more of when it returns from what it was told to do. */
bool rust_kthread_task_holds_something(void)
{
	return in_atomic() || irqs_disabled() || rcu_preempt_depth() || lockdep_depth(current);
}

void rust_kthread_cond_resched(void)
{
	cond_resched();
}

unsigned int rust_kthread_task_cpu(const struct task_struct *task)
{
	return task_cpu(task);
}

int rust_kthread_task_nice(const struct task_struct *task)
{
	return task_nice(task);
}

#ifdef PF_NO_NOTIFY_SIGNAL
unsigned int rust_kthread_no_notify_signal_save(void)
{
	return no_notify_signal_save();
}

void rust_kthread_no_notify_signal_restore(unsigned int flags)
{
	no_notify_signal_restore(flags);
}
#else /* Linux 7.2 */
unsigned int rust_kthread_no_notify_signal_save(void)
{
	return test_and_clear_thread_flag(TIF_NOTIFY_SIGNAL);
}

void rust_kthread_no_notify_signal_restore(unsigned int flags)
{
	if (flags)
		set_thread_flag(TIF_NOTIFY_SIGNAL);
}
#endif
