// SPDX-License-Identifier: GPL-2.0
/*
 * Rust can call neither C macros nor inline functions: each helper wraps one.
 * `rust_kthread_x()` is `x()` in `crate::bindings`.
 *
 * One file per C header, sorted alphabetically.
 */

#include "cpu.c"
#include "freezer.c"
#include "kdebug.c"
#include "kthread.c"
#include "list.c"
#include "lockdep.c"
#include "math64.c"
#include "module.c"
#include "nodemask.c"
#include "percpu.c"
#include "rculist.c"
#include "sched.c"
#include "signal.c"
#include "smpboot.c"
#include "spinlock.c"
#include "sysctl.c"
#include "workqueue.c"
