// SPDX-License-Identifier: GPL-2.0
/*
 * What samples/event.rs does, in C.
 */

#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kref.h>
#include <linux/kstrtox.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "edu.h"

/* A number that is written there is replaced by its factorial. */
#define EVENT_FACTORIAL	0x08

/* What a process may ask for: the factorial has to fit into 32 bits. */
#define EVENT_LARGEST	12

/* What all files and the thread share. It is there until the last of them has gone. */
struct event_engine {
	struct kref ref;
	struct edu edu;
	struct miscdevice node;
	struct task_struct *thread;
	/* Protects the list, and keeps what is gone from being asked. */
	spinlock_t lock;
	struct list_head requests;
	bool gone;
	wait_queue_head_t asked;
	wait_queue_head_t answered;
};

enum event_state {
	EVENT_IDLE,
	EVENT_ASKED,
	EVENT_ANSWERED,
};

/* What belongs to an open file: one request at a time. */
struct event_request {
	struct kref ref;
	struct event_engine *engine;
	/* In the list of the engine, while asked. */
	struct list_head entry;
	/* Protects what follows. */
	struct mutex lock;
	enum event_state state;
	u32 number;
	/* The answer, and how much of it has been read. */
	int error;
	char text[sizeof("479001600\n")];
	size_t length;
	loff_t read;
};

static void event_engine_free(struct kref *ref)
{
	kfree(container_of(ref, struct event_engine, ref));
}

static void event_engine_put(void *data)
{
	struct event_engine *engine = data;

	kref_put(&engine->ref, event_engine_free);
}

static void event_request_free(struct kref *ref)
{
	struct event_request *request = container_of(ref, struct event_request, ref);

	event_engine_put(request->engine);
	kfree(request);
}

/* Takes the oldest request from the list. */
static struct event_request *event_next(struct event_engine *engine)
{
	struct event_request *request;

	guard(spinlock)(&engine->lock);
	request = list_first_entry_or_null(&engine->requests, struct event_request, entry);
	if (request)
		list_del(&request->entry);
	return request;
}

static int event_compute(struct event_engine *engine, u32 number, u32 *factorial)
{
	struct edu *edu = &engine->edu;
	int error;

	reinit_completion(&edu->done);
	writel(EDU_CONTROL_INTERRUPT, edu->bar + EDU_CONTROL);
	writel(number, edu->bar + EVENT_FACTORIAL);
	error = edu_wait(edu);
	if (error)
		return error;
	*factorial = readl(edu->bar + EVENT_FACTORIAL);
	return 0;
}

static void event_answer(struct event_request *request, int error, u32 factorial)
{
	scoped_guard(mutex, &request->lock) {
		request->error = error;
		request->length = scnprintf(request->text, sizeof(request->text), "%u\n",
					    factorial);
		request->read = 0;
		WRITE_ONCE(request->state, EVENT_ANSWERED);
	}
	wake_up_interruptible(&request->engine->answered);
	kref_put(&request->ref, event_request_free);
}

static int event_serve(void *data)
{
	struct event_engine *engine = data;
	struct event_request *request;
	bool works = true;

	while (!kthread_should_stop()) {
		u32 factorial = 0;
		int error;

		wait_event_idle(engine->asked,
				!list_empty(&engine->requests) || kthread_should_stop());
		request = event_next(engine);
		if (!request)
			continue;
		error = works ? event_compute(engine, request->number, &factorial) : -EIO;
		/* A device that has not answered may take the next number for the last one's. */
		works = !error;
		event_answer(request, error, factorial);
	}
	return 0;
}

static int event_open(struct inode *inode, struct file *file)
{
	struct event_engine *engine = container_of(file->private_data, struct event_engine, node);
	struct event_request *request = kzalloc_obj(*request);

	if (!request)
		return -ENOMEM;
	kref_init(&request->ref);
	kref_get(&engine->ref);
	request->engine = engine;
	mutex_init(&request->lock);
	file->private_data = request;
	return 0;
}

static int event_release(struct inode *inode, struct file *file)
{
	struct event_request *request = file->private_data;

	kref_put(&request->ref, event_request_free);
	return 0;
}

