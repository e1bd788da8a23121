// SPDX-License-Identifier: GPL-2.0

#include <linux/spinlock.h>

void rust_kthread_raw_spin_lock_init(raw_spinlock_t *lock, const char *name,
				     struct lock_class_key *key)
{
#ifdef CONFIG_DEBUG_SPINLOCK
	__raw_spin_lock_init(lock, name, key, LD_WAIT_SPIN);
#else
	raw_spin_lock_init(lock);
#endif
}

unsigned long rust_kthread_raw_spin_lock_irqsave(raw_spinlock_t *lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(lock, flags);
	return flags;
}

/*
 * For who takes one such lock under another: lockdep is told of a reader that may
 * recurse. A writer it would take for a deadlock, as all have one class.
 */
unsigned long rust_kthread_raw_spin_lock_irqsave_recursive(raw_spinlock_t *lock)
{
	unsigned long flags;

#ifdef CONFIG_DEBUG_LOCK_ALLOC
	while (!raw_spin_trylock_irqsave(lock, flags))
		cpu_relax();
	spin_release(&lock->dep_map, _THIS_IP_);
	lock_acquire_shared_recursive(&lock->dep_map, 0, 0, NULL, _THIS_IP_);
#else
	raw_spin_lock_irqsave(lock, flags);
#endif
	return flags;
}

bool rust_kthread_raw_spin_trylock_irqsave(raw_spinlock_t *lock, unsigned long *flags)
{
	return raw_spin_trylock_irqsave(lock, *flags);
}

void rust_kthread_raw_spin_unlock_irqrestore(raw_spinlock_t *lock, unsigned long flags)
{
	raw_spin_unlock_irqrestore(lock, flags);
}
