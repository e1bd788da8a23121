// SPDX-License-Identifier: GPL-2.0

#include <linux/sched/signal.h>

void rust_kthread_allow_signal(int signal)
{
	allow_signal(signal);
}

void rust_kthread_disallow_signal(int signal)
{
	disallow_signal(signal);
}

/*
 * Without TIF_NOTIFY_SIGNAL, which kthread_stop() sets; and TIF_SIGPENDING alone may
 * say so when there is nothing to be had any more, while the system is freezing.
 */
bool rust_kthread_is_signal_pending(void)
{
	return task_sigpending(current) &&
	       (!sigisemptyset(&current->pending.signal) ||
		!sigisemptyset(&current->signal->shared_pending.signal));
}

int rust_kthread_kernel_dequeue_signal(void)
{
	return kernel_dequeue_signal();
}
