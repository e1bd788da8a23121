// SPDX-License-Identifier: GPL-2.0

#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>

/*
 * Without CONFIG_THREAD_INFO_IN_TASK the stack lives as long as the task. Neither
 * count drops to zero here, as a running task holds one of each.
 */
void rust_kthread_keep_stack(struct task_struct *task)
{
	get_task_struct(task);
#ifdef CONFIG_THREAD_INFO_IN_TASK
	refcount_inc(&task->stack_refcount);
#endif
}

void rust_kthread_unkeep_stack(struct task_struct *task)
{
#ifdef CONFIG_THREAD_INFO_IN_TASK
	refcount_dec(&task->stack_refcount);
#endif
	put_task_struct(task);
}
