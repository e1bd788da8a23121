// SPDX-License-Identifier: GPL-2.0

//! Running programs of user space.

mod call;
mod strings;

pub(crate) use self::call::Calls;

use self::{
    call::{
        Call,
        Until, //
    },
    strings::Strings, //
};
use crate::{
    current::{
        Current,
        Stopped, //
    },
    exit_status::ExitStatus, //
};
use core::mem::MaybeUninit;
use kernel::{
    prelude::*,
    str::CStr,
    sync::UniqueArc,
    task::might_sleep, //
};

/// A user-mode helper to be run: a program, its arguments and its environment.
///
/// The helper is a process of root, which the kernel starts and which is no child of the calling
/// task. Its working directory is the root of the file system, and its standard input and outputs
/// are closed. The environment is `HOME=/` and `PATH=/sbin:/usr/sbin:/bin:/usr/bin`, and
/// what [`env`](Self::env) adds.
///
/// [`spawn`](Self::spawn) does not wait for anything; [`start`](Self::start) waits until the helper
/// has begun, and [`status`](Self::status) until it has ended. Only a thread can wait, so that the
/// wait ends when it is asked to stop.
///
/// All strings are copied, and nothing of the module that runs a helper is needed any more once it
/// was asked for: the module may be unloaded while the helper runs.
///
/// # Deadlocks
///
/// A helper may need what the one who waits for it keeps:
///
/// - One that loads a module may wait for init functions. So these must not wait for a thread that
///   waits for a helper.
/// - One that uses the driver takes the driver's locks. So a thread must not wait with one of them.
///
/// One that unloads the thread's own module is no deadlock: the module asks the thread to stop, and
/// so the wait is over.
///
/// While a helper is waited for the system does not suspend: the attempt fails after five seconds.
///
/// # Examples
///
/// ```
/// use kthread::Command;
///
/// let task = kthread::run!("caller", |cx| -> Result<bool> {
///     let command = Command::new(c"/bin/sh")?
///         .arg(c"-c")?
///         .arg(c"test $EVENT = 7")?
///         .env(c"EVENT", c"7")?;
///     // The thread leaves if it is asked to stop meanwhile.
///     let status = command.status(&cx)??;
///     Ok(status.success())
/// })?;
/// assert!(task.join()? == kthread::Exit::Returned(Ok(true)));
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "call_usermodehelper")]
#[doc(alias = "call_usermodehelper_setup")]
#[doc(alias = "subprocess_info")]
#[must_use = "a helper is run by `spawn`, `start` or `status`"]
pub struct Command {
    strings: Strings,
    /// Where the rest will be, so that to run it takes no memory.
    place: UniqueArc<MaybeUninit<Call>>,
}

impl Command {
    /// A helper without arguments.
    ///
    /// The path is best absolute: programs are not searched for. It is the first of the strings
    /// that the program gets as its arguments, too.
    ///
    /// # Context
    ///
    /// Sleeps, as it allocates memory.
    ///
    /// # Errors
    ///
    /// - [`EINVAL`] if the path is empty.
    /// - [`ENOMEM`] if memory is short.
    /// - [`E2BIG`] if path, arguments and environment are more than 128 KiB together.
    ///
    /// # Examples
    ///
    /// See [`Command`].
    #[inline(never)]
    pub fn new(path: &CStr) -> Result<Self> {
        if path.is_empty() {
            // C would take it for "no helpers are to be run", and say that it went well.
            return Err(EINVAL);
        }
        let command = Self {
            strings: Strings::new(),
            place: UniqueArc::new_uninit(GFP_KERNEL)?,
        };
        command
            .arg(path)?
            .env(c"HOME", c"/")?
            .env(c"PATH", c"/sbin:/usr/sbin:/bin:/usr/bin")
    }

    /// Adds an argument.
    ///
    /// # Context
    ///
    /// Sleeps, as it allocates memory.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] and [`E2BIG`] as for [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// See [`Command`].
    #[inline(never)]
    pub fn arg(mut self, arg: &CStr) -> Result<Self> {
        self.strings.add_arg(arg.to_bytes())?;
        Ok(self)
    }

