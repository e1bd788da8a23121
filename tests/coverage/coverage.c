// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps the profiles of modules whose code counts how often it runs: see scripts/coverage.py.
 *
 * A module counts in sections of its own, which are gone when it is. So its counters are added up
 * each time that it leaves, be it because its init function failed. What they came to is
 * /sys/kernel/debug/kthread_coverage/NAME, in the order of `struct profile`.
 */

#include <linux/debugfs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

/* One section of a module, as tests/coverage/sections.lds marks it. */
struct section {
	void *start;
	size_t size;
};

/* What LLVM calls a raw profile, but for the header, which depends on the version of LLVM. */
struct profile {
	/* From the data to the counters, which the data tell by that. */
	u64 distance;
	u64 data_size;
	u64 counters_size;
	u64 names_size;
	/* The data, the counters, the names. */
	u8 content[];
};

struct record {
	struct list_head list;
	char module[MODULE_NAME_LEN];
	struct debugfs_blob_wrapper blob;
	/* While the module is there. */
	u64 *live;
};

static LIST_HEAD(records);
static DEFINE_MUTEX(lock);
static struct dentry *folder;

static void *find(struct module *module, const char *name)
{
	/* Until its init function has run, these are all of the module's symbols. */
	struct mod_kallsyms *symbols = rcu_dereference_protected(module->kallsyms, true);
	unsigned int i;

	for (i = 0; i < symbols->num_symtab; i++)
		if (!strcmp(symbols->strtab + symbols->symtab[i].st_name, name))
			return (void *)symbols->symtab[i].st_value;
	return NULL;
}

static struct section find_section(struct module *module, const char *name, const char *end)
{
	void *start = find(module, name);

	return (struct section) {
		.start = start,
		.size = start ? find(module, end) - start : 0,
	};
}

static struct record *record_of(struct module *module)
{
	struct record *record;

	list_for_each_entry(record, &records, list)
		if (!strcmp(record->module, module->name))
			return record;
	return NULL;
}

/* With counters that are 0. */
static struct record *new_record(struct module *module, struct section data,
				 struct section counters)
{
	struct section names = find_section(module, "profile_names", "profile_names_end");
	size_t size = sizeof(struct profile) + data.size + counters.size + names.size;
	struct record *record = kzalloc(sizeof(*record), GFP_KERNEL);
	struct profile *profile = kvzalloc(size, GFP_KERNEL);

	if (!record || !profile) {
		kfree(record);
		kvfree(profile);
		return NULL;
	}
	profile->distance = counters.start - data.start;
	profile->data_size = data.size;
	profile->counters_size = counters.size;
	profile->names_size = names.size;
	memcpy(profile->content, data.start, data.size);
	memcpy(profile->content + data.size + counters.size, names.start, names.size);
	strscpy(record->module, module->name);
	record->blob.data = profile;
	record->blob.size = size;
	list_add(&record->list, &records);
	debugfs_create_blob(record->module, 0400, folder, &record->blob);
	return record;
}

static void comes(struct module *module)
{
	struct section counters = find_section(module, "profile_counters", "profile_counters_end");
	struct section data = find_section(module, "profile_data", "profile_data_end");
	struct record *record = record_of(module);

	if (!counters.size)
		return;
	if (!record)
		record = new_record(module, data, counters);
	if (record)
		record->live = counters.start;
	else
		pr_warn("kthread_coverage: no memory for %s\n", module->name);
}

static void goes(struct module *module)
{
	struct record *record = record_of(module);
	struct profile *profile;
	u64 *sums;
	size_t i;

	if (!record || !record->live)
		return;
	profile = record->blob.data;
	sums = (u64 *)(profile->content + profile->data_size);
	for (i = 0; i < profile->counters_size / sizeof(u64); i++)
		sums[i] += record->live[i];
	record->live = NULL;
}

static int notify(struct notifier_block *block, unsigned long state, void *module)
{
	guard(mutex)(&lock);
	if (state == MODULE_STATE_COMING)
		comes(module);
	else if (state == MODULE_STATE_GOING)
		goes(module);
	return NOTIFY_OK;
}

/* After the crate's own, which runs code of the module that leaves. */
static struct notifier_block notifier = {
	.notifier_call = notify,
	.priority = INT_MIN,
};

static int __init coverage_init(void)
{
	folder = debugfs_create_dir("kthread_coverage", NULL);
	return register_module_notifier(&notifier);
}
module_init(coverage_init);

/* There is no exit function: it stays. */
MODULE_DESCRIPTION("Keeps what the modules of make coverage count");
MODULE_AUTHOR("The kthread authors");
MODULE_LICENSE("GPL");