static ssize_t event_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct event_request *request = file->private_data;
	struct event_engine *engine = request->engine;
	u32 number;
	int error;

	/* What is much longer would be cut. */
	if (count > 16)
		return -EINVAL;
	error = kstrtou32_from_user(from, count, 10, &number);
	if (error)
		return error;
	if (number > EVENT_LARGEST)
		return -ERANGE;

	guard(mutex)(&request->lock);
	if (request->state == EVENT_ASKED)
		return -EBUSY;
	scoped_guard(spinlock, &engine->lock) {
		if (engine->gone)
			return -ENODEV;
		kref_get(&request->ref);
		request->number = number;
		WRITE_ONCE(request->state, EVENT_ASKED);
		list_add_tail(&request->entry, &engine->requests);
	}
	wake_up(&engine->asked);
	return count;
}

/* Says whether there is an answer, or will be none. */
static bool event_readable(struct event_request *request)
{
	enum event_state state = READ_ONCE(request->state);

	return state == EVENT_ANSWERED ||
	       (state == EVENT_IDLE && READ_ONCE(request->engine->gone));
}

/* Copies what is left of the answer. */
static ssize_t event_read_answer(struct event_request *request, char __user *to, size_t count)
{
	ssize_t copied;

	guard(mutex)(&request->lock);
	if (!event_readable(request))
		return -EAGAIN;
	if (request->state == EVENT_IDLE)
		return -ENODEV;
	copied = request->error;
	if (!copied)
		copied = simple_read_from_buffer(to, count, &request->read, request->text,
						 request->length);
	if (request->error || request->read == request->length)
		WRITE_ONCE(request->state, EVENT_IDLE);
	return copied;
}

static ssize_t event_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct event_request *request = file->private_data;
	ssize_t copied;

	/* Another reader of the file may be faster. */
	while ((copied = event_read_answer(request, to, count)) == -EAGAIN) {
		if (file->f_flags & O_NONBLOCK)
			break;
		if (wait_event_interruptible(request->engine->answered, event_readable(request)))
			return -ERESTARTSYS;
	}
	return copied;
}

static __poll_t event_poll(struct file *file, poll_table *wait)
{
	struct event_request *request = file->private_data;
	__poll_t ready = 0;

	poll_wait(file, &request->engine->answered, wait);
	if (event_readable(request))
		ready |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(request->state) != EVENT_ASKED)
		ready |= EPOLLOUT | EPOLLWRNORM;
	return ready;
}

static const struct file_operations event_fops = {
	.owner = THIS_MODULE,
	.open = event_open,
	.release = event_release,
	.read = event_read,
	.write = event_write,
	.poll = event_poll,
};

static int event_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct event_engine *engine = kzalloc_obj(*engine);
	int error;

	if (!engine)
		return -ENOMEM;
	kref_init(&engine->ref);
	spin_lock_init(&engine->lock);
	INIT_LIST_HEAD(&engine->requests);
	init_waitqueue_head(&engine->asked);
	init_waitqueue_head(&engine->answered);
	engine->node.minor = MISC_DYNAMIC_MINOR;
	engine->node.name = KBUILD_MODNAME;
	engine->node.fops = &event_fops;

	/* It comes first, as the interrupt needs the engine until the end. */
	error = devm_add_action_or_reset(&pdev->dev, event_engine_put, engine);
	if (error)
		return error;
	error = edu_init(&engine->edu, pdev, KBUILD_MODNAME);
	if (error)
		return error;

	engine->thread = kthread_run(event_serve, engine, KBUILD_MODNAME);
	if (IS_ERR(engine->thread))
		return PTR_ERR(engine->thread);
	error = misc_register(&engine->node);
	if (error) {
		kthread_stop(engine->thread);
		return error;
	}
	pci_set_drvdata(pdev, engine);
	return 0;
}

static void event_remove(struct pci_dev *pdev)
{
	struct event_engine *engine = pci_get_drvdata(pdev);
	struct event_request *request;

	misc_deregister(&engine->node);
	scoped_guard(spinlock, &engine->lock)
		WRITE_ONCE(engine->gone, true);
	kthread_stop(engine->thread);
	while ((request = event_next(engine)))
		event_answer(request, -ENODEV, 0);
	wake_up_interruptible(&engine->answered);
}

static const struct pci_device_id event_ids[] = {
	{ EDU_ID },
	{ }
};
MODULE_DEVICE_TABLE(pci, event_ids);

static struct pci_driver event_driver = {
	.name = KBUILD_MODNAME,
	.id_table = event_ids,
	.probe = event_probe,
	.remove = event_remove,
};
module_pci_driver(event_driver);

MODULE_AUTHOR("The kthread authors");
MODULE_DESCRIPTION("An interrupt that wakes a thread, on QEMU's edu device");
MODULE_LICENSE("GPL");
