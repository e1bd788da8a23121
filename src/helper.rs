// SPDX-License-Identifier: GPL-2.0

//! Programs that the administrator chooses: a path in `/proc/sys/kernel`.
//!
//! The kernel may call the file's handler at any time until the file was removed. So file, handler
//! and path belong to this crate, and nothing in them to the module that asked for the file. A file
//! whose handle was leaked is removed when its module leaves, so that the module can be
//! loaded again; its memory is freed with the crate, when nobody is left who could have the handle.

use crate::{
    bindings,
    command::Command,
    owner::Owner, //
};
use core::{
    mem,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    fmt,
    new_mutex,
    prelude::*,
    str::{
        CStr,
        CString, //
    },
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        global_lock,
        Arc,
        Mutex, //
    },
    types::Opaque, //
};

/// How long a path may be, with its NUL: as long as that of `modprobe`.
const PATH_SIZE: usize = 256;

/// A user-mode helper of the administrator's choice, whose path is in `/proc/sys/kernel/<name>`.
///
/// Made by [`helper!`](crate::helper). Only root can write the file, with `sysctl` or `echo`. In
/// the beginning no helper is set. When the handle is dropped the file is gone.
///
/// # Examples
///
/// ```
/// let helper = kthread::helper!("example_helper")?;
/// let task = kthread::run!("notifier", move |cx| -> Result {
///     match helper.command()? {
///         Some(command) => {
///             let status = command.env(c"EVENT", c"7")?.status(&cx)??;
///             pr_info!("the helper has ended: {status}\n");
///         }
///         None => pr_info!("there is no helper\n"),
///     }
///     Ok(())
/// })?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "register_sysctl")]
#[doc(alias = "proc_dostring")]
pub struct Helper(Arc<File>);

/// Makes a [`Helper`]: takes a format string with its arguments, which give the file its name.
///
/// # Context
///
/// Sleeps.
///
/// # Errors
///
/// - [`EEXIST`] if there is such a file of a helper already, or memory is short.
/// - [`EINVAL`] if the name is empty, or has a slash or a NUL in it.
/// - [`ENODEV`] if the kernel has no `CONFIG_SYSCTL`.
/// - [`ENOMEM`] if memory is short.
///
/// The kernel's own names must not be used: Linux 7.3 then forgets all files of the folder.
///
/// # Examples
///
/// See [`Helper`].
#[macro_export]
macro_rules! helper {
    ($($name:tt)+) => {
        $crate::Helper::new($crate::__owner!(), ::kernel::prelude::fmt!($($name)+))
    };
}

impl Helper {
    /// Use [`helper!`](crate::helper), which knows the owner.
    #[doc(hidden)]
    #[inline(never)]
    pub fn new(owner: Owner, name: fmt::Arguments<'_>) -> Result<Self> {
        let name = CString::try_from_fmt(name)?;
        if name.is_empty() || name.to_bytes().contains(&b'/') {
            return Err(EINVAL);
        }
        if !cfg!(CONFIG_SYSCTL) {
            return Err(ENODEV);
        }
        let file = Arc::pin_init(File::new(owner, name), GFP_KERNEL)?;
        // Dropped after the lock, which its own drop takes.
        let helper = Self(file.clone());
        let mut files = FILES.lock();
        // C is not asked: `insert_header()` then also takes out of the folder's tree the entry that
        // it did not put in, which leaves the tree empty.
        if files.iter().any(|other| other.has_taken(&file.name)) {
            return Err(EEXIST);
        }
        files.push(file, GFP_KERNEL)?;
        helper.0.register()?;
        Ok(helper)
    }

    /// The command that runs the helper, or `None` if none is set.
    ///
    /// # Context
    ///
    /// Sleeps.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if memory is short.
    ///
    /// # Examples
    ///
    /// See [`Helper`].
    #[inline(never)]
    pub fn command(&self) -> Result<Option<Command>> {
        // A copy, as memory is better not asked for while the administrator waits.
        let path = *self.0.path.lock();
        match CStr::from_bytes_until_nul(&path) {
            Ok(path) if !path.is_empty() => Command::new(path).map(Some),
            _ => Ok(None),
        }
    }
}

impl Drop for Helper {
    #[inline(never)]
    fn drop(&mut self) {
        self.0.unregister();
        let mut files = FILES.lock();
        files.retain(|file| !Arc::ptr_eq(file, &self.0));
        if files.is_empty() {
            // Without a helper there is nothing to keep memory for.
            *files = KVec::new();
        }
    }
}

/// One file.
#[pin_data]
struct File {
    /// The module that asked for it, until that leaves.
    owner: Atomic<*mut bindings::module>,
    name: CString,
    #[pin]
    path: Mutex<[u8; PATH_SIZE]>,
    table: Opaque<bindings::ctl_table>,
    /// What C knows it by, while it is there.
    #[pin]
    header: Mutex<Option<Header>>,
}

