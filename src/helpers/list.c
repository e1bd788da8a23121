// SPDX-License-Identifier: GPL-2.0

#include <linux/list.h>

void rust_kthread_list_move_tail(struct list_head *list, struct list_head *head)
{
	list_move_tail(list, head);
}

void rust_kthread_list_del_init(struct list_head *entry)
{
	list_del_init(entry);
}
