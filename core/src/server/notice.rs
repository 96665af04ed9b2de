//! What people should know: one typed value per happening, one line of text each.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use crate::coding::Words;
use crate::config::{Families, OnLimit};
use crate::feed::BadLine;
use crate::ids::{Asn, Serial};
use crate::session::DownReason;

/// How urgent a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It cannot go on.
    Error,
    /// An operator should look.
    Warn,
    /// Sessions up and down, feeds changed.
    Info,
    /// State changes.
    Debug,
}

/// One happening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A session is established.
    SessionUp {
        /// The peer's name, or its address where it has none.
        peer: String,
        /// The far end.
        remote: SocketAddr,
        /// Its ASN.
        asn: Asn,
        /// Hold time in force, in seconds.
        hold_secs: u16,
        /// Families in force.
        families: Families,
    },
    /// A session, or a connection that never became one, has ended.
    SessionDown {
        /// The peer's name, or its address where it has none.
        peer: String,
        /// The far end.
        remote: SocketAddr,
        /// Whether it had been established.
        established: bool,
        /// Why.
        reason: DownReason,
    },
    /// A peer gets no route of a family, because there is no next hop of that family for it.
    NextHopMissing {
        /// The peer's name, or its address where it has none.
        peer: String,
        /// The family without a next hop.
        families: Families,
    },
    /// A source has a new body.
    SourceLoaded {
        /// The source.
        source: String,
        /// IPv4 prefixes.
        v4: usize,
        /// IPv6 prefixes.
        v6: usize,
    },
    /// Lines of a body that are no prefixes; the others are used.
    SourceBadLines {
        /// The source.
        source: String,
        /// Where the body came from.
        origin: String,
        /// How many lines in all.
        count: usize,
        /// The first few.
        first: Vec<BadLine>,
    },
    /// A source gave no usable body. What it gave last is still served.
    SourceFailed {
        /// The source.
        source: String,
        /// Why, with the place.
        error: String,
        /// Prefixes still served from its last good body.
        kept: usize,
    },
    /// A source serves what the store kept from an earlier run.
    SourceRestored {
        /// The source.
        source: String,
        /// When that body was fetched, in seconds since the Unix epoch.
        unix_secs: u64,
        /// Prefixes in it.
        prefixes: usize,
    },
    /// A source's guard holds a body back; the old one stays served.
    SourceHeld {
        /// The source.
        source: String,
        /// Prefixes that are served, IPv4 and IPv6.
        served: (usize, usize),
        /// Prefixes that are held back.
        held: (usize, usize),
        /// Which bound it breaks, with its value.
        reason: String,
    },
    /// An operator took what was held back, or dropped it, or a later body made it pointless.
    SourceReleased {
        /// The source.
        source: String,
        /// How: `approved`, `rejected`, `superseded`.
        how: &'static str,
    },
    /// A feed was gone back to an earlier version, or follows its sources again.
    FeedPinned {
        /// The feed.
        feed: String,
        /// The version that is gone back to; `None` when it follows its sources again.
        to: Option<Serial>,
    },
    /// A peer was registered, changed or removed.
    PeerChanged {
        /// Its name.
        peer: String,
        /// What happened: `registered`, `replaced`, `approved`, `removed`, `forgotten`; or `shadowed`, when the
        /// configuration has a peer of the same endpoint, address and ASN from now on.
        how: &'static str,
    },
    /// A peer's prefixes cover an address over which it reaches us; it is split out of them, or no more.
    OwnAddressSplit {
        /// The peer.
        peer: String,
        /// The addresses that are split out now.
        addresses: Vec<IpAddr>,
    },
    /// There are more prefixes for a peer than it takes, or no more.
    OverLimit {
        /// The peer.
        peer: String,
        /// How many there are for it.
        prefixes: usize,
        /// How many it takes; `None` when all is well again.
        limit: Option<u32>,
        /// Whether it keeps what it has, or gets as many as it takes.
        on_limit: OnLimit,
    },
    /// A feed has a new version.
    FeedChanged {
        /// The feed.
        feed: String,
        /// Its version.
        serial: Serial,
        /// IPv4 prefixes.
        v4: usize,
        /// IPv6 prefixes.
        v6: usize,
    },
    /// A write to the store failed. It is in force, and lost if we restart now.
    StoreFailed {
        /// Why it was not.
        error: String,
    },
    /// The configuration was reloaded.
    Reloaded {
        /// Peers added, changed and removed.
        peers: [usize; 3],
        /// Sessions that had to be reset.
        reset: usize,
    },
}

