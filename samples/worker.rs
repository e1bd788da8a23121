// SPDX-License-Identifier: GPL-2.0

//! Requests in their order, on a real-time thread of their own: QEMU's `edu` device copies data by
//! DMA, into its own memory and back.
//!
//! A process writes data to `/dev/kthread_worker`, and reads what has become of it. Each open file
//! has one item of a worker. Closing the file cancels an item that has not begun; taking the driver
//! away from the device lets all that were queued end first.
//!
//! To try it, start QEMU with `-device edu`; with `-device edu,dma_mask=0xffffffff`, and the module
//! with `dma_bits=32`, if the kernel has no memory for a device of 28 bits.

mod edu;
mod node;

use edu::{
    Edu,
    Interrupt, //
};
use kernel::{
    device::Core,
    dma::{
        Coherent,
        Device as _,
        DmaMask, //
    },
    fs::{
        File,
        Kiocb, //
    },
    io::{
        io_read,
        io_write,
        Io, //
    },
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    miscdevice::{
        MiscDevice,
        MiscDeviceRegistration, //
    },
    new_mutex,
    new_poll_condvar,
    pci,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            AtomicFlag,
            Relaxed, //
        },
        poll::PollCondVar,
        Arc,
        ArcBorrow,
        Mutex, //
    }, //
};
use kthread::{
    impl_has_work,
    new_wait_queue,
    new_work,
    Policy,
    Queue,
    WaitQueue,
    Work,
    WorkContext,
    WorkItem,
    Worker, //
};
use node::{
    copied_to,
    is_nonblocking,
    Node,
    Pollable, //
};
use pin_init::pin_init_scope;

const DMA_SOURCE: usize = 0x80;
const DMA_TARGET: usize = 0x88;
const DMA_LENGTH: usize = 0x90;
const START: u32 = 1;
const FROM_DEVICE: u32 = 2;
const INTERRUPT: u32 = 4;

/// Where the device's own memory begins, as it sees it, and how large it is.
const MEMORY: u32 = 0x4_0000;
const MEMORY_SIZE: usize = 4096;

/// What all files and the worker share.
#[pin_data]
struct Engine {
    edu: Arc<Edu>,
    queue: Queue,
    /// There while the device is bound.
    #[pin]
    buffer: Mutex<Option<Coherent<[u8]>>>,
    gone: AtomicFlag,
    #[pin]
    ended: WaitQueue,
    #[pin]
    readable: PollCondVar,
    asked: Atomic<u32>,
    done: Atomic<u32>,
    cancelled: Atomic<u32>,
}

impl Engine {
    /// Has the device copy the data into its memory and back.
    fn copy(&self, data: &mut [u8]) -> Result {
        let mut buffer = self.buffer.lock();
        let copied = self.copy_by(buffer.as_ref().ok_or(EIO)?, data);
        if copied == Err(ETIMEDOUT) {
            // The device may still write there: memory that is lost does no harm.
            core::mem::forget(buffer.take());
        }
        copied
    }

    fn copy_by(&self, buffer: &Coherent<[u8]>, data: &mut [u8]) -> Result {
        for (at, byte) in data.iter().enumerate() {
            io_write!(buffer, [try: at], *byte);
        }
        // The mask sees to it that the address fits.
        let memory = buffer.dma_address().try_into()?;
        let length = data.len();
        self.transfer(memory, MEMORY, length, START | INTERRUPT)?;
        // What is there in the end has come from the device.
        for at in 0..length {
            io_write!(buffer, [try: at], 0);
        }
        self.transfer(MEMORY, memory, length, START | INTERRUPT | FROM_DEVICE)?;
        for (at, byte) in data.iter_mut().enumerate() {
            *byte = io_read!(buffer, [try: at]);
        }
        Ok(())
    }

