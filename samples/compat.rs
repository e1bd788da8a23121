// SPDX-License-Identifier: GPL-2.0

//! Lets the samples' PCI drivers be built for Linux 7.2, too. Those for Linux 7.3 need none of it.

/// What `probe` gets of the entry in the table of devices.
#[cfg(not(linux_7_2))]
pub(crate) type IdInfo<'a, T> = Option<&'a T>;
#[cfg(linux_7_2)]
pub(crate) type IdInfo<'a, T> = &'a T;

/// Linux 7.3 calls it `kernel::pci_device_table!`.
macro_rules! pci_device_table {
    ($name:ident, $info:ty, $entries:tt) => {
        #[cfg(not(linux_7_2))]
        ::kernel::pci_device_table!($name, $info, $entries);
        #[cfg(linux_7_2)]
        ::kernel::pci_device_table!($name, MODULE_PCI_TABLE, $info, $entries);
    };
}
pub(crate) use pci_device_table;
