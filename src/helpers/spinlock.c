// SPDX-License-Identifier: GPL-2.0

#include <linux/spinlock.h>

void rust_kthread_raw_spin_lock_init(raw_spinlock_t *lock)
{
	raw_spin_lock_init(lock);
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

/* Between these two lockdep does not know that the lock is held. */
void rust_kthread_raw_spin_lock_hide(raw_spinlock_t *lock)
{
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	spin_release(&lock->dep_map, _THIS_IP_);
#endif
}

void rust_kthread_raw_spin_lock_show(raw_spinlock_t *lock)
{
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	spin_acquire(&lock->dep_map, 0, 0, _THIS_IP_);
#endif
}