    fn transfer(&self, from: u32, to: u32, length: usize, how: u32) -> Result {
        let bar = self.edu.bar.try_access().ok_or(ENODEV)?;
        bar.write32(from, DMA_SOURCE);
        bar.write32(to, DMA_TARGET);
        bar.write32(length.try_into()?, DMA_LENGTH);
        bar.write32(how, edu::DMA_COMMAND);
        drop(bar);
        self.edu.wait()
    }

    /// Wakes up whoever waits for something.
    fn tell(&self) {
        self.ended.wake_all();
        self.readable.notify_all();
    }
}

/// How far a copy is.
enum State {
    Idle,
    Queued(KVec<u8>),
    /// The device has the data.
    Begun,
    /// What it has ended with, and how much of that has been read.
    Ended(Result<KVec<u8>>, usize),
}

/// What belongs to an open file: one copy at a time.
#[pin_data]
struct Copy {
    engine: Arc<Engine>,
    #[pin]
    state: Mutex<State>,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Copy { self.work }
}

impl WorkItem for Copy {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, _cx: &mut WorkContext<'_>) {
        let queued = core::mem::replace(&mut *this.state.lock(), State::Begun);
        if let State::Queued(mut data) = queued {
            let copied = this.engine.copy(&mut data);
            *this.state.lock() = State::Ended(copied.map(|()| data), 0);
            this.engine.done.add(1, Relaxed);
            this.engine.tell();
        }
    }
}

impl Copy {
    /// Reads what is left, if it has ended or never will.
    fn read(&self, reader: &mut IovIterDest<'_>) -> Option<Result<usize>> {
        let mut state = self.state.lock();
        match &mut *state {
            State::Ended(Ok(data), read) => {
                let copied = reader.copy_to_iter(&data[*read..]);
                *read += copied;
                if *read == data.len() {
                    *state = State::Idle;
                }
                Some(copied_to(reader, copied))
            }
            State::Ended(Err(error), _) => {
                let error = *error;
                *state = State::Idle;
                Some(Err(error))
            }
            State::Idle if self.engine.gone.load(Relaxed) => Some(Err(ENODEV)),
            _ => None,
        }
    }
}

#[vtable]
impl MiscDevice for Copy {
    type Ptr = Arc<Self>;

    fn open(_file: &File, node: &MiscDeviceRegistration<Self>) -> Result<Arc<Self>> {
        // SAFETY: All nodes of this type are made by `Node::register`.
        let engine = unsafe { Node::data(node) }.clone();
        let copy = pin_init!(Self {
            engine,
            state <- new_mutex!(State::Idle),
            work <- new_work!(),
        });
        Arc::pin_init(copy, GFP_KERNEL)
    }

    fn release(copy: Arc<Self>, _file: &File) {
        if let Ok(Some(_)) = copy.work.cancel() {
            copy.engine.cancelled.add(1, Relaxed);
        }
    }

    fn write_iter(kiocb: Kiocb<'_, Arc<Self>>, source: &mut IovIterSource<'_>) -> Result<usize> {
        let copy = kiocb.file();
        if !(1..=MEMORY_SIZE).contains(&source.len()) {
            return Err(EMSGSIZE);
        }
        let mut data = KVec::new();
        let length = source.copy_from_iter_vec(&mut data, GFP_KERNEL)?;
        let mut state = copy.state.lock();
        if !matches!(*state, State::Idle) {
            return Err(EBUSY);
        }
        // Fails only if the device is going away.
        copy.engine.queue.enqueue(Arc::from(copy))?;
        // The item waits for this lock.
        *state = State::Queued(data);
        copy.engine.asked.add(1, Relaxed);
        Ok(length)
    }

    fn read_iter(kiocb: Kiocb<'_, Arc<Self>>, reader: &mut IovIterDest<'_>) -> Result<usize> {
        let copy = kiocb.file();
        if is_nonblocking(&kiocb) {
            return copy.read(reader).unwrap_or(Err(EAGAIN));
        }
        let ended = &copy.engine.ended;
        ended.wait_interruptible(|| copy.read(reader))?
    }
}

