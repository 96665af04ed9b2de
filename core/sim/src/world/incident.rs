//! What may happen to the world: one flat record each, so that a timeline reads, shrinks and repeats easily.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use bgplite_core::rng::Rng;
use bgplite_core::time::Duration;

use super::Params;

/// Something that happens at a point in time. What a field means depends on `what`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// When, after the start.
    pub at: Duration,
    /// What.
    pub what: What,
    /// To which client, source, feed or peer: an index, taken modulo how many there are.
    pub who: u32,
    /// For how long, where it lasts.
    pub lasts: Duration,
    /// Chooses among the details.
    pub salt: u64,
}

macro_rules! whats {
    ($($(#[$doc:meta])* $variant:ident $name:literal $fault:ident $weight:literal)*) => {
        /// The kinds of incident.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum What {
            $($(#[$doc])* $variant,)*
        }

        impl What {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in timelines.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The kind of fault that it is one of.
            pub const fn fault(self) -> Fault {
                match self { $(Self::$variant => Fault::$fault),* }
            }

            /// How often it happens beside the others.
            const fn weight(self) -> u64 {
                match self { $(Self::$variant => $weight),* }
            }
        }
    };
}

whats! {
    /// Bytes take longer to and from client `who`.
    Latency "latency" Net 3
    /// Bytes to and from client `who` come in pieces, down to single ones.
    Segment "segment" Net 4
    /// Nothing flows to and from client `who`.
    Stall "stall" Net 3
    /// The connections of client `who` break; what is on its way is lost, and both ends are told.
    Reset "reset" Net 4
    /// The connections of client `who` break, and only the client knows.
    LostServer "lost-server" Net 2
    /// The connections of client `who` break, and only the server knows.
    LostClient "lost-client" Net 2
    /// Client `who` cannot connect.
    Refuse "refuse" Net 2
    /// Client `who` reads slowly.
    Slow "slow" Slow 4
    /// Client `who` reads nothing.
    Deaf "deaf" Slow 2
    /// Client `who` asks for its routes again.
    Refresh "refresh" Client 5
    /// Client `who` says goodbye and comes back.
    Close "close" Client 3
    /// Client `who` opens a second connection beside the first.
    Double "double" Client 3
    /// Client `who` disappears without a word, host and all.
    Vanish "vanish" Client 3
    /// Client `who` announces routes of its own.
    Announce "announce" Client 2
    /// Bytes of client `who` are changed on their way.
    Garble "garble" Hostile 4
    /// Client `who` floods the server with small messages.
    Flood "flood" Hostile 2
    /// A stranger connects and speaks another protocol, or nearly this one.
    Stranger "stranger" Hostile 3
    /// A stranger connects and says an OPEN, a byte at a time, for ever.
    Dribble "dribble" Hostile 2
    /// The list of source `who` changes.
    Edit "edit" Source 8
    /// The file of source `who` is gone for a while.
    Missing "missing" Source 2
    /// The file of source `who` is empty.
    Empty "empty" Source 2
    /// The file of source `who` is cut short.
    Truncated "truncated" Source 2
    /// The file of source `who` is full of something else.
    Garbled "garbled" Source 2
    /// The file of source `who` holds another list altogether.
    Lie "lie" Source 2
    /// Reading the file of source `who` takes long.
    Late "late" Source 2
    /// The web server of page `who` is down.
    Down "down" Web 3
    /// The web server of page `who` is busy, and says when to come again.
    Busy "busy" Web 3
    /// Page `who` holds a tenth of its list.
    Shrunk "shrunk" Web 4
    /// In the place of page `who` stands a document about an error.
    ErrorPage "error-page" Web 3
    /// The web server of page `who` says that nothing changed, whoever asks.
    Unasked "unasked" Web 1
    /// The list of page `who` changes.
    WebEdit "web-edit" Web 8
    /// Page `who` is cut short.
    WebTruncated "web-truncated" Web 2
    /// Page `who` holds another list altogether.
    WebLie "web-lie" Web 2
    /// The web server of page `who` takes long to answer.
    WebLate "web-late" Web 3
    /// An operator has source `who` asked now.
    AskNow "ask-now" Operator 4
    /// An operator takes what the guard of source `who` holds back.
    Approve "approve" Operator 3
    /// An operator drops what the guard of source `who` holds back.
    Reject "reject" Operator 2
    /// An operator goes back to an earlier version of feed `who`.
    GoBack "go-back" Operator 2
    /// An operator lets feed `who` follow its sources again.
    Release "release" Operator 2
    /// Client `who` is registered as a peer, or again.
    Register "register" Registry 6
    /// What registered peer `who` has is replaced.
    Revise "revise" Registry 5
    /// Registered peer `who` is removed.
    Unregister "unregister" Registry 2
    /// Registered peer `who`, which waits for it, is let in.
    Admit "admit" Registry 2
    /// Registered peer `who` is sent everything again.
    Resend "resend" Registry 1
    /// The session of registered peer `who` is reset.
    ResetPeer "reset-peer" Registry 1
    /// Writes to the store take long.
    StoreSlow "store-slow" Store 2
    /// Writes to the store fail.
    StoreFail "store-fail" Store 2
    /// The server's process dies; its connections are reset.
    Crash "crash" Crash 2
    /// The server's host dies; its connections are not even reset.
    PowerLoss "power-loss" Crash 1
    /// The server is asked to reload its configuration, unchanged.
    Reread "reread" Reload 6
    /// A peer is added for client `who`.
    PeerAdd "peer-add" Reload 3
    /// Peer `who` is removed.
    PeerRemove "peer-remove" Reload 2
    /// Peer `who` gets other feeds.
    PeerFeeds "peer-feeds" Reload 4
    /// Peer `who` gets other next hops.
    PeerNextHop "peer-next-hop" Reload 2
    /// Peer `who` gets other families.
    PeerFamilies "peer-families" Reload 1
    /// Feed `who` is made of other sources.
    FeedSources "feed-sources" Reload 3
    /// Feed `who` gets other tags.
    FeedTags "feed-tags" Reload 3
    /// Feed `who` is aggregated, or no more.
    FeedAggregate "feed-aggregate" Reload 2
    /// Source `who` gets another name.
    SourceRename "source-rename" Reload 1
    /// The guard of source `who` gets other bounds.
    Guard "guard" Reload 2
    /// Peer `who` asks for something else, or wants to be spared something else.
    PeerWishes "peer-wishes" View 4
    /// Peer `who` takes another number of routes.
    PeerLimit "peer-limit" View 3
    /// The server's next hops change.
    NextHop "next-hop" Reload 2
    /// What unknown peers get changes.
    Unknown "unknown" Reload 1
    /// A configuration that is not acceptable.
    BadConfig "bad-config" Reload 1
    /// The server's machine sleeps.
    Suspend "suspend" Clock 2
    /// The server is asked to shut down, and is started again.
    Shutdown "shutdown" Shutdown 1
}

/// Kinds of fault, to be switched on and off together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// What networks do.
    Net,
    /// Clients that do not read.
    Slow,
    /// What clients may do.
    Client,
    /// What clients may not do.
    Hostile,
    /// Files that change, and files that fail.
    Source,
    /// Web servers that fail, and pages that change.
    Web,
    /// Operators decide about sources and feeds.
    Operator,
    /// Peers are registered, changed and removed.
    Registry,
    /// What peers of the configuration wish for changes.
    View,
    /// The store.
    Store,
    /// The server dies.
    Crash,
    /// The configuration changes.
    Reload,
    /// The clock jumps.
    Clock,
    /// The server is shut down and started again.
    Shutdown,
}

impl Fault {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Net,
        Self::Slow,
        Self::Client,
        Self::Hostile,
        Self::Source,
        Self::Web,
        Self::Operator,
        Self::Registry,
        Self::View,
        Self::Store,
        Self::Crash,
        Self::Reload,
        Self::Clock,
        Self::Shutdown,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Slow => "slow",
            Self::Client => "client",
            Self::Hostile => "hostile",
            Self::Source => "source",
            Self::Web => "web",
            Self::Operator => "operator",
            Self::Registry => "registry",
            Self::View => "view",
            Self::Store => "store",
            Self::Crash => "crash",
            Self::Reload => "reload",
            Self::Clock => "clock",
            Self::Shutdown => "shutdown",
        }
    }
}

