// SPDX-License-Identifier: GPL-2.0
/*
 * What samples/watchdog.rs does, in C.
 */

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched.h>

/* In the configuration space: how the device counts and what it does, before it is armed. */
#define WATCHDOG_CONFIG		0x60
#define CONFIG_INTERRUPT	GENMASK(1, 0)
#define CONFIG_NO_INTERRUPT	3

#define WATCHDOG_LOCK		0x68
#define LOCK_ARMED		BIT(1)
/* Refuses all further changes of this register, until the machine is reset. */
#define LOCK_LOCKED		BIT(0)

/* In BAR 0: time to the first stage, in which there may be an interrupt. */
#define WATCHDOG_TIMER1		0x0
/* Time from there to the reset. */
#define WATCHDOG_TIMER2		0x4

/* Starts the time anew; also takes the key to one write of any of these. */
#define WATCHDOG_RELOAD		0xc
#define RELOAD_RELOAD		BIT(8)
#define RELOAD_KEY1		0x80
#define RELOAD_KEY2		0x86

static unsigned int heartbeat = 30;
module_param(heartbeat, uint, 0);
MODULE_PARM_DESC(heartbeat, "Seconds without feeding after which the machine is reset (1 to 2046)");

static bool nowayout;
module_param(nowayout, bool, 0);
MODULE_PARM_DESC(nowayout, "Whether the watchdog stays armed for good (0 or 1)");

struct watchdog {
	void __iomem *base;
	struct task_struct *feeder;
};

/* Lets the next write to a register take effect. */
static void watchdog_unlock(struct watchdog *watchdog)
{
	writew(RELOAD_KEY1, watchdog->base + WATCHDOG_RELOAD);
	writew(RELOAD_KEY2, watchdog->base + WATCHDOG_RELOAD);
}

static void watchdog_feed(struct watchdog *watchdog)
{
	watchdog_unlock(watchdog);
	writew(RELOAD_RELOAD, watchdog->base + WATCHDOG_RELOAD);
}

static void watchdog_arm(struct pci_dev *pdev)
{
	pci_write_config_byte(pdev, WATCHDOG_LOCK, LOCK_ARMED | (nowayout ? LOCK_LOCKED : 0));
}

static void watchdog_disarm(struct pci_dev *pdev)
{
	u8 lock;

	pci_write_config_byte(pdev, WATCHDOG_LOCK, 0);
	pci_read_config_byte(pdev, WATCHDOG_LOCK, &lock);
	if (lock & LOCK_ARMED)
		dev_crit(&pdev->dev, "is left to starve, as it is armed for good\n");
	else
		dev_info(&pdev->dev, "is disarmed\n");
}

static int watchdog_thread(void *data)
{
	unsigned long period = msecs_to_jiffies(heartbeat * 250);
	struct watchdog *watchdog = data;

	while (!kthread_should_stop()) {
		watchdog_feed(watchdog);
		/* The state comes first, so that a stop is not missed. */
		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule_timeout(period);
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

static int watchdog_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct watchdog *watchdog;
	u32 ticks;
	int ret;

	if (heartbeat < 1 || heartbeat > 2046)
		return -EINVAL;

	watchdog = devm_kzalloc(&pdev->dev, sizeof(*watchdog), GFP_KERNEL);
	if (!watchdog)
		return -ENOMEM;
	pci_set_drvdata(pdev, watchdog);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	watchdog->base = pcim_iomap_region(pdev, 0, KBUILD_MODNAME);
	if (IS_ERR(watchdog->base))
		return PTR_ERR(watchdog->base);

	pci_write_config_word(pdev, WATCHDOG_CONFIG,
			      FIELD_PREP(CONFIG_INTERRUPT, CONFIG_NO_INTERRUPT));
	/* A tick is about 1/1024 s, and each of the two stages takes half of the time. */
	ticks = heartbeat << 9;
	watchdog_unlock(watchdog);
	writel(ticks, watchdog->base + WATCHDOG_TIMER1);
	watchdog_unlock(watchdog);
	writel(ticks, watchdog->base + WATCHDOG_TIMER2);

	watchdog->feeder = kthread_create(watchdog_thread, watchdog, "i6300esb");
	if (IS_ERR(watchdog->feeder))
		return PTR_ERR(watchdog->feeder);
	sched_set_fifo(watchdog->feeder);
	wake_up_process(watchdog->feeder);

	dev_info(&pdev->dev, "resets the machine if not fed for %u s\n", heartbeat);
	watchdog_arm(pdev);
	return 0;
}

static void watchdog_remove(struct pci_dev *pdev)
{
	struct watchdog *watchdog = pci_get_drvdata(pdev);

	/* Nobody feeds it after the thread. */
	watchdog_disarm(pdev);
	kthread_stop(watchdog->feeder);
}

static const struct pci_device_id watchdog_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_INTEL, PCI_DEVICE_ID_INTEL_ESB_9) },
	{ }
};
MODULE_DEVICE_TABLE(pci, watchdog_ids);

static struct pci_driver watchdog_driver = {
	.name		= KBUILD_MODNAME,
	.id_table	= watchdog_ids,
	.probe		= watchdog_probe,
	.remove		= watchdog_remove,
};
module_pci_driver(watchdog_driver);

MODULE_AUTHOR("The kthread authors");
MODULE_DESCRIPTION("A kernel thread that feeds the watchdog i6300esb");
MODULE_LICENSE("GPL");
