#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# DKMS: `dkms.sh source FOLDER` puts there what it builds, for `make dkms`. It calls the others.

set -eu

verb=$1
shift
case $verb in
source)
	cd "$(dirname "$0")/.."
	version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' scripts/dkms.conf)
	target=$1/kthread-$version
	rm -rf "$target"
	mkdir -p "$target/scripts"
	cp -R Kbuild LICENSE src scripts/dkms.conf "$target"
	cp scripts/stage.sh scripts/dkms.sh "$target/scripts"
	echo "$target: now run 'dkms install kthread/$version'"
	;;
import) # FROM MODULES: after the module was installed
	rm -rf "$2/kthread"
	cp -R "$1" "$2/kthread"
	;;
forget) # MODULES: after it was removed
	rm -rf "$1/kthread"
	;;
*)
	echo "error: $0 $verb: there is no such thing. Say source, import or forget" >&2
	exit 1
	;;
esac
