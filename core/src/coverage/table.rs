//! One flag a decision, and their names.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use super::{
    Admission, Agreement, Decision, Feed, Image, Outbound, Registration, Reload, Server, Shape, Source,
    Subscription,
};
use crate::server::Survivor;
use crate::session::{DownReason, State, Timer};
use crate::wire::{DecodeError, FaultKind, MessageKind, attribute_name, attribute_row, attribute_rules};

/// An enum that knows the names of its variants and the place of a value among them.
pub(super) trait Listed {
    const NAMES: &'static [&'static str];

    fn ordinal(&self) -> usize;
}

/// Lists an enum, payloads aside. A variant that is left out does not compile.
macro_rules! listed {
    ($name:ident: $($variant:ident,)*) => {
        impl $crate::coverage::table::Listed for $name {
            const NAMES: &'static [&'static str] = &[$(stringify!($variant)),*];

            fn ordinal(&self) -> usize {
                enum Place { $($variant,)* }
                match self { $($name::$variant { .. } => Place::$variant as usize,)* }
            }
        }
    };
}
pub(super) use listed;

listed!(State: OpenDelay, OpenSent, OpenConfirm, Established, Closed,);
listed!(MessageKind: Open, Update, Notification, Keepalive, RouteRefresh,);
listed!(Timer: OpenDelay, Hold, Keepalive, SendHold,);
listed!(DownReason: Sent, Received, SendHoldExpired, Lost,);
listed!(Survivor: Existing, New,);
listed!(FaultKind: Flags, Length, Value, Missing, Duplicate, Overrun, Misplaced,);
listed!(DecodeError: Marker, MessageLength, MessageType, OpenLengths, Version, AsZero, RouterId,
    OptionalParameter, HoldTime, AttributeList, UnknownWellKnown, AttributeFlags, AttributeLength, Origin,
    OptionalAttribute, NetworkField, AsPath, RefreshLength,);

/// All lists are shorter than this.
const WIDTH: usize = 32;

/// By area, row and column.
static REACHED: [AtomicBool; AREAS * WIDTH * WIDTH] =
    [const { AtomicBool::new(false) }; AREAS * WIDTH * WIDTH];

pub(super) fn set(decision: &Decision<'_>) {
    // Read first: threads that run seeds side by side then share the flag instead of passing it to and fro.
    if let Some(flag) = REACHED.get(slot(place(decision)))
        && !flag.load(Ordering::Relaxed)
    {
        flag.store(true, Ordering::Relaxed);
    }
}

/// Every decision by name, and whether any thread has taken it since the process began.
pub fn decisions() -> Vec<(String, bool)> {
    let mut all = Vec::new();
    grid::<State, MessageKind>(&mut all, MESSAGE, "message");
    list::<State>(&mut all, HEADER, "header");
    grid::<State, Timer>(&mut all, TIMER, "timer");
    grid::<State, DownReason>(&mut all, END, "end");
    list::<Agreement>(&mut all, AGREEMENT, "agreement");
    for (code, kind) in attribute_rules() {
        let name = format!("fault: {} × {kind:?}", attribute_name(code).unwrap_or("unknown"));
        all.push((name, is_set([FAULT, attribute_row(code), kind.ordinal()])));
    }
    list::<DecodeError>(&mut all, RESET, "reset");
    list::<Admission>(&mut all, ADMISSION, "admission");
    grid::<State, Survivor>(&mut all, COLLISION, "collision");
    list::<Subscription>(&mut all, SUBSCRIPTION, "subscription");
    list::<Shape>(&mut all, SHAPE, "shape");
    list::<Reload>(&mut all, RELOAD, "reload");
    list::<Source>(&mut all, SOURCE, "source");
    list::<Feed>(&mut all, FEED, "feed");
    list::<Outbound>(&mut all, OUTBOUND, "outbound");
    list::<Image>(&mut all, IMAGE, "image");
    list::<Server>(&mut all, SERVER, "server");
    list::<Registration>(&mut all, REGISTRATION, "registration");
    all
}

const MESSAGE: usize = 0;
const HEADER: usize = 1;
const TIMER: usize = 2;
const END: usize = 3;
const AGREEMENT: usize = 4;
const FAULT: usize = 5;
const RESET: usize = 6;
const ADMISSION: usize = 7;
const COLLISION: usize = 8;
const SUBSCRIPTION: usize = 9;
const RELOAD: usize = 10;
const SOURCE: usize = 11;
const FEED: usize = 12;
const OUTBOUND: usize = 13;
const IMAGE: usize = 14;
const SERVER: usize = 15;
const SHAPE: usize = 16;
const REGISTRATION: usize = 17;
const AREAS: usize = 18;

/// Area, row and column.
fn place(decision: &Decision<'_>) -> [usize; 3] {
    match decision {
        Decision::Message(state, kind) => [MESSAGE, state.ordinal(), kind.ordinal()],
        Decision::Header(state) => [HEADER, state.ordinal(), 0],
        Decision::Timer(state, timer) => [TIMER, state.ordinal(), timer.ordinal()],
        Decision::End(state, reason) => [END, state.ordinal(), reason.ordinal()],
        Decision::Agreement(agreement) => [AGREEMENT, agreement.ordinal(), 0],
        Decision::Fault(code, kind) => [FAULT, attribute_row(*code), kind.ordinal()],
        Decision::Reset(error) => [RESET, error.ordinal(), 0],
        Decision::Admission(admission) => [ADMISSION, admission.ordinal(), 0],
        Decision::Collision(state, survivor) => [COLLISION, state.ordinal(), survivor.ordinal()],
        Decision::Subscription(subscription) => [SUBSCRIPTION, subscription.ordinal(), 0],
        Decision::Shape(shape) => [SHAPE, shape.ordinal(), 0],
        Decision::Reload(reload) => [RELOAD, reload.ordinal(), 0],
        Decision::Source(source) => [SOURCE, source.ordinal(), 0],
        Decision::Feed(feed) => [FEED, feed.ordinal(), 0],
        Decision::Outbound(outbound) => [OUTBOUND, outbound.ordinal(), 0],
        Decision::Image(image) => [IMAGE, image.ordinal(), 0],
        Decision::Server(server) => [SERVER, server.ordinal(), 0],
        Decision::Registration(registration) => [REGISTRATION, registration.ordinal(), 0],
    }
}

const fn slot([area, row, column]: [usize; 3]) -> usize {
    (area * WIDTH + row) * WIDTH + column
}

fn is_set(place: [usize; 3]) -> bool {
    REACHED.get(slot(place)).is_some_and(|flag| flag.load(Ordering::Relaxed))
}

fn list<Row: Listed>(all: &mut Vec<(String, bool)>, area: usize, name: &str) {
    const { assert!(Row::NAMES.len() <= WIDTH) };
    all.extend((0..).zip(Row::NAMES).map(|(at, row)| (format!("{name}: {row}"), is_set([area, at, 0]))));
}

fn grid<Row: Listed, Column: Listed>(all: &mut Vec<(String, bool)>, area: usize, name: &str) {
    const { assert!(Row::NAMES.len() <= WIDTH && Column::NAMES.len() <= WIDTH) };
    for (at, row) in Row::NAMES.iter().enumerate() {
        for (column_at, column) in Column::NAMES.iter().enumerate() {
            all.push((format!("{name}: {row} × {column}"), is_set([area, at, column_at])));
        }
    }
}
