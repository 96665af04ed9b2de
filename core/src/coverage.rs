//! Which decisions a run has taken, so that a simulation can name those that it never reached.
//!
//! A decision point says `hit`, in one line. Without the feature `coverage` that is nothing at all; with it,
//! each decision has a flag, and `decisions` lists all of them by name. Nothing in the core reads the flags.
//!
//! The lists come from the enums and tables that decide: a new state, timer, message, error, fault or attribute
//! row is a new line of the list by itself, or does not compile until it is named in `table`.

use crate::server::Survivor;
use crate::session::{DownReason, State, Timer};
use crate::wire::{DecodeError, FaultKind, MessageKind};

#[cfg(feature = "coverage")]
mod table;

#[cfg(feature = "coverage")]
pub use table::decisions;

/// Something the core decided.
#[cfg_attr(not(feature = "coverage"), expect(dead_code, reason = "what nobody notes, nobody reads"))]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decision<'a> {
    /// A message of this kind came in this state.
    Message(State, MessageKind),
    /// Octets that make no message came in this state.
    Header(State),
    /// This timer fired in this state.
    Timer(State, Timer),
    /// The session was ended in this state, and why.
    End(State, &'a DownReason),
    /// What an OPEN led to.
    Agreement(Agreement),
    /// An attribute of this code had this fault.
    Fault(u8, FaultKind),
    /// A session or connection ended for this error.
    Reset(&'a DecodeError),
    /// Who may connect.
    Admission(Admission),
    /// A new connection met one in this state.
    Collision(State, Survivor),
    /// What became of a command about a peer.
    Registration(Registration),
    /// Which group an established peer is in.
    Subscription(Subscription),
    Shape(Shape),
    /// What a new configuration did.
    Reload(Reload),
    /// What a source brought.
    Source(Source),
    /// What that did to a feed.
    Feed(Feed),
    /// What a peer is told.
    Outbound(Outbound),
    /// What became of an image.
    Image(Image),
    /// What the server met besides.
    Server(Server),
}

/// Notes that a decision was taken.
#[cfg(feature = "coverage")]
pub(crate) fn hit<'a>(decision: impl Into<Decision<'a>>) {
    table::set(&decision.into());
}

/// Nothing, and what it is given is not even built.
#[cfg(not(feature = "coverage"))]
#[inline]
pub(crate) fn hit<'a>(_: impl Into<Decision<'a>>) {}

