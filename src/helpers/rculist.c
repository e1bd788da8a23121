// SPDX-License-Identifier: GPL-2.0

#include <linux/rculist.h>

void rust_kthread_list_add_rcu(struct list_head *entry, struct list_head *head)
{
	list_add_rcu(entry, head);
}

void rust_kthread_list_del_rcu(struct list_head *entry)
{
	list_del_rcu(entry);
}

struct list_head *rust_kthread_list_next_rcu(struct list_head *entry)
{
	return rcu_dereference_raw(list_next_rcu(entry));
}
