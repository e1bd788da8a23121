#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# `make shell`: runs /script where there is one, else a shell on the user's terminal.

cd /modules || exit 1
if [ -e /script ]; then
	sh /script
else
	stty rows "${rows:-24}" cols "${columns:-80}"
	export PS1='guest:\w# ' ENV=''
	# A session of its own makes the port its terminal: Ctrl-C and job control work.
	setsid sh -c "exec sh -i <>/dev/${port:?} >&0 2>&1"
fi
