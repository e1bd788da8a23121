// SPDX-License-Identifier: GPL-2.0
/*
 * What samples/watcher.rs does, in C.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>
#include <linux/sysctl.h>
#include <linux/umh.h>
#include <linux/wait.h>

/* What has happened, and was not told yet. */
static DEFINE_SPINLOCK(event_lock);
static bool event_pending;
static u32 event_number;
static DECLARE_WAIT_QUEUE_HEAD(event_arrived);

static DEFINE_MUTEX(helper_lock);
static char helper_path[256];

static struct ctl_table_header *watcher_sysctl;
static struct task_struct *watcher_task;
static struct dentry *watcher_dir;

/* A process that runs a helper. */
struct helper {
	struct task_struct *task;
	struct pid *pid;
};

/* Could as well be called by an interrupt that the lock is made for. */
static int raise_event(u32 number)
{
	scoped_guard(spinlock, &event_lock) {
		/* The thread is busy, and no event may be lost unseen. */
		if (event_pending)
			return -EBUSY;
		event_pending = true;
		event_number = number;
	}
	wake_up(&event_arrived);
	return 0;
}

static bool take_event(u32 *number)
{
	guard(spinlock)(&event_lock);
	if (!event_pending)
		return false;
	event_pending = false;
	*number = event_number;
	return true;
}

static int event_set(void *data, u64 number)
{
	if (number > U32_MAX)
		return -EINVAL;
	return raise_event(number);
}
DEFINE_DEBUGFS_ATTRIBUTE(event_fops, NULL, event_set, "%llu\n");

static int helper_handler(const struct ctl_table *table, int write,
			  void *buffer, size_t *lenp, loff_t *ppos)
{
	guard(mutex)(&helper_lock);
	return proc_dostring(table, write, buffer, lenp, ppos);
}

static const struct ctl_table watcher_table[] = {
	{
		.procname	= "watcher_helper",
		.data		= helper_path,
		.maxlen		= sizeof(helper_path),
		.mode		= 0644,
		.proc_handler	= helper_handler,
	},
};

/* Called by the process that is to become the helper. */
static int helper_init(struct subprocess_info *info, struct cred *new)
{
	struct helper *helper = info->data;

	helper->task = get_task_struct(current);
	helper->pid = get_pid(task_pid(current));
	return 0;
}

static void helper_put(struct helper *helper)
{
	if (helper->task) {
		put_task_struct(helper->task);
		put_pid(helper->pid);
	}
}

/*
 * This waits for no more than the program to be loaded, as that wait cannot be cut short: until
 * then the process needs the strings, and code of this module.
 */
static int helper_start(struct helper *helper, char *path, u32 event)
{
	char variable[sizeof("EVENT=4294967295")];
	char *argv[2] = { path, NULL };
	char *envp[4] = {
		"HOME=/",
		"PATH=/sbin:/usr/sbin:/bin:/usr/bin",
		variable,
		NULL,
	};
	struct subprocess_info *info;
	int ret;

	snprintf(variable, sizeof(variable), "EVENT=%u", event);
	info = call_usermodehelper_setup(path, argv, envp, GFP_KERNEL,
					 helper_init, NULL, helper);
	if (!info)
		return -ENOMEM;

	ret = call_usermodehelper_exec(info, UMH_WAIT_EXEC);
	/* The kernel may be configured to run no helpers, which it takes for a success. */
	if (!ret && !helper->task)
		ret = -ENODEV;
	return ret;
}

/* Kills the helper if the thread is asked to stop meanwhile. */
static bool helper_wait(struct helper *helper, int *status)
{
	struct task_struct *task = helper->task;

	wait_event_idle(helper->pid->wait_pidfd,
			!pid_has_task(helper->pid, PIDTYPE_PID) || kthread_should_stop());
	if (kthread_should_stop()) {
		kill_pid(helper->pid, SIGKILL, 1);
		return false;
	}

	/* The process had its status before it lost its number. */
	smp_rmb();
	*status = task->signal->flags & SIGNAL_GROUP_EXIT ?
			task->signal->group_exit_code : task->exit_code;
	return true;
}

static void tell_status(u32 event, int status)
{
	if (status & 0x7f)
		pr_info("event %u: the helper ended with signal %d\n", event, status & 0x7f);
	else
		pr_info("event %u: the helper ended with exit code %d\n", event, status >> 8);
}

static void handle_event(u32 event)
{
	char path[sizeof(helper_path)];
	struct helper helper = {};
	int ret, status;

	/* A copy, as the administrator is not to wait for the helper. */
	scoped_guard(mutex, &helper_lock)
		strscpy(path, helper_path);
	if (!*path) {
		pr_info("event %u: no helper is set\n", event);
		return;
	}

	ret = helper_start(&helper, path, event);
	if (ret)
		pr_info("event %u: the helper does not run: %pe\n", event, ERR_PTR(ret));
	else if (helper_wait(&helper, &status))
		tell_status(event, status);
	helper_put(&helper);
}

static int watcher_thread(void *data)
{
	u32 event;

	for (;;) {
		wait_event_idle(event_arrived, kthread_should_stop() || take_event(&event));
		if (kthread_should_stop())
			return 0;
		handle_event(event);
	}
}

static int __init watcher_init(void)
{
	watcher_sysctl = register_sysctl("kernel", watcher_table);
	if (!watcher_sysctl)
		return -EEXIST;

	watcher_task = kthread_run(watcher_thread, NULL, "watcher");
	if (IS_ERR(watcher_task)) {
		unregister_sysctl_table(watcher_sysctl);
		return PTR_ERR(watcher_task);
	}

	watcher_dir = debugfs_create_dir("watcher", NULL);
	debugfs_create_file_unsafe("event", 0200, watcher_dir, NULL, &event_fops);
	return 0;
}

static void __exit watcher_exit(void)
{
	/* First the file, so that nothing happens any more. */
	debugfs_remove(watcher_dir);
	kthread_stop(watcher_task);
	unregister_sysctl_table(watcher_sysctl);
}

module_init(watcher_init);
module_exit(watcher_exit);

MODULE_AUTHOR("The kthread authors");
MODULE_DESCRIPTION("A kernel thread that runs a program for each event");
MODULE_LICENSE("GPL");
