// SPDX-License-Identifier: GPL-2.0

//! Threads that work in the memory of the process that loads the module.

use kernel::{
    mm::Mm,
    prelude::*,
    sync::aref::ARef,
    time::Delta,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};
use kthread::{
    Current,
    Exit,
    Task, //
};

module! {
    type: UserMemory,
    name: "kthread_user_memory",
    authors: ["The kthread authors"],
    description: "Has threads that work in the memory of a process",
    license: "GPL",
}

struct UserMemory {
    _visitor: Task<u32>,
}

/// What the process was called with. Who looks at it from outside sees what is there now.
#[derive(Clone, Copy)]
struct Arguments {
    start: usize,
    length: usize,
}

impl Arguments {
    fn of(mm: &Mm) -> Self {
        // SAFETY: The address space is there; these are words that do not change, as this is called
        // by its process.
        let (start, end) = unsafe {
            let fields = &raw const (*mm.as_raw()).__bindgen_anon_1;
            ((*fields).arg_start, (*fields).arg_end)
        };
        Self {
            start,
            length: end - start,
        }
    }

    fn read(self) -> Result<KVec<u8>> {
        let mut bytes = KVec::new();
        UserSlice::new(UserPtr::from_addr(self.start), self.length)
            .read_all(&mut bytes, GFP_KERNEL)?;
        Ok(bytes)
    }

    /// Changes the first letter.
    fn write(self, letter: u8) -> Result {
        UserSlice::new(UserPtr::from_addr(self.start), 1)
            .writer()
            .write_slice(&[letter])
    }
}

impl kernel::Module for UserMemory {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let mm: ARef<Mm> = current!().mm().map(|mm| ARef::from(&**mm)).ok_or(EINVAL)?;
        let arguments = Arguments::of(&mm);

        let before = arguments.read()?;
        let seen = kthread::run!("visitor", {
            let mm = mm.clone();
            move |mut cx| visit(&mut cx, &mm, arguments)
        })?
        .join()?;
        let Exit::Returned(seen) = seen else {
            return Err(EINVAL);
        };
        let after = arguments.read()?;
        if seen? != before || after.first() != Some(&b'?') || after[1..] != before[1..] {
            pr_err!("the thread and the process disagree\n");
            return Err(EINVAL);
        }

        Ok(Self {
            _visitor: kthread::run!("visitor/lasting", move |mut cx| {
                visit_until_gone(&mut cx, &mm, arguments)
            })?,
        })
    }
}

/// Reads the arguments and changes them, many times in and out of the address space.
fn visit(cx: &mut Current<'_>, mm: &Mm, arguments: Arguments) -> Result<KVec<u8>> {
    for _ in 0..1000 {
        cx.with_mm(mm, |_cx| arguments.read()).ok_or(ESRCH)??;
    }
    cx.with_mm(mm, |cx| {
        let bytes = arguments.read()?;
        // The thread is what it was, in there as well.
        cx.sleep(Delta::from_millis(1))?;
        if current!()
            .mm()
            .is_none_or(|now| now.as_raw() != mm.as_raw())
        {
            return Err(EINVAL);
        }
        arguments.write(b'?')?;
        Ok(bytes)
    })
    .ok_or(ESRCH)?
    .and_then(|bytes| current!().mm().is_none().then_some(bytes).ok_or(EINVAL))
}

/// Visits a process until it is gone; returns how often.
fn visit_until_gone(cx: &mut Current<'_>, mm: &Mm, arguments: Arguments) -> u32 {
    let mut visits = 0;
    while let Some(Ok(_)) = cx.with_mm(mm, |_cx| arguments.read()) {
        visits += 1;
        if cx.sleep(Delta::from_micros(visits.into())).is_err() {
            break;
        }
    }
    visits
}
