#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Fails, and says why.

echo "the reason why"
exit 3
