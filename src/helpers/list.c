// SPDX-License-Identifier: GPL-2.0

#include <linux/list.h>

void rust_kthread_list_add(struct list_head *entry, struct list_head *head)
{
	list_add(entry, head);
}

void rust_kthread_list_del_init(struct list_head *entry)
{
	list_del_init(entry);
}
