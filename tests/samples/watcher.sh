#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H86 to H88: the administrator's helper is called for each event, with its number; none, one
# that is missing, that fails or that takes its time do no harm.

set -eu
# shellcheck source=/dev/null
. /boot.sh

path=/proc/sys/kernel/watcher_helper

# event NUMBER
event() {
	echo "$1" >/sys/kernel/debug/watcher/event
}

# reported NUMBER TEXT: the module says so of this event.
reported() {
	dmesg | grep -q "$(module): event $1: $2"
}

# comes_to NUMBER TEXT: so ends this event, in time.
comes_to() {
	event "$1"
	await 10 reported "$1" "$2" || fail "event $1: $(dmesg | grep "event $1" || echo nothing)"
}

# helper NAME: makes a program of its standard input, and sets it.
helper() {
	cat >"/tmp/$1"
	chmod +x "/tmp/$1"
	echo "/tmp/$1" >$path
}

# Its twin may have been here.
rm -f /tmp/recorded /tmp/slow.pid
insmod /modules/rust_kthread.ko
insert
[ -z "$(cat $path)" ] || fail "a helper is set already: $(cat $path)"
comes_to 101 "no helper is set"

helper recorder <<'END'
#!/bin/sh
echo "$EVENT $# $(id -u)" >>/tmp/recorded
END
comes_to 102 "the helper ended with exit code 0"
comes_to 103 "the helper ended with exit code 0"
[ "$(cat /tmp/recorded)" = "102 0 0
103 0 0" ] || fail "the helper was called otherwise: $(cat /tmp/recorded)"

helper failing <<'END'
#!/bin/sh
exit 3
END
comes_to 104 "the helper ended with exit code 3"
helper killed <<'END'
#!/bin/sh
kill -9 $$
END
comes_to 105 "the helper ended with signal 9"
echo /tmp/missing >$path
comes_to 106 "the helper does not run: .*\(ENOENT\|(2)\|-2\)"
chmod -x /tmp/failing
echo /tmp/failing >$path
comes_to 107 "the helper does not run: .*\(EACCES\|(13)\|-13\)"
echo >$path
comes_to 108 "no helper is set"
for wrong in x '' -1 99999999999 '1               x'; do
	if event "$wrong" 2>/dev/null; then
		fail "'$wrong' was taken for an event"
	fi
done

# A slow one: what comes meanwhile waits, or is refused; and when the module leaves it is killed.
helper slow <<'END'
#!/bin/sh
echo $$ >/tmp/slow.pid
[ "$EVENT" = 111 ] || exec sleep 3600
END
event 109
await 10 test -s /tmp/slow.pid || fail "the slow helper was not called"
event 110
if event 112 2>/dev/null; then
	fail "an event was lost unseen"
fi
slow=$(cat /tmp/slow.pid)
kill "$slow"
await 10 reported 109 "the helper ended with signal 15" || fail "the slow helper's end was missed"
called_again() {
	[ "$(cat /tmp/slow.pid)" != "$slow" ]
}
await 10 called_again || fail "the event that came meanwhile was lost"
slow=$(cat /tmp/slow.pid)
begin=$(cut -d . -f 1 /proc/uptime)
remove
[ $(($(cut -d . -f 1 /proc/uptime) - begin)) -le 5 ] || fail "the slow helper held up the end"
gone() {
	! kill -0 "$slow" 2>/dev/null
}
await 5 gone || fail "the slow helper goes on"
[ ! -e $path ] || fail "$path is left"
await 5 no_thread watcher || fail "the thread is left"

churned
rmmod rust_kthread
