// SPDX-License-Identifier: GPL-2.0

#include <linux/cpu.h>

/* Only lockdep is told of the lock. */
#ifdef CONFIG_LOCKDEP
void rust_kthread_cpus_read_lock(void)
{
	cpus_read_lock();
}

void rust_kthread_cpus_read_unlock(void)
{
	cpus_read_unlock();
}
#endif
