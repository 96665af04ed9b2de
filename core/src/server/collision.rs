//! Which of two connections to the same peer survives (RFC 4271 6.8).

use core::net::Ipv4Addr;

use crate::ids::Asn;
use crate::session::State;

/// One end of a connection, as collisions compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Speaker {
    /// Compared first, as a number.
    pub(super) router_id: Ipv4Addr,
    /// Compared where the identifiers are equal (RFC 6286 2.3).
    pub(super) asn: Asn,
}

/// The connection that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survivor {
    /// The one that was there.
    Existing,
    /// The one whose OPEN has just come.
    New,
}

/// Decides for a new connection that the peer opened, against one that stands in `existing`.
pub(super) fn resolve(local: Speaker, remote: Speaker, existing: State) -> Survivor {
    match existing {
        // The existing one has no OPEN yet, so it is nobody's: it collides with nothing.
        State::OpenDelay | State::OpenSent | State::Closed => Survivor::New,
        State::OpenConfirm if local < remote => Survivor::New,
        State::OpenConfirm | State::Established => Survivor::Existing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_established_session_always_survives_and_an_unopened_one_never() {
        let low = Speaker { router_id: Ipv4Addr::new(10, 0, 0, 1), asn: Asn(65001) };
        let high = Speaker { router_id: Ipv4Addr::new(10, 0, 0, 2), asn: Asn(65000) };
        for (local, remote) in [(low, high), (high, low)] {
            assert_eq!(resolve(local, remote, State::Established), Survivor::Existing);
            for unopened in [State::OpenDelay, State::OpenSent, State::Closed] {
                assert_eq!(resolve(local, remote, unopened), Survivor::New);
            }
        }
    }

    #[test]
    fn in_open_confirm_the_new_one_survives_only_when_our_identifier_is_lower() {
        let low = Speaker { router_id: Ipv4Addr::new(10, 0, 0, 1), asn: Asn(65001) };
        let high = Speaker { router_id: Ipv4Addr::new(192, 0, 0, 1), asn: Asn(65000) };
        assert_eq!(resolve(low, high, State::OpenConfirm), Survivor::New);
        assert_eq!(resolve(high, low, State::OpenConfirm), Survivor::Existing);
    }

    #[test]
    fn equal_identifiers_are_decided_by_the_asn() {
        let router_id = Ipv4Addr::new(10, 0, 0, 1);
        let low = Speaker { router_id, asn: Asn(65001) };
        let high = Speaker { router_id, asn: Asn(4_200_000_000) };
        assert_eq!(resolve(low, high, State::OpenConfirm), Survivor::New);
        assert_eq!(resolve(high, low, State::OpenConfirm), Survivor::Existing);
    }
}
