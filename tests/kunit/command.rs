// SPDX-License-Identifier: GPL-2.0

//! Running programs of user space.

use kernel::{
    prelude::*,
    str::CStr,
    time::Delta, //
};
use kthread::{
    Command,
    Current,
    Exit,
    ExitStatus,
    Stopped, //
};

/// A script for the guest's shell.
pub(crate) fn script(text: &CStr) -> Result<Command> {
    Command::new(c"/bin/sh")?.arg(c"-c")?.arg(text)
}

/// Waits for a command.
pub(crate) fn status(command: Command) -> Result<ExitStatus> {
    in_thread(|cx| command.status(&cx)?)
}

fn in_thread<T, F>(body: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(Current<'_>) -> Result<T> + Send + 'static,
{
    match kthread::run!("caller", body)?.join_timeout(Delta::from_secs(60)) {
        Ok(Exit::Returned(result)) => result,
        Ok(_) => Err(EINVAL),
        Err(_) => Err(ETIMEDOUT),
    }
}

#[kunit_tests(kthread_command)]
mod tests {
    use super::*;
    use crate::{
        support::Counter,
        timer::call_in_hard_irq, //
    };
    use kernel::{
        new_spinlock,
        str::CString,
        sync::{
            Arc,
            SpinLock, //
        },
        time::{
            delay::fsleep,
            Instant,
            Monotonic, //
        }, //
    };
    use kthread::Signal;

    /// Says whether a script succeeds.
    fn holds(text: &CStr) -> Result<bool> {
        Ok(status(script(text)?)?.success())
    }

    /// Says whether a script succeeds before ten seconds are over.
    fn comes_to_hold(text: &CStr) -> Result<bool> {
        let looks = c"for i in $(seq 100); do eval \"$0\" && exit 0; sleep 0.1; done; exit 1";
        Ok(status(script(looks)?.arg(text)?)?.success())
    }

    /// A string of so many letters.
    fn long(length: usize) -> Result<CString> {
        let mut bytes = KVec::from_elem(b'x', length, GFP_KERNEL)?;
        bytes.push(0, GFP_KERNEL)?;
        let string = CStr::from_bytes_with_nul(&bytes).map_err(|_| EINVAL)?;
        Ok(string.try_into()?)
    }

    /// H87: an exit code is what it was.
    #[test]
    fn exit_codes() -> Result {
        for code in [0, 3, 255] {
            let text = CString::try_from_fmt(fmt!("exit {code}"))?;
            let status = status(script(&text)?)?;

            assert_eq!(status.code(), Some(code));
            assert_eq!(status.signal(), None);
            assert_eq!(status.success(), code == 0);
        }
        Ok(())
    }

    /// H87: a helper that was killed has no exit code.
    #[test]
    fn ended_by_a_signal() -> Result {
        for signal in [Signal::KILL, Signal::new(11)?, Signal::TERM] {
            let text = CString::try_from_fmt(fmt!("kill -{} $$", signal.number()))?;
            let status = status(script(&text)?)?;

            assert_eq!(status.signal(), Some(signal));
            assert_eq!(status.code(), None);
            assert!(!status.success());
        }
        Ok(())
    }

    /// H87: what cannot be executed is an error, whichever way it is waited for.
    #[test]
    fn what_cannot_be_run() -> Result {
        let path = long(5000)?;
        // Linux 7.2 has no name for it.
        let name_too_long = Error::from_errno(-(kernel::bindings::ENAMETOOLONG as i32));
        for (path, error) in [
            (c"/bin/none", ENOENT),
            (c"/bin", EACCES),
            (c"/proc/version", EACCES),
            (&*path, name_too_long),
        ] {
            let (command, other) = (Command::new(path)?, Command::new(path)?);
            let ended = status(command);
            let begun = in_thread(|cx| other.start(&cx)?);

            assert_eq!(ended, Err(error));
            assert_eq!(begun, Err(error));
        }
        Ok(())
    }

    /// H87: what C warns of, or takes for something else, is refused.
    #[test]
    fn what_is_refused() -> Result {
        let most = long(127 << 10)?;
        let many = (0..1000).try_fold(Command::new(c"/bin/true")?, |command, _| {
            command.arg(c"argument")
        });

        assert!(Command::new(c"").err() == Some(EINVAL));
        assert!(Command::new(c"/bin/true")?.env(c"", c"1").err() == Some(EINVAL));
        assert!(Command::new(c"/bin/true")?.env(c"A=", c"1").err() == Some(EINVAL));
        assert!(Command::new(c"/bin/true")?.arg(&most)?.arg(&most).err() == Some(E2BIG));
        assert!(
            Command::new(c"/bin/true")?
                .env(c"A", &long(128 << 10)?)
                .err()
                == Some(E2BIG)
        );
        assert!(status(Command::new(c"/bin/true")?.arg(&most)?)?.success());
        assert!(status(many?)?.success());
        Ok(())
    }

    /// H86: arguments come as they are, in their order.
    #[test]
    fn arguments_arrive() -> Result {
        let command = script(
            c"test $# = 4 && test \"$0\" = name && test \"$1\" = 'a  b' && test -z \"$2\" && \
             test \"$3\" = '\xc3\xbc$x' && test \"$4\" = -n",
        )?
        .arg(c"name")?
        .arg(c"a  b")?
        .arg(c"")?
        .arg(c"\xc3\xbc$x")?
        .arg(c"-n")?;

        assert!(status(command)?.success());
        Ok(())
    }

    /// H86: so do the variables, each once.
    #[test]
    fn environment_arrives() -> Result {
        let command = Command::new(c"/bin/sh")?
            .env(c"EVENT", c"6")?
            .env(c"EVENTS", c"1")?
            .env(c"EVENT", c"7=\xc3\xbc ")?
            .env(c"HOME", c"/tmp")?
            .arg(c"-c")?
            .arg(
                c"test \"$EVENT\" = '7=\xc3\xbc ' && test $EVENTS = 1 && test $HOME = /tmp && \
                  test $PATH = /sbin:/usr/sbin:/bin:/usr/bin && \
                  test $(tr '\\0' '\\n' </proc/$$/environ | wc -l) = 4",
            )?;

        assert!(status(command)?.success());
        Ok(())
    }

    /// H86: nobody waits, and the strings are still there when the helper begins.
    #[test]
    fn spawned_and_left() -> Result {
        for _ in 0..8 {
            script(c"echo $1 >>/tmp/kunit-left")?
                .arg(c"-")?
                .arg(c"left")?
                .spawn();
        }

        assert!(comes_to_hold(
            c"test $(grep -c '^left$' /tmp/kunit-left) = 8"
        )?);
        Ok(())
    }

    /// H86: a helper can be asked for in a hard interrupt.
    #[test]
    fn spawned_from_hard_irq() -> Result {
        let command = script(c"echo irq >/tmp/kunit-irq")?;
        let command = Arc::pin_init(new_spinlock!(Some(command)), GFP_KERNEL)?;
        call_in_hard_irq({
            let command: Arc<SpinLock<Option<Command>>> = command.clone();
            move || {
                // Nobody else takes the lock, which is not one to wait for in here.
                if let Some(command) = command.try_lock().and_then(|mut command| command.take()) {
                    command.spawn();
                }
            }
        })?;

        assert!(comes_to_hold(c"test -s /tmp/kunit-irq")?);
        Ok(())
    }

    /// A helper that has begun is not waited for, and goes on.
    #[test]
    fn started_goes_on() -> Result {
        let command = script(c"sleep 3; echo >/tmp/kunit-started")?;
        let start = Instant::<Monotonic>::now();
        in_thread(|cx| command.start(&cx)?)?;
        let took = start.elapsed();

        assert!(took < Delta::from_secs(3));
        assert!(comes_to_hold(c"test -e /tmp/kunit-started")?);
        Ok(())
    }

    /// Each of many waits for its own.
    #[test]
    fn many_at_once() -> Result {
        const HELPERS: i32 = 8;

        let mut tasks = KVec::new();
        for code in 0..HELPERS {
            let text = CString::try_from_fmt(fmt!("sleep 0.1; exit {code}"))?;
            let command = script(&text)?;
            let task = kthread::run!("caller/{}", code, move |cx| command.status(&cx))?;
            tasks.push(task, GFP_KERNEL)?;
        }
        let mut right = 0;
        for (code, task) in (0..).zip(tasks) {
            if let Ok(Exit::Returned(Ok(Ok(status)))) =
                task.join_timeout(Delta::from_secs(60)).map_err(drop)
            {
                right += i32::from(status.code() == Some(code));
            }
        }

        assert_eq!(right, HELPERS);
        Ok(())
    }

    /// A thread that waits for a slow helper stops at once, and the helper is killed.
    #[test]
    fn stop_ends_a_slow_helper() -> Result {
        let command = script(c"echo $$ >/tmp/kunit-slow; exec sleep 3602")?;
        let task = kthread::run!("patient", move |cx| command.status(&cx))?;
        let began = comes_to_hold(c"test -s /tmp/kunit-slow");
        let there = holds(c"kill -0 $(cat /tmp/kunit-slow)");
        let start = Instant::<Monotonic>::now();
        let exit = task.stop();
        let took = start.elapsed();
        let killed = comes_to_hold(c"! kill -0 $(cat /tmp/kunit-slow) 2>/dev/null");

        assert!(began?);
        assert!(there?);
        assert!(matches!(exit?, Exit::Returned(Err(Stopped))));
        assert!(took < Delta::from_secs(2));
        assert!(killed?);
        Ok(())
    }

    /// The same whenever the thread is asked to stop: before the process is there, or while it is
    /// about to begin.
    #[test]
    fn stop_comes_at_any_time() -> Result {
        let (mut stopped, mut left, mut killed) = (0, 0, 0);
        for round in 0..12 {
            let command = Command::new(c"/bin/sleep")?.arg(c"3603.5")?;
            let waits = Counter::new()?;
            let task = kthread::run!("hasty", {
                let waits = waits.clone();
                move |cx| {
                    waits.increment();
                    match round % 2 {
                        0 => command.status(&cx).map(drop),
                        _ => command.start(&cx).map(drop),
                    }
                }
            })?;
            waits.reaches(1);
            fsleep(Delta::from_micros(300 * round));
            if matches!(task.stop()?, Exit::Returned(Err(Stopped))) {
                stopped += 1;
            } else {
                // It had begun, and is left to itself.
                left += 1;
                killed += i32::from(holds(
                    c"kill -9 $(grep -ls 3603[.]5 /proc/[0-9]*/cmdline | cut -d / -f 3)",
                )?);
            }
        }

        assert!(stopped >= 6);
        assert_eq!(killed, left);
        assert!(comes_to_hold(c"! grep -qs 3603[.]5 /proc/[0-9]*/cmdline")?);
        Ok(())
    }

    /// A thread that is to stop runs nothing any more.
    #[test]
    fn stopped_before() -> Result {
        let begins = script(c"echo >/tmp/kunit-before")?;
        let ends = script(c"echo >/tmp/kunit-before")?;
        let results = in_thread(|cx| {
            cx.stop_token().request_stop();
            Ok((begins.start(&cx), ends.status(&cx)))
        })?;
        fsleep(Delta::from_millis(200));

        assert!(results.0.is_err() && results.1.is_err());
        assert!(holds(c"! test -e /tmp/kunit-before")?);
        Ok(())
    }

    /// A thread that waits for a helper parks, and waits on.
    #[test]
    fn parked_meanwhile() -> Result {
        let command = script(c"sleep 0.3; exit 5")?;
        let task = kthread::run!("parked", move |cx| command.status(&cx))?;
        let guard = task.park();
        let parked = guard.is_ok();
        drop(guard);
        let exit = task.join_timeout(Delta::from_secs(60));

        assert!(parked);
        let Ok(Exit::Returned(Ok(Ok(status)))) = exit else {
            return Err(EINVAL);
        };
        assert_eq!(status.code(), Some(5));
        Ok(())
    }

    /// An item of a worker waits like a thread, and gives up when the worker is to end.
    #[test]
    fn items_wait() -> Result {
        let worker = kthread::builder!("serving")?.worker()?;
        let command = script(c"exit 4")?;
        let job = worker.run(move |cx| command.status(cx))?;
        let exit = job.wait()?;
        let command = script(c"exec sleep 3604.5")?;
        let job = worker.run(move |cx| command.status(cx))?;
        drop(worker);
        let given_up = job.wait()?;

        let Exit::Returned(Ok(Ok(status))) = exit else {
            return Err(EINVAL);
        };
        assert_eq!(status.code(), Some(4));
        assert!(matches!(given_up, Exit::Returned(Err(Stopped))));
        assert!(comes_to_hold(c"! grep -qs 3604[.]5 /proc/[0-9]*/cmdline")?);
        Ok(())
    }

    #[test]
    fn status_is_shown() -> Result {
        let code = CString::try_from_fmt(fmt!("{}", status(script(c"exit 3")?)?))?;
        let signal = CString::try_from_fmt(fmt!("{}", status(script(c"kill -9 $$")?)?))?;

        assert!(&*code == c"exit code 3");
        assert!(&*signal == c"signal 9");
        Ok(())
    }
}
