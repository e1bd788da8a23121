// SPDX-License-Identifier: GPL-2.0

//! Parameters of modules.

use kernel::module_param::ModuleParamAccess;

/// The parameter's value: Linux 7.3 gives out a copy, Linux 7.2 a reference.
pub(crate) fn value<T: Copy>(parameter: &ModuleParamAccess<T>) -> T {
    T::clone(&parameter.value())
}
