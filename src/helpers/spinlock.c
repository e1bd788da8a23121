// SPDX-License-Identifier: GPL-2.0

#include <linux/spinlock.h>

void rust_kthread_raw_spin_lock_init(raw_spinlock_t *lock)
{
	raw_spin_lock_init(lock);
	/* Hooks nest: one may stop another thread. See `Hooks::stop()`. */
	lockdep_set_novalidate_class(lock);
}

unsigned long rust_kthread_raw_spin_lock_irqsave(raw_spinlock_t *lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(lock, flags);
	return flags;
}

void rust_kthread_raw_spin_unlock_irqrestore(raw_spinlock_t *lock, unsigned long flags)
{
	raw_spin_unlock_irqrestore(lock, flags);
}
