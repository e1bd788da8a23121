// SPDX-License-Identifier: GPL-2.0

//! Watchdog: a real-time thread that feeds a device, which resets the machine if it starves.
//!
//! Drives the PCI watchdog i6300esb, which QEMU has: `-device i6300esb`.
//!
//! ```text
//! insmod kthread_watchdog.ko heartbeat=10
//! ps | grep i6300esb
//! rmmod kthread_watchdog
//! ```
//!
//! With `nowayout=1` the last step resets the machine 10 seconds later.

use kernel::{
    device::{
        Bound,
        Core, //
    },
    io::{
        register,
        Io, //
    },
    pci,
    prelude::*,
    time::Delta, //
};
use kthread::{
    Policy,
    Stopped,
    Task, //
};

mod compat;

kernel::module_pci_driver! {
    type: Driver,
    name: "kthread_watchdog",
    authors: ["The kthread authors"],
    description: "A kernel thread that feeds the watchdog i6300esb",
    license: "GPL",
    params: {
        heartbeat: u32 {
            default: 30,
            description: "Seconds without feeding after which the machine is reset (1 to 2046)",
        },
        nowayout: u8 {
            default: 0,
            description: "Whether the watchdog stays armed for good (0 or 1)",
        },
    },
}

// In the configuration space.
register! {
    /// How the device counts and what it does, before it is armed.
    CONFIG(u16) @ 0x60 {
        1:0 interrupt;
    }

    LOCK(u8) @ 0x68 {
        1:1 armed => bool;
        /// Refuses all further changes of this register, until the machine is reset.
        0:0 locked => bool;
    }
}

// In BAR 0.
register! {
    /// Time to the first stage, in which there may be an interrupt.
    TIMER1(u32) @ 0x0 {
        19:0 ticks;
    }

    /// Time from there to the reset.
    TIMER2(u32) @ 0x4 {
        19:0 ticks;
    }

    /// Starts the time anew; also takes the key to one write of any of these.
    RELOAD(u16) @ 0xc {
        8:8 reload => bool;
        7:0 key;
    }
}

const END: usize = 0x10;
type Bar0<'bound> = pci::Bar<'bound, END>;

/// Lets the next write to a register take effect.
fn unlock(bar: &Bar0<'_>) {
    bar.write_reg(RELOAD::zeroed().with_const_key::<0x80>());
    bar.write_reg(RELOAD::zeroed().with_const_key::<0x86>());
}

fn feed(bar: &Bar0<'_>) {
    unlock(bar);
    bar.write_reg(RELOAD::zeroed().with_reload(true));
}

/// An armed watchdog. Dropping it disarms the device, unless that is locked.
struct Armed<'bound>(&'bound pci::Device<Bound>);

impl<'bound> Armed<'bound> {
    fn new(pdev: &'bound pci::Device<Bound>, nowayout: bool) -> Self {
        let lock = LOCK::zeroed().with_armed(true).with_locked(nowayout);
        pdev.config_space().write_reg(lock);
        Self(pdev)
    }
}

impl Drop for Armed<'_> {
    fn drop(&mut self) {
        let config = self.0.config_space();
        config.write_reg(LOCK::zeroed());
        if config.read(LOCK).armed() {
            dev_crit!(self.0, "is left to starve, as it is armed for good\n");
        } else {
            dev_info!(self.0, "is disarmed\n");
        }
    }
}

/// What the driver keeps for a device, which is disarmed first: nobody feeds it after the thread.
struct Watchdog<'bound> {
    _armed: Armed<'bound>,
    _feeder: Task<Result<(), Stopped>>,
}

struct Driver;

compat::pci_device_table!(
    PCI_TABLE,
    <Driver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_id(pci::Vendor::INTEL, 0x25ab), ())]
);

impl pci::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Watchdog<'bound>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: compat::IdInfo<'bound, Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        // Linux 7.2 gives out references.
        let heartbeat = u32::clone(&module_parameters::heartbeat.value());
        let nowayout = u8::clone(&module_parameters::nowayout.value()) != 0;
        if !(1..=2046).contains(&heartbeat) {
            return Err(EINVAL);
        }

        pdev.enable_device_mem()?;
        let bar = pdev.iomap_region_sized::<END>(0, c"kthread_watchdog")?;
        pdev.config_space()
            .write_reg(CONFIG::zeroed().with_const_interrupt::<3>());
        // A tick is about 1/1024 s, and each of the two stages takes half of the time.
        let ticks = heartbeat << 9;
        unlock(&bar);
        bar.write_reg(TIMER1::zeroed().try_with_ticks(ticks)?);
        unlock(&bar);
        bar.write_reg(TIMER2::zeroed().try_with_ticks(ticks)?);

        // The kernel takes the BAR away when the device is unbound, whatever became of the thread.
        let bar = bar.into_devres()?;
        let period = Delta::from_millis(i64::from(heartbeat) * 250);
        let feeder = kthread::builder!("i6300esb")?
            .policy(Policy::Fifo)
            .run(move |cx| loop {
                bar.try_access_with(feed).ok_or(Stopped)?;
                cx.sleep(period)?;
            })?;
        dev_info!(pdev, "resets the machine if not fed for {heartbeat} s\n");
        Ok(Watchdog {
            _armed: Armed::new(pdev, nowayout),
            _feeder: feeder,
        })
    }
}
