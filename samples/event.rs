// SPDX-License-Identifier: GPL-2.0

//! An interrupt wakes a thread: QEMU's `edu` device computes factorials for whoever asks.
//!
//! A process writes a number to `/dev/kthread_event`, and reads its factorial. What all of them
//! write comes to one thread, by a mailbox. It hands the device one number after the other, and
//! sleeps until the interrupt raises an event.
//!
//! To try it, start QEMU with `-device edu`.

mod edu;
mod node;

use edu::{
    Edu,
    Interrupt, //
};
use kernel::{
    device::Core,
    fs::{
        File,
        Kiocb, //
    },
    io::Io,
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
    str::CString,
    sync::{
        atomic::{
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
    new_mailbox,
    new_wait_queue,
    Current,
    Mailbox,
    Task,
    WaitQueue, //
};
use node::{
    copied_to,
    is_nonblocking,
    Node,
    Pollable, //
};
use pin_init::pin_init_scope;

/// A number that is written there is replaced by its factorial.
const FACTORIAL: usize = 0x08;
/// There shall be an interrupt when the factorial is there.
const INTERRUPT: u32 = 0x80;

/// What a process may ask for: the factorial has to fit into 32 bits.
const LARGEST: u32 = 12;

/// What all files and the thread share.
#[pin_data]
struct Engine {
    edu: Arc<Edu>,
    gone: AtomicFlag,
    #[pin]
    requests: Mailbox<Arc<Request>, 64>,
    #[pin]
    answered: WaitQueue,
    #[pin]
    readable: PollCondVar,
}

impl Engine {
    /// The body of the thread.
    fn serve(&self, cx: &Current<'_>) -> Result {
        let mut requests = self.requests.receiver()?;
        let mut works = true;
        while let Ok(batch) = requests.receive(cx) {
            for request in batch {
                let answer = if works {
                    self.factorial(request.number())
                } else {
                    Err(EIO)
                };
                // A device that has not answered may take the next number for the last one's.
                works &= answer.is_ok();
                self.answer(&request, answer);
            }
        }
        // The device is going away.
        for request in requests.close() {
            self.answer(&request, Err(ENODEV));
        }
        Ok(())
    }

    fn factorial(&self, number: u32) -> Result<u32> {
        let bar = self.edu.bar.try_access().ok_or(ENODEV)?;
        bar.write32(INTERRUPT, edu::CONTROL);
        bar.write32(number, FACTORIAL);
        drop(bar);
        self.edu.wait()?;
        Ok(self.edu.bar.try_access().ok_or(ENODEV)?.read32(FACTORIAL))
    }

    fn answer(&self, request: &Request, answer: Result<u32>) {
        let text = answer.and_then(|number| CString::try_from_fmt(fmt!("{number}\n")));
        *request.state.lock() = State::Answered(text, 0);
        self.tell();
    }

    /// Wakes up whoever waits for something.
    fn tell(&self) {
        self.answered.wake_all();
        self.readable.notify_all();
    }
}

/// How far a request is.
enum State {
    Idle,
    Asked(u32),
    /// The answer, and how much of it has been read.
    Answered(Result<CString>, usize),
}

/// What belongs to an open file: one request at a time.
#[pin_data]
struct Request {
    engine: Arc<Engine>,
    #[pin]
    state: Mutex<State>,
}

impl Request {
    fn number(&self) -> u32 {
        match *self.state.lock() {
            State::Asked(number) => number,
            _ => 0,
        }
    }

    /// Copies what is left of the answer, if there is one or will be none.
    fn read(&self, reader: &mut IovIterDest<'_>) -> Option<Result<usize>> {
        let mut state = self.state.lock();
        match &mut *state {
            State::Answered(Ok(text), read) => {
                let copied = reader.copy_to_iter(&text.to_bytes()[*read..]);
                *read += copied;
                if *read == text.to_bytes().len() {
                    *state = State::Idle;
                }
                Some(copied_to(reader, copied))
            }
            State::Answered(Err(error), _) => {
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
impl MiscDevice for Request {
    type Ptr = Arc<Self>;

    fn open(_file: &File, node: &MiscDeviceRegistration<Self>) -> Result<Arc<Self>> {
        // SAFETY: All nodes of this type are made by `Node::register`.
        let engine = unsafe { Node::data(node) }.clone();
        let request = pin_init!(Self {
            engine,
            state <- new_mutex!(State::Idle),
        });
        Arc::pin_init(request, GFP_KERNEL)
    }

    fn write_iter(kiocb: Kiocb<'_, Arc<Self>>, data: &mut IovIterSource<'_>) -> Result<usize> {
        let request = kiocb.file();
        if data.len() > 16 {
            return Err(EINVAL);
        }
        let mut text = [0; 16];
        let length = data.copy_from_iter(&mut text);
        let text = core::str::from_utf8(&text[..length]).map_err(|_| EINVAL)?;
        let number = text.trim().parse().map_err(|_| EINVAL)?;
        if number > LARGEST {
            return Err(ERANGE);
        }
        let mut state = request.state.lock();
        if matches!(*state, State::Asked(_)) {
            return Err(EBUSY);
        }
        request.engine.requests.send(request.into())?;
        *state = State::Asked(number);
        Ok(length)
    }

    fn read_iter(kiocb: Kiocb<'_, Arc<Self>>, reader: &mut IovIterDest<'_>) -> Result<usize> {
        let request = kiocb.file();
        if is_nonblocking(&kiocb) {
            return request.read(reader).unwrap_or(Err(EAGAIN));
        }
        let answered = &request.engine.answered;
        answered.wait_interruptible(|| request.read(reader))?
    }
}

impl Pollable for Request {
    type Data = Arc<Engine>;

    fn readable<'a>(this: &'a ArcBorrow<'_, Self>) -> &'a PollCondVar {
        &this.engine.readable
    }

    fn is_readable(this: &ArcBorrow<'_, Self>) -> bool {
        matches!(*this.state.lock(), State::Answered(..)) || this.engine.gone.load(Relaxed)
    }

    fn is_writable(this: &ArcBorrow<'_, Self>) -> bool {
        !matches!(*this.state.lock(), State::Asked(_)) || this.engine.gone.load(Relaxed)
    }
}

/// What a bound device offers. Dropped in this order: nobody comes any more, the thread ends.
struct Service {
    _node: Pin<KBox<Node<Request>>>,
    _thread: Task<Result>,
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

struct EventDriver;

kernel::pci_device_table!(
    PCI_TABLE,
    <EventDriver as pci::Driver>::IdInfo,
    [(edu::ID, ())]
);

impl pci::Driver for EventDriver {
    type IdInfo = ();
    type Data<'bound> = Bound<'bound>;
    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;

    fn probe<'bound>(
        device: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Bound<'bound>, Error> + 'bound {
        pin_init_scope(move || {
            let edu = Edu::new(device)?;
            let interrupt = Interrupt::request(device, c"kthread_event", edu.clone())?;
            let engine = Arc::pin_init(
                pin_init!(Engine {
                    edu,
                    gone: AtomicFlag::new(false),
                    requests <- new_mailbox!("kthread_event requests"),
                    answered <- new_wait_queue!("kthread_event answered"),
                    readable <- new_poll_condvar!("kthread_event readable"),
                }),
                GFP_KERNEL,
            )?;
            let serving = engine.clone();
            // It has to have begun, as only it hands back what it does not do.
            let thread = kthread::builder!("kthread_event")?
                .create(move |cx| serving.serve(&cx))?
                .start_and_wait();
            let node = Node::register(c"kthread_event", engine.clone());
            let service = Service {
                _node: KBox::pin_init(node, GFP_KERNEL)?,
                _thread: thread,
            };
            Ok(try_pin_init!(Bound {
                service <- new_mutex!(Some(service)),
                _interrupt: interrupt,
                engine,
            }))
        })
    }

    fn unbind<'bound>(_device: &'bound pci::Device<Core<'_>>, bound: Pin<&Bound<'bound>>) {
        let service = bound.service.lock().take();
        drop(service);
        bound.engine.gone.store(true, Relaxed);
        bound.engine.tell();
    }
}

kernel::module_pci_driver! {
    type: EventDriver,
    name: "kthread_event",
    authors: ["The kthread authors"],
    description: "An interrupt that wakes a thread, on QEMU's edu device",
    license: "GPL",
}
