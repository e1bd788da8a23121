// SPDX-License-Identifier: GPL-2.0

//! Programs that the administrator chooses.

use kernel::prelude::*;

#[kunit_tests(kthread_helper)]
mod tests {
    use super::*;
    use crate::command::{
        script,
        status, //
    };
    use kernel::str::CStr;
    use kthread::Helper;

    /// Says whether a script succeeds.
    fn holds(text: &CStr) -> Result<bool> {
        Ok(status(script(text)?)?.success())
    }

    /// The exit code of the helper.
    fn code(helper: &Helper) -> Result<Option<i32>> {
        match helper.command()? {
            Some(command) => Ok(status(command)?.code()),
            None => Ok(None),
        }
    }

    /// No helper is run until one is set, then the one that was set last.
    #[test]
    fn administrator_chooses() -> Result {
        let helper = kthread::helper!("kunit_{}", "chosen")?;
        let unset = code(&helper)?;
        let set = holds(c"echo /bin/false >/proc/sys/kernel/kunit_chosen")?;
        let fails = code(&helper)?;
        let shown = holds(c"test $(cat /proc/sys/kernel/kunit_chosen) = /bin/false")?;
        let changed = holds(c"echo -n /bin/true >/proc/sys/kernel/kunit_chosen")?;
        let succeeds = code(&helper)?;
        let missing = holds(c"echo /none >/proc/sys/kernel/kunit_chosen")?;
        let none = code(&helper);
        let mode = holds(c"test $(stat -c %a:%u /proc/sys/kernel/kunit_chosen) = 644:0")?;
        let emptied = holds(c"echo >/proc/sys/kernel/kunit_chosen")?;
        let unset_again = code(&helper)?;
        drop(helper);
        let gone = holds(c"! test -e /proc/sys/kernel/kunit_chosen")?;

        assert_eq!(unset, None);
        assert!(set && changed && missing && emptied);
        assert_eq!(fails, Some(1));
        assert!(shown);
        assert_eq!(succeeds, Some(0));
        assert_eq!(none, Err(ENOENT));
        assert!(mode);
        assert_eq!(unset_again, None);
        assert!(gone);
        Ok(())
    }

    /// A path that is too long is cut off, and nothing behind it is written.
    #[test]
    fn path_is_too_long() -> Result {
        let helper = kthread::helper!("kunit_long")?;
        let set = holds(c"printf %01000d 0 >/proc/sys/kernel/kunit_long")?;
        let cut = holds(c"test $(wc -c </proc/sys/kernel/kunit_long) = 256")?;
        let error = code(&helper);

        assert!(set && cut);
        assert_eq!(error, Err(ENOENT));
        Ok(())
    }

    #[test]
    fn names() -> Result {
        let helper = kthread::helper!("kunit_name")?;
        let second = kthread::helper!("kunit_name").err();
        let kernels = kthread::helper!("modprobe_none").err();
        drop(helper);
        let again = kthread::helper!("kunit_name").err();

        assert_eq!(second, Some(EEXIST));
        assert_eq!(kernels, None);
        assert_eq!(again, None);
        for name in ["", "a/b", "/", "a\0b"] {
            assert_eq!(kthread::helper!("{}", name).err(), Some(EINVAL));
        }
        Ok(())
    }

    /// Whoever sets it meanwhile, what is run is one of the paths, never parts of two.
    #[test]
    fn changed_meanwhile() -> Result {
        let helper = kthread::helper!("kunit_changing")?;
        let set = holds(c"echo /bin/true >/proc/sys/kernel/kunit_changing")?;
        script(
            c"file=/proc/sys/kernel/kunit_changing
              while [ -e $file ]; do
                echo /bin/../bin/../bin/../bin/../bin/../bin/true >$file
                echo /bin/./././././././././././././././././false >$file
              done 2>/dev/null",
        )?
        .spawn();
        let (mut succeeded, mut failed, mut broken) = (0, 0, 0);
        for _ in 0..20 {
            match code(&helper) {
                Ok(Some(0)) => succeeded += 1,
                Ok(Some(1)) => failed += 1,
                _ => broken += 1,
            }
        }
        drop(helper);

        assert!(set);
        assert_eq!(broken, 0);
        assert!(succeeded > 0 && failed > 0);
        Ok(())
    }
}
