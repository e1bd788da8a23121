// SPDX-License-Identifier: GPL-2.0

//! Uses a sample's file as a process does that polls and never waits.

use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
};

module! {
    type: Nonblocking,
    name: "kthread_nonblocking",
    authors: ["The kthread authors"],
    description: "Uses the file of a sample without waiting",
    license: "GPL",
    params: {
        worker: u8 {
            default: 0,
            description: "Whether it is the one of the sample worker (0 or 1)",
        },
    },
}

const READABLE: u32 = bindings::POLLIN | bindings::POLLRDNORM;
const WRITABLE: u32 = bindings::POLLOUT | bindings::POLLWRNORM;

/// How often to look for the answer, with a pause of a millisecond.
const TRIES: u32 = 10_000;

/// An open file.
///
/// # Invariants
///
/// The pointer is to a file that is open, and has operations with `poll`.
struct File(*mut bindings::file);

impl File {
    fn open(path: &CStr) -> Result<Self> {
        let flags = bindings::O_RDWR | bindings::O_NONBLOCK;
        // SAFETY: The path is a string.
        let file = unsafe { bindings::filp_open(path.as_char_ptr(), flags as c_int, 0) };
        // INVARIANT: It is open; the samples' files have `poll`.
        Ok(Self(from_err_ptr(file)?))
    }

    fn poll(&self) -> Result<u32> {
        // SAFETY: By the type invariant; no table means that nobody waits.
        unsafe {
            let poll = (*(*self.0).f_op).poll.ok_or(EINVAL)?;
            Ok(poll(self.0, core::ptr::null_mut()))
        }
    }

    fn write(&self, data: &[u8]) -> Result {
        // SAFETY: By the type invariant, and the data is as long as it says.
        let written = unsafe {
            bindings::kernel_write(
                self.0,
                data.as_ptr().cast(),
                data.len(),
                core::ptr::null_mut(),
            )
        };
        to_result(written.min(0) as c_int)
    }

    fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        // SAFETY: By the type invariant, and the buffer is as long as it says.
        let read = unsafe {
            bindings::kernel_read(
                self.0,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                core::ptr::null_mut(),
            )
        };
        to_result(read.min(0) as c_int)?;
        Ok(read as usize)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, and nobody uses it after this.
        unsafe { bindings::filp_close(self.0, core::ptr::null_mut()) };
    }
}

struct Nonblocking;

impl kernel::Module for Nonblocking {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        if u8::clone(&module_parameters::worker.value()) == 0 {
            let file = File::open(c"/dev/kthread_event")?;
            ask(&file, b"5\n")?;
            answered(&file, b"120\n")?;
        } else {
            let file = File::open(c"/dev/kthread_worker")?;
            ask(&file, b"hello")?;
            // This takes the device 0.2 s.
            under_way(&file, b"hello")?;
            answered(&file, b"hello")?;
        }
        Ok(Self)
    }
}

fn ask(file: &File, question: &[u8]) -> Result {
    expect("idle", file.poll()?, WRITABLE)?;
    expect("nothing", file.read(&mut [0; 16]), Err(EAGAIN))?;
    expect("nothing to ask", file.write(b"").is_err(), true)?;
    file.write(question)
}

fn under_way(file: &File, question: &[u8]) -> Result {
    expect("asked", file.poll()?, 0)?;
    expect("a second question", file.write(question), Err(EBUSY))?;
    expect("not yet", file.read(&mut [0; 16]), Err(EAGAIN))
}

fn answered(file: &File, answer: &[u8]) -> Result {
    let mut tries = 0;
    while file.poll()? & READABLE != READABLE {
        tries += 1;
        expect("tries", tries > TRIES, false)?;
        fsleep(Delta::from_millis(1));
    }
    // A part, and what is left.
    let mut buffer = [0; 16];
    expect("a part", file.read(&mut buffer[..1]), Ok(1))?;
    expect("answered", file.poll()? & READABLE, READABLE)?;
    expect(
        "the rest",
        file.read(&mut buffer[1..]),
        Ok(answer.len() - 1),
    )?;
    expect("answer", &buffer[..answer.len()], answer)?;
    expect("idle again", file.poll()?, WRITABLE)
}

fn expect<T: PartialEq + core::fmt::Debug>(what: &str, got: T, wanted: T) -> Result {
    if got == wanted {
        return Ok(());
    }
    pr_err!("{what}: {got:?}, not {wanted:?}\n");
    Err(EINVAL)
}
