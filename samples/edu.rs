// SPDX-License-Identifier: GPL-2.0

//! QEMU's `edu` device, for the samples that drive it.
//!
//! See <https://www.qemu.org/docs/master/specs/edu.html>.

use kernel::{
    device::Core,
    io::Io,
    irq::{
        self,
        IrqReturn, //
    },
    pci::{
        self,
        IrqVectorRegistration, //
    },
    prelude::*,
    sync::Arc,
    time::Delta, //
};
use kthread::{
    new_event,
    Event, //
};

/// What the device is to do when it has computed something, and whether it does so now.
pub(crate) const CONTROL: usize = 0x20;
const COMPUTING: u32 = 1;
/// What its DMA engine is to do, and whether it does so now.
pub(crate) const DMA_COMMAND: usize = 0x98;
const DMA_RUNS: u32 = 1;
/// Which interrupts are pending, and where they are acknowledged.
const PENDING: usize = 0x24;
const ACKNOWLEDGE: usize = 0x64;
/// Of all registers.
const END: usize = 0xa0;

/// How long the device may take.
const PATIENCE: Delta = Delta::from_secs(5);

/// Which devices to probe. The kernel has no name for the vendor, so [`Edu::new`] looks at that.
pub(crate) const ID: pci::DeviceId = pci::DeviceId::from_class(0xff00, 0xff_ffff);

/// A device, for as long as somebody refers to it, which may be longer than it is bound.
#[pin_data]
pub(crate) struct Edu {
    pub(crate) bar: pci::DevresBar<END>,
    #[pin]
    done: Event,
}

impl Edu {
    pub(crate) fn new(device: &pci::Device<Core<'_>>) -> Result<Arc<Self>> {
        if (device.vendor_id().as_raw(), device.device_id()) != (0x1234, 0x11e8) {
            return Err(ENODEV);
        }
        device.enable_device_mem()?;
        // For DMA, and for interrupts that are messages.
        device.set_master();
        let bar = device.iomap_region_sized(0, c"edu")?;
        if bar.read32(CONTROL) & COMPUTING != 0 || bar.read32(DMA_COMMAND) & DMA_RUNS != 0 {
            // Whoever had it before has given up waiting.
            return Err(EBUSY);
        }
        bar.write32(bar.read32(PENDING), ACKNOWLEDGE);
        let bar = bar.into_devres()?;
        Arc::pin_init(
            pin_init!(Self {
                bar,
                done <- new_event!("edu"),
            }),
            GFP_KERNEL,
        )
    }

    /// Waits for the interrupt. Also in a thread that is asked to stop: whoever comes next shall
    /// find a device that is idle. Nobody may wait with access to the registers, as that is an RCU
    /// critical section.
    pub(crate) fn wait(&self) -> Result {
        if self.done.wait_timeout(PATIENCE) {
            Ok(())
        } else {
            Err(ETIMEDOUT)
        }
    }
}

/// What the kernel calls when there is an interrupt.
struct Handler(Arc<Edu>);

impl irq::Handler for Handler {
    fn handle(&self) -> IrqReturn {
        let Some(bar) = self.0.bar.try_access() else {
            return IrqReturn::None;
        };
        let pending = bar.read32(PENDING);
        if pending == 0 {
            return IrqReturn::None;
        }
        bar.write32(pending, ACKNOWLEDGE);
        self.0.done.raise();
        IrqReturn::Handled
    }
}

/// The interrupt of a bound device: a message, or else a pin.
pub(crate) struct Interrupt<'bound> {
    _handler: Pin<KBox<irq::Registration<'bound, Handler>>>,
    _vectors: KBox<IrqVectorRegistration<'bound>>,
}

impl<'bound> Interrupt<'bound> {
    pub(crate) fn request(
        device: &'bound pci::Device<Core<'_>>,
        name: &'static CStr,
        edu: Arc<Edu>,
    ) -> Result<Self> {
        let kinds = pci::IrqTypes::default()
            .with(pci::IrqType::Msi)
            .with(pci::IrqType::Intx);
        let vectors = KBox::new(device.alloc_irq_vectors(1, 1, kinds)?, GFP_KERNEL)?;
        let borrowed: *const IrqVectorRegistration<'bound> = &*vectors;
        // SAFETY: They stay where they are, and are dropped after the handler.
        let borrowed: &'bound IrqVectorRegistration<'bound> = unsafe { &*borrowed };
        let request = borrowed.index(0)?.into();
        // SAFETY: The registration is not forgotten: who binds the device drops it at the end.
        let handler =
            unsafe { irq::Registration::new(request, irq::Flags::SHARED, name, Ok(Handler(edu))) };
        Ok(Self {
            _handler: KBox::pin_init(handler, GFP_KERNEL)?,
            _vectors: vectors,
        })
    }
}
