// SPDX-License-Identifier: GPL-2.0

//! A misc device whose files know when they are readable, and that has data of its own.
//!
//! [`kernel::miscdevice`] has neither, so this needs `unsafe`.

use kernel::{
    bindings,
    error::to_result,
    fs::{
        file::flags,
        File,
        Kiocb, //
    },
    iov::IovIterDest,
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    prelude::*,
    sync::poll::{
        PollCondVar,
        PollTable, //
    },
    types::{
        ForeignOwnable,
        Opaque, //
    }, //
};

/// An open file for which a process can wait with `poll`.
pub(crate) trait Pollable: MiscDevice {
    /// What belongs to the node.
    type Data: Send + Sync;

    /// What is notified when the file may have become readable.
    fn readable<'a>(this: &'a <Self::Ptr as ForeignOwnable>::Borrowed<'_>) -> &'a PollCondVar;

    /// Says whether a reader need not wait.
    fn is_readable(this: &<Self::Ptr as ForeignOwnable>::Borrowed<'_>) -> bool;

    /// Says whether something can be written.
    fn is_writable(this: &<Self::Ptr as ForeignOwnable>::Borrowed<'_>) -> bool;
}

/// A node in `/dev`.
///
/// # Invariants
///
/// `device` is registered.
#[repr(C)]
#[pin_data(PinnedDrop)]
pub(crate) struct Node<T: Pollable> {
    #[pin]
    device: Opaque<bindings::miscdevice>,
    data: T::Data,
}

// SAFETY: A node may be taken away by any task, and there is no other method that changes it.
unsafe impl<T: Pollable> Send for Node<T> {}

// SAFETY: As above.
unsafe impl<T: Pollable> Sync for Node<T> {}

impl<T: Pollable> Node<T> {
    /// Those of the kernel crate, and one more.
    const OPERATIONS: &'static bindings::file_operations = &{
        let options = MiscDeviceOptions { name: c"" };
        // SAFETY: The kernel crate sets it, to something static.
        let operations = unsafe { *options.into_raw::<T>().fops };
        bindings::file_operations {
            poll: Some(Self::poll),
            ..operations
        }
    };

    pub(crate) fn register(name: &'static CStr, data: T::Data) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            data,
            device <- Opaque::try_ffi_init(|slot: *mut bindings::miscdevice| {
                let mut device = MiscDeviceOptions { name }.into_raw::<T>();
                device.fops = Self::OPERATIONS;
                // SAFETY: The slot is valid for writes.
                unsafe { slot.write(device) };
                // INVARIANT: It is registered if this succeeds.
                // SAFETY: It was just initialised, is pinned, and is deregistered when dropped.
                to_result(unsafe { bindings::misc_register(slot) })
            }),
        })
    }

    /// What belongs to the node that a file is being opened by.
    ///
    /// # Safety
    ///
    /// It must be a device that [`register`](Self::register) has made.
    pub(crate) unsafe fn data(node: &MiscDeviceRegistration<T>) -> &T::Data {
        let node = core::ptr::from_ref(node).cast::<Self>();
        // SAFETY: By the safety requirement it is the first field of a node, whose data was
        // initialised before, and which is there for as long as files are being opened.
        unsafe { &(*node).data }
    }

    /// # Safety
    ///
    /// `file` must be an open file of `T`, and `table` valid, or null.
    unsafe extern "C" fn poll(
        file: *mut bindings::file,
        table: *mut bindings::poll_table_struct,
    ) -> bindings::__poll_t {
        // SAFETY: By the safety requirements, the file has what `open` has made.
        let this = unsafe { <T::Ptr as ForeignOwnable>::borrow((*file).private_data) };
        // SAFETY: By the safety requirements.
        let table = unsafe { PollTable::from_raw(table) };
        // SAFETY: By the safety requirements; nobody is in the middle of an `fdget_pos` here.
        let file = unsafe { File::from_raw_file(file) };
        table.register_wait(file, T::readable(&this));
        let mut ready = 0;
        if T::is_readable(&this) {
            ready |= bindings::POLLIN | bindings::POLLRDNORM;
        }
        if T::is_writable(&this) {
            ready |= bindings::POLLOUT | bindings::POLLWRNORM;
        }
        ready
    }
}

/// Says whether the file was opened, or set, not to wait.
pub(crate) fn is_nonblocking<T: ForeignOwnable>(kiocb: &Kiocb<'_, T>) -> bool {
    // SAFETY: The file of a `Kiocb` is valid, and its flags are one word, which may change.
    let flags = unsafe { (&raw const (*(*kiocb.as_raw()).ki_filp).f_flags).read_volatile() };
    flags & flags::O_NONBLOCK != 0
}

/// What a read returns that has copied so much.
pub(crate) fn copied_to(reader: &IovIterDest<'_>, copied: usize) -> Result<usize> {
    if copied > 0 || reader.is_empty() {
        Ok(copied)
    } else {
        Err(EFAULT)
    }
}

#[pinned_drop]
impl<T: Pollable> PinnedDrop for Node<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant.
        unsafe { bindings::misc_deregister(self.device.get()) };
    }
}
