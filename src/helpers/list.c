// SPDX-License-Identifier: GPL-2.0

#include <linux/list.h>

void rust_kthread_list_add(struct list_head *entry, struct list_head *head)
{
	list_add(entry, head);
}

/* For an entry that its owner may look at, and then use for something else, without the lock. */
void rust_kthread_list_del_init_careful(struct list_head *entry)
{
	list_del_init_careful(entry);
}

bool rust_kthread_list_empty_careful(const struct list_head *entry)
{
	return list_empty_careful(entry);
}

void rust_kthread_list_del_init(struct list_head *entry)
{
	list_del_init(entry);
}