    /// Adds a variable to the environment, or replaces it.
    ///
    /// # Context
    ///
    /// Sleeps, as it allocates memory.
    ///
    /// # Errors
    ///
    /// - [`EINVAL`] if the name is empty, or has a `=` in it.
    /// - [`ENOMEM`] and [`E2BIG`] as for [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::str::CString;
    /// use kthread::Command;
    ///
    /// let sector = 4096;
    /// let value = CString::try_from_fmt(fmt!("{sector}"))?;
    /// let command = Command::new(c"/bin/true")?.env(c"SECTOR", &value)?;
    /// command.spawn();
    /// # Ok::<(), Error>(())
    /// ```
    #[inline(never)]
    pub fn env(mut self, name: &CStr, value: &CStr) -> Result<Self> {
        self.strings.set_env(name.to_bytes(), value.to_bytes())?;
        Ok(self)
    }

    /// Has the helper run, and does not wait for it.
    ///
    /// Nobody learns whether there is such a program.
    ///
    /// # Context
    ///
    /// Any but NMI. Does not sleep, and needs no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::Command;
    ///
    /// Command::new(c"/bin/true")?.spawn();
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "UMH_NO_WAIT")]
    #[inline(never)]
    pub fn spawn(self) {
        Call::new(self.place, self.strings, Until::Begun).begin();
    }

    /// Has the helper run, and waits until its program was loaded. Parks when asked to.
    ///
    /// The inner result tells whether it was.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// The outer error is [`Stopped`] if the thread was asked to stop before; the helper is killed
    /// then. The inner ones are those of [`status`](Self::status).
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::Command;
    ///
    /// let task = kthread::run!("caller", |cx| -> Result {
    ///     Command::new(c"/bin/true")?.start(&cx)??;
    ///     assert!(Command::new(c"/bin/none")?.start(&cx)? == Err(ENOENT));
    ///     Ok(())
    /// })?;
    /// assert!(task.join()? == kthread::Exit::Returned(Ok(())));
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "UMH_WAIT_EXEC")]
    #[track_caller]
    pub fn start(self, cx: &Current<'_>) -> Result<Result, Stopped> {
        Ok(self.run(cx, Until::Begun)?.map(|_status| ()))
    }

    /// Has the helper run, and waits until it has ended. Parks when asked to.
    ///
    /// The inner result tells how. It is no error if the helper fails.
    ///
    /// If the thread is asked to stop, the helper is sent `SIGKILL`, and the wait is over. The
    /// helper may take a moment to end then, and programs that it has started go on.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held; see [`Command`] about deadlocks.
    ///
    /// # Errors
    ///
    /// The outer error is [`Stopped`] if the thread was asked to stop before the helper has ended,
    /// or had been asked before. The inner error is
    ///
    /// - [`ENOENT`], [`EACCES`], [`ENOEXEC`] and the like if the program cannot be executed.
    /// - [`E2BIG`] and `ENAMETOOLONG` if a string is too long for a process.
    /// - [`EBUSY`] if no helpers can be run, because the system is starting, suspending or shutting
    ///   down.
    /// - [`ENODEV`] if the kernel is configured to run no helpers at all
    ///   (`CONFIG_STATIC_USERMODEHELPER_PATH=""`), which C says went well. If that option names a
    ///   program, it is the one that is run, whatever the path, with these arguments.
    /// - [`ENOMEM`] if memory is short.
    /// - [`EAGAIN`] if there are too many tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::Command;
    ///
    /// let task = kthread::run!("caller", |cx| -> Result {
    ///     let shell = Command::new(c"/bin/sh")?.arg(c"-c")?;
    ///     let status = shell.arg(c"exit 3")?.status(&cx)??;
    ///     assert_eq!(status.code(), Some(3));
    ///     Ok(())
    /// })?;
    /// assert!(task.join()? == kthread::Exit::Returned(Ok(())));
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "UMH_WAIT_PROC")]
    #[doc(alias = "UMH_KILLABLE")]
    #[track_caller]
    pub fn status(self, cx: &Current<'_>) -> Result<Result<ExitStatus>, Stopped> {
        Ok(self.run(cx, Until::Ended)?.map(ExitStatus::new))
    }

    #[inline(never)]
    #[track_caller]
    fn run(self, cx: &Current<'_>, until: Until) -> Result<Result<c_int>, Stopped> {
        might_sleep();
        if cx.should_stop() {
            return Err(Stopped);
        }
        let call = Call::new(self.place, self.strings, until);
        call.clone().begin();
        call.wait(cx)
    }
}