/// A file that is registered.
struct Header(NonNull<bindings::ctl_table_header>);

// SAFETY: A file may be removed by any task.
unsafe impl Send for Header {}

// SAFETY: The pointers are for C, or only compared.
unsafe impl Send for File {}

// SAFETY: As above; neither the name nor `table` change, and all else is atomic or has a lock.
unsafe impl Sync for File {}

impl File {
    fn new(owner: Owner, name: CString) -> impl PinInit<Self> {
        let table = bindings::ctl_table {
            // It stays where it is when the string is moved.
            procname: name.as_char_ptr(),
            mode: 0o644,
            proc_handler: Some(Self::handle),
            ..Default::default()
        };
        pin_init!(Self {
            owner: Atomic::new(owner.as_ptr()),
            name,
            path <- new_mutex!([0; PATH_SIZE]),
            table: Opaque::new(table),
            header <- new_mutex!(None),
        })
    }

    /// Makes the file. It must be removed before the memory is freed.
    fn register(&self) -> Result {
        let mut header = self.header.lock();
        // SAFETY: The path is a string, and the table one entry, which stays there until
        // `unregister`.
        let new =
            unsafe { bindings::register_sysctl_sz(c"kernel".as_char_ptr(), self.table.get(), 1) };
        *header = Some(Header(NonNull::new(new).ok_or(EEXIST)?));
        Ok(())
    }

    /// Says whether the file is there, and has this name.
    fn has_taken(&self, name: &CStr) -> bool {
        *self.name == *name && self.header.lock().is_some()
    }

    /// Removes the file, and waits until nobody uses it; says whether it was there.
    fn unregister(&self) -> bool {
        // Under the lock, so that who finds it gone knows that it is.
        let mut header = self.header.lock();
        match header.take() {
            Some(Header(header)) => {
                // SAFETY: The file was registered, and is removed once.
                unsafe { bindings::unregister_sysctl_table(header.as_ptr()) };
                true
            }
            None => false,
        }
    }

    /// Reads or writes the path.
    ///
    /// # Safety
    ///
    /// Only for C to call, as the handler of a file that is registered.
    unsafe extern "C" fn handle(
        table: *const bindings::ctl_table,
        write: c_int,
        buffer: *mut c_void,
        length: *mut usize,
        position: *mut bindings::loff_t,
    ) -> c_int {
        // SAFETY: The table is that of a file, which is there until it was removed.
        let file = unsafe { &*kernel::container_of!(Opaque::cast_from(table), Self, table) };
        let mut path = file.path.lock();
        let table = bindings::ctl_table {
            procname: file.name.as_char_ptr(),
            data: path.as_mut_ptr().cast(),
            // CAST: It is small.
            maxlen: PATH_SIZE as c_int,
            ..Default::default()
        };
        // SAFETY: The table says where the path is and how long it may be; it is locked. The rest
        // is as C has passed it.
        unsafe { bindings::proc_dostring(&table, write, buffer, length, position) }
    }
}

global_lock! {
    // SAFETY: `init` is called before any other module can import this crate.
    unsafe(uninit) static FILES: Mutex<KVec<Arc<File>>> = KVec::new();
}

/// Prepares the list of files.
///
/// # Safety
///
/// Must be called exactly once, before anything else of this file.
pub(crate) unsafe fn init() {
    // SAFETY: By the safety requirements.
    unsafe { FILES.init() };
}

/// Removes the files that a departing module has leaked.
///
/// # Safety
///
/// `module` must be a valid module.
pub(crate) unsafe fn reap(module: *mut bindings::module) {
    loop {
        // Removed without the lock of the list, as that waits for whoever reads the file.
        let belongs = |file: &&Arc<File>| file.owner.load(Relaxed) == module;
        let file = FILES.lock().iter().find(belongs).cloned();
        let Some(file) = file else { break };
        file.owner.store(ptr::null_mut(), Relaxed);
        if file.unregister() {
            // SAFETY: The name of a module is a NUL-terminated string that does not change.
            let module = unsafe { CStr::from_char_ptr((&raw const (*module).name).cast()) };
            pr_warn!(
                "module {} leaked /proc/sys/kernel/{}: removed\n",
                module,
                &*file.name
            );
        }
    }
}

/// Frees what is left.
///
/// # Safety
///
/// No other module may be left that imports this crate.
pub(crate) unsafe fn free_leaked() {
    let files = mem::replace(&mut *FILES.lock(), KVec::new());
    for file in files {
        file.unregister();
        // SAFETY: This was the reference of the handle, which was forgotten: by the safety
        // requirements nobody is left who could have it.
        drop(unsafe { Arc::from_raw(Arc::as_ptr(&file)) });
    }
}