/// No such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownName;

impl FromStr for Fault {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name).ok_or(UnknownName)
    }
}

impl FromStr for What {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.iter().copied().find(|what| what.name() == name).ok_or(UnknownName)
    }
}

/// As a timeline in a scenario has it.
impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, what, who, lasts, salt } = self;
        write!(f, "{{ at = \"{}ms\", what = \"{}\", who = {who}", at.as_millis(), what.name())?;
        write!(f, ", lasts = \"{}ms\", salt = {salt} }}", lasts.as_millis())
    }
}

/// What happens under a seed: about every [`Params::every`], in order.
pub fn timeline(seed: u64, params: &Params) -> Vec<Incident> {
    let mut rng = Rng::new(seed ^ 0x7469_6D65_6C69_6E65);
    let faults: BTreeSet<Fault> = params.faults.iter().copied().collect();
    let whats: Vec<What> = What::ALL.iter().copied().filter(|what| faults.contains(&what.fault())).collect();
    let total: u64 = whats.iter().map(|what| what.weight()).sum();
    let mut incidents = Vec::new();
    let mut at = Duration::ZERO;
    let mean = u64::try_from(params.every.as_millis()).unwrap_or(u64::MAX).max(1);
    loop {
        at += Duration::from_millis(rng.below(mean.saturating_mul(2)) + 1);
        if at >= params.faulty || total == 0 {
            return incidents;
        }
        let mut pick = rng.below(total);
        let what = whats.iter().copied().find(|what| {
            let is_it = pick < what.weight();
            pick = pick.wrapping_sub(what.weight());
            is_it
        });
        let Some(what) = what else { continue };
        let longest = if rng.below(4) == 0 { 120_000 } else { 8_000 };
        let incident = Incident {
            at,
            what,
            who: (rng.next_u64() & 0xFFFF) as u32,
            lasts: Duration::from_millis(rng.below(longest) + 1),
            salt: rng.next_u64() & 0xFFFF_FFFF,
        };
        let is_list = what.fault() == Fault::Source;
        incidents.push(incident.clone());
        // Files are read on a reload only.
        if is_list && faults.contains(&Fault::Reload) {
            let at = at + Duration::from_millis(rng.below(2_000));
            if at < params.faulty {
                incidents.push(Incident {
                    at,
                    what: What::Reread,
                    salt: rng.next_u64() & 0xFFFF_FFFF,
                    ..incident
                });
            }
        }
    }
}
