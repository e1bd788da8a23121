// SPDX-License-Identifier: GPL-2.0

#include <linux/wait.h>

bool rust_kthread_wq_has_sleeper(struct wait_queue_head *head)
{
	return wq_has_sleeper(head);
}
