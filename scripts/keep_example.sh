#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What `rustdoc --test-builder` runs in place of a compiler, see doc_cases.py: keeps the program
# that rustdoc has made of an example, and compiles nothing.

exec cat >"$(mktemp -p "$KTHREAD_EXAMPLES")"