/// An enum of outcomes that knows all of its variants, and is a [`Decision`].
macro_rules! outcomes {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum $name { $($(#[$doc])* $variant,)* }

        impl From<$name> for Decision<'_> {
            fn from(outcome: $name) -> Self {
                Self::$name(outcome)
            }
        }

        #[cfg(feature = "coverage")]
        table::listed!($name: $($variant,)*);
    };
}

outcomes! {
    /// What an OPEN led to, when it was sound in itself.
    Agreement {
        /// OPENs agree.
        Agreed,
        /// Ours waited for theirs and offers only what that did.
        Mirrored,
        /// A speaker of our AS has our identifier.
        SameIdentifier,
        /// No family in common.
        NoFamily,
    }
}

outcomes! {
    /// Who may connect, first by address, then by OPEN.
    Admission {
        /// Closed without a word: stopping, an id in use, or far too many.
        Dropped,
        /// Refused: too many connections.
        Full,
        /// Address of a registered peer.
        Registered,
        /// Refused: an unknown address, and these are not served.
        UnknownRefused,
        /// Refused: too many unknown peers, in all or at this address.
        UnknownOverQuota,
        /// An unknown address within its quota.
        UnknownWithinQuota,
        /// By its OPEN a registered peer.
        IdentifiedRegistered,
        /// By its OPEN nobody we know, who is served.
        IdentifiedUnknown,
        /// Its OPEN came when unknown peers were not served any more.
        IdentifiedStranger,
        /// A registered address with another ASN.
        WrongAsn,
        /// Offers only families that its entry has not.
        NoFamily,
        /// An address where only peers are that are turned away.
        Dormant,
        /// By its OPEN a peer that waits for approval, or a removed one.
        IdentifiedDormant,
        /// By its OPEN nobody we know, at an address where somebody is whom we know.
        UnknownAfterAll,
        /// An unknown peer that was not Established in time.
        UnknownExpired,
    }
}

outcomes! {
    /// What became of a command that registers, changes or removes a peer.
    Registration {
        /// Registered peers come in at other endpoints of their own.
        Endpoints,
        /// Too many wait.
        Busy,
        /// Waits for the write under way.
        Waits,
        /// Dropped, since we are about to stop.
        ShuttingDown,
        /// A peer that was not there.
        New,
        /// A peer that was removed is registered again.
        Back,
        /// A peer that is there is registered again.
        Again,
        /// It is let in.
        Approved,
        /// It is removed.
        Removed,
        /// A removed peer is forgotten.
        Forgotten,
        /// Refused, for whatever reason.
        Refused,
        /// Refused: somebody else changed it first.
        OtherRevision,
        /// Refused: another peer matches the same.
        OtherPeers,
        /// Refused: another peer has the name.
        NameTaken,
        /// Refused: it is the configuration's.
        Configured,
        /// Refused: there is none.
        NotFound,
        /// Nothing is to be changed.
        Unchanged,
        /// The store has it.
        Stored,
        /// The store failed.
        StoreFailed,
        /// Its view is sent again.
        Resent,
        /// Its session is reset.
        Reset,
        /// It has no session.
        NoSession,
        /// A configured peer stands in its place from now on.
        Shadowed,
    }
}

outcomes! {
    /// Which group an established peer is in.
    Subscription {
        /// Its first one.
        First,
        /// Still the same.
        Same,
        /// Another one whose routes look the same.
        Moved,
        /// Another one whose routes look different.
        Recoded,
        /// Impossible: it would lose a family in the middle of a session.
        FamilyLost,
        /// A family without a next hop is left out.
        NextHopMissing,
    }
}

outcomes! {
    /// What became of the routes of its feeds on the way to a group.
    Shape {
        /// A filter that lets a whole feed pass.
        AllPass,
        /// A filtered table is made.
        Filtered,
        /// One is made and is as before.
        FilteredAlike,
        /// One is there already.
        FilteredBefore,
        /// A cut is made.
        Cut,
        /// One is made and is as before.
        CutAlike,
        /// One is not needed: no route has any of the addresses.
        NothingToCut,
        /// There are more than it takes, and it keeps what it has.
        Held,
        /// There are more than it takes, and it has nothing that is few enough.
        HeldBackAltogether,
        /// There are more than it takes, and the first of them are chosen.
        Trimmed,
        /// These are as before.
        TrimmedAlike,
        /// A change of a feed covers another address of a peer.
        OtherHoles,
        /// A run says withdrawals first.
        WithdrawFirst,
    }
}

outcomes! {
    /// What a new configuration did, to all and to each connection.
    Reload {
        /// Refused: we are about to stop.
        ShuttingDown,
        /// Refused: it is not acceptable.
        Unacceptable,
        /// A connection was closed already.
        Closed,
        /// A connection has no OPEN yet and goes on.
        Unopened,
        /// A connection is reset, since our ASN or identifier changed.
        OtherSpeaker,
        /// A connection is reset, since nobody has it any more.
        Deconfigured,
        /// A connection is reset, since its peer has another one now.
        Double,
        /// A connection stays.
        Kept,
        /// A connection is reset, since its session cannot say what it should.
        Reset,
    }
}

outcomes! {
    /// What a source brought.
    Source {
        /// Nothing: nobody had asked.
        Ignored,
        /// "As before", and something is held.
        Unchanged,
        /// "As before", and nothing is held.
        UnchangedWithoutBody,
        /// No body.
        Failed,
        /// No body, and when to come again.
        Busy,
        /// A body that is not of its format.
        WrongForm,
        /// A body without a prefix.
        Empty,
        /// A body with more bad lines than good ones.
        Garbled,
        /// A body with the prefixes that are held.
        Same,
        /// A first usable body.
        First,
        /// A usable body with other prefixes.
        Fresh,
        /// A failure without anything held, which the configuration calls fatal.
        Fatal,
        /// A failure that takes nothing away.
        Survived,
        /// A body from the store.
        Restored,
        /// A body from the store that cannot be read any more.
        RecordUnusable,
        /// Asked again while a fetch is under way.
        WantedMeanwhile,
        /// Asked while as many web servers are asked as may be.
        Queued,
        /// Asked because it was time.
        Due,
        /// An answer for the place or form that it had before.
        Outdated,
        /// Another place.
        Moved,
        /// Too few prefixes.
        TooFew,
        /// Too many fewer than before.
        Shrunk,
        /// Too many more than before.
        Grown,
        /// Without what must be in it.
        Lacking,
        /// With what must not be in it.
        Forbidden,
        /// A body is held back.
        HeldBack,
        /// The same one is held back again.
        HeldAgain,
        /// What was held back is pointless.
        Superseded,
        /// What was held back has other bounds, or is read otherwise.
        JudgedAgain,
        /// What was held back is served.
        Approved,
        /// What was held back is dropped.
        Rejected,
        /// What was dropped came again.
        RejectedAgain,
    }
}

outcomes! {
    /// What a new body or configuration did to a feed.
    Feed {
        /// Other routes.
        NewRoutes,
        /// The same routes, and now it has loaded, or no longer has.
        LoadedOnly,
        /// Nothing.
        Nothing,
        /// Nothing: a source of it has nothing, and it was complete before.
        KeptComplete,
        /// Nothing: it was gone back.
        Pinned,
        /// It starts with what the store kept.
        Restored,
        /// It is gone back.
        RolledBack,
        /// It follows its sources again.
        LetGo,
        /// Old versions are forgotten.
        Forgotten,
        /// A first subscription needs it.
        Demanded,
        /// The last one does not any more.
        Undemanded,
    }
}

outcomes! {
    /// What a peer is told.
    Outbound {
        /// A run of differences begins.
        Difference,
        /// A run of all routes in another coding begins.
        Recoded,
        /// A refresh between marks begins.
        RefreshMarked,
        /// A refresh without marks begins.
        RefreshUnmarked,
        /// End-of-RIB.
        EndOfRib,
        /// Nothing, since a feed has not loaded and End-of-RIB waits for it.
        EndOfRibHeld,
        /// Nothing: all is said.
        Silent,
        /// A refresh is asked for between runs.
        RefreshBetweenRuns,
        /// A refresh is asked for while a run is under way.
        RefreshDuringRun,
        /// A refresh is asked for again before the first one began.
        RefreshAgain,
        /// Another group while a run is under way.
        RegroupDuringRun,
        /// Another group between runs.
        RegroupBetweenRuns,
        /// Closed while a run is under way.
        ClosedDuringRun,
        /// Closed between runs.
        ClosedBetweenRuns,
    }
}

outcomes! {
    /// What became of an image.
    Image {
        /// Begun for a first peer.
        Begun,
        /// Shared with a peer that is still at it.
        Shared,
        /// Taken up again while nobody used it.
        Revived,
        /// Dropped incomplete, when its last peer left.
        Abandoned,
        /// Kept complete for the next peer.
        Kept,
        /// Dropped, as the one longest unused.
        Evicted,
        /// Continued: the batch was full.
        Continued,
    }
}

outcomes! {
    /// What the server met besides.
    Server {
        /// An input named something gone.
        StaleInput,
        /// A closing connection took too long over its last bytes.
        LingerExpired,
        /// A route refresh was asked for.
        RefreshRequest,
        /// A peer marked a refresh of its own.
        RefreshMark,
        /// A peer announced more than it may.
        OverLimit,
        /// The store failed.
        StoreFailed,
        /// The end has begun.
        Stopping,
        /// The end.
        Stopped,
    }
}