impl Notice {
    /// A stable key for filters and alerts.
    pub const fn event(&self) -> &'static str {
        match self {
            Self::SessionUp { .. } => "session_up",
            Self::SessionDown { established: true, .. } => "session_down",
            Self::SessionDown { established: false, .. } => "connection_closed",
            Self::NextHopMissing { .. } => "next_hop_missing",
            Self::SourceLoaded { .. } => "source_loaded",
            Self::SourceBadLines { .. } => "source_bad_lines",
            Self::SourceFailed { .. } => "source_failed",
            Self::SourceRestored { .. } => "source_restored",
            Self::SourceHeld { .. } => "source_held",
            Self::SourceReleased { .. } => "source_released",
            Self::FeedPinned { .. } => "feed_pinned",
            Self::PeerChanged { .. } => "peer_changed",
            Self::OwnAddressSplit { .. } => "own_address_split",
            Self::OverLimit { .. } => "over_limit",
            Self::FeedChanged { .. } => "feed_changed",
            Self::StoreFailed { .. } => "store_failed",
            Self::Reloaded { .. } => "reloaded",
        }
    }

    /// How urgent it is.
    pub const fn level(&self) -> Level {
        match self {
            // Scanners come and go.
            Self::SessionDown { established: false, reason: DownReason::Lost(_), .. } => Level::Debug,
            Self::SessionUp { .. }
            | Self::SessionDown { .. }
            | Self::SourceLoaded { .. }
            | Self::FeedChanged { .. }
            | Self::SourceReleased { .. }
            | Self::PeerChanged { .. }
            | Self::OwnAddressSplit { .. }
            | Self::OverLimit { limit: None, .. }
            | Self::Reloaded { .. } => Level::Info,
            Self::NextHopMissing { .. }
            | Self::SourceBadLines { .. }
            | Self::SourceFailed { .. }
            | Self::SourceRestored { .. }
            | Self::SourceHeld { .. }
            | Self::FeedPinned { .. }
            | Self::OverLimit { .. }
            | Self::StoreFailed { .. } => Level::Warn,
        }
    }
}

/// The peer or source first, then `key=value`. Text that others chose is quoted and escaped.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionUp { peer, remote, asn, hold_secs, families } => {
                write!(f, "peer={peer} remote={remote} asn={asn} hold_secs={hold_secs} families={families}")
            }
            Self::SessionDown { peer, remote, established: _, reason } => {
                write!(f, "peer={peer} remote={remote} reason={:?}", Text(reason))
            }
            Self::NextHopMissing { peer, families } => write!(
                f,
                "peer={peer} families={families} reason=\"no next hop of this family: set next_hop or \
                 next_hop_v6 for the server or the peer, or let it connect over that family\""
            ),
            Self::SourceLoaded { source, v4, v6 } => write!(f, "source={source} v4={v4} v6={v6}"),
            Self::SourceBadLines { source, origin, count, first } => {
                write!(f, "source={source} origin={origin:?} bad_lines={count}")?;
                for bad in first {
                    write!(f, " line_{}={:?}", bad.line, Text(bad))?;
                }
                Ok(())
            }
            Self::SourceFailed { source, error, kept } => {
                write!(f, "source={source} kept={kept} error={error:?}")
            }
            Self::SourceRestored { source, unix_secs, prefixes } => {
                write!(f, "source={source} prefixes={prefixes} fetched_unix_secs={unix_secs}")
            }
            Self::SourceHeld { source, served, held, reason } => write!(
                f,
                "source={source} served_v4={} served_v6={} held_v4={} held_v6={} reason={reason:?} \
                 remedy=\"approve or reject it: bgplite source approve {source}\"",
                served.0, served.1, held.0, held.1
            ),
            Self::SourceReleased { source, how } => write!(f, "source={source} how={how}"),
            Self::FeedPinned { feed, to: Some(serial) } => write!(f, "feed={feed} gone_back_to={serial}"),
            Self::FeedPinned { feed, to: None } => write!(f, "feed={feed} follows_its_sources=true"),
            Self::PeerChanged { peer, how } => write!(f, "peer={peer} how={how}"),
            Self::OwnAddressSplit { peer, addresses } => {
                write!(f, "peer={peer} split_out=\"{}\"", Words(addresses.iter()))
            }
            Self::OverLimit { peer, prefixes, limit, on_limit } => {
                write!(f, "peer={peer} prefixes={prefixes} limit=")?;
                match limit {
                    Some(limit) => write!(f, "{limit} on_limit={on_limit:?}"),
                    None => f.write_str("kept"),
                }
            }
            Self::FeedChanged { feed, serial, v4, v6 } => {
                write!(f, "feed={feed} serial={serial} v4={v4} v6={v6}")
            }
            Self::StoreFailed { error } => write!(f, "store error={error:?}"),
            Self::Reloaded { peers: [added, changed, removed], reset } => write!(
                f,
                "config peers_added={added} peers_changed={changed} peers_removed={removed} sessions_reset={reset}"
            ),
        }
    }
}

/// Prints a `Display` value as a quoted, escaped string.
struct Text<T>(T);

impl<T: fmt::Display> fmt::Debug for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&alloc::string::ToString::to_string(&self.0), f)
    }
}