impl Pollable for Copy {
    type Data = Arc<Engine>;

    fn readable<'a>(this: &'a ArcBorrow<'_, Self>) -> &'a PollCondVar {
        &this.engine.readable
    }

    fn is_readable(this: &ArcBorrow<'_, Self>) -> bool {
        matches!(*this.state.lock(), State::Ended(..)) || this.engine.gone.load(Relaxed)
    }

    fn is_writable(this: &ArcBorrow<'_, Self>) -> bool {
        matches!(*this.state.lock(), State::Idle) || this.engine.gone.load(Relaxed)
    }
}

/// What a bound device offers. Dropped in this order: nobody comes any more, what is queued ends.
struct Service {
    _node: Pin<KBox<Node<Copy>>>,
    _worker: Worker,
}

/// What is there while a device is bound.
#[pin_data]
struct Bound<'bound> {
    /// Until the device is unbound.
    #[pin]
    service: Mutex<Option<Service>>,
    _interrupt: Interrupt<'bound>,
    engine: Arc<Engine>,
}

struct WorkerDriver;

kernel::pci_device_table!(
    PCI_TABLE,
    <WorkerDriver as pci::Driver>::IdInfo,
    [(edu::ID, ())]
);

impl pci::Driver for WorkerDriver {
    type IdInfo = ();
    type Data<'bound> = Bound<'bound>;
    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;

    fn probe<'bound>(
        device: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Bound<'bound>, Error> + 'bound {
        pin_init_scope(move || {
            let edu = Edu::new(device)?;
            let bits = module_parameters::dma_bits.value();
            // The device drops the other bits of an address, and so would hit other memory.
            //
            // SAFETY: There is no memory for DMA yet, and nobody else makes any.
            unsafe { device.dma_set_mask_and_coherent(DmaMask::try_new(bits)?) }?;
            let interrupt = Interrupt::request(device, c"kthread_worker", edu.clone())?;
            let buffer = Coherent::zeroed_slice(device.as_ref(), MEMORY_SIZE, GFP_KERNEL)?;
            let worker = kthread::builder!("kthread_worker")?
                .policy(Policy::Fifo)
                .worker()?;
            let queue = worker.queue();
            let engine = Arc::pin_init(
                pin_init!(Engine {
                    edu,
                    queue,
                    buffer <- new_mutex!(Some(buffer)),
                    gone: AtomicFlag::new(false),
                    ended <- new_wait_queue!("kthread_worker ended"),
                    readable <- new_poll_condvar!("kthread_worker readable"),
                    asked: Atomic::new(0),
                    done: Atomic::new(0),
                    cancelled: Atomic::new(0),
                }),
                GFP_KERNEL,
            )?;
            let node = Node::register(c"kthread_worker", engine.clone());
            let service = Service {
                _node: KBox::pin_init(node, GFP_KERNEL)?,
                _worker: worker,
            };
            Ok(try_pin_init!(Bound {
                service <- new_mutex!(Some(service)),
                _interrupt: interrupt,
                engine,
            }))
        })
    }

    fn unbind<'bound>(device: &'bound pci::Device<Core<'_>>, bound: Pin<&Bound<'bound>>) {
        let engine = &bound.engine;
        let service = bound.service.lock().take();
        drop(service);
        engine.gone.store(true, Relaxed);
        engine.tell();
        *engine.buffer.lock() = None;
        dev_info!(
            device,
            "{} copies: {} done, {} cancelled\n",
            engine.asked.load(Relaxed),
            engine.done.load(Relaxed),
            engine.cancelled.load(Relaxed),
        );
    }
}

kernel::module_pci_driver! {
    type: WorkerDriver,
    name: "kthread_worker",
    authors: ["The kthread authors"],
    description: "Copies by DMA, in order on a real-time worker, on QEMU's edu device",
    license: "GPL",
    params: {
        dma_bits: u32 {
            default: 28,
            description: "How many bits of an address the device uses for DMA",
        },
    },
}
