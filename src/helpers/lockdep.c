// SPDX-License-Identifier: GPL-2.0

#include <linux/lockdep.h>

void rust_kthread_lockdep_init_map(struct lockdep_map *map, const char *name,
				   struct lock_class_key *key)
{
	lockdep_init_map(map, name, key, 0);
}

void rust_kthread_lock_map_acquire(struct lockdep_map *map)
{
	lock_map_acquire(map);
}

#ifdef CONFIG_LOCKDEP
void rust_kthread_lock_map_acquire_tryread(struct lockdep_map *map)
{
	lock_map_acquire_tryread(map);
}
#endif

void rust_kthread_lock_map_release(struct lockdep_map *map)
{
	lock_map_release(map);
}
