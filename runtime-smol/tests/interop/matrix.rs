//! Every daemon over both transports with both widths of AS number: what it holds, and what a reload changes.

use crate::daemon::{AsNumbers, Client, Daemon, Export, Session, Setup, local_address, wait_established};
use crate::lab::list::Edit;
use crate::lab::route::{Family, Route, Routes, union};
use crate::lab::server::{Admission, Aggregate, NEXT_HOP, NEXT_HOP_V6, Server, Spec};
use crate::lab::{Lab, wait_for};

const TWO_OCTET_SERVER: u32 = 65010;
const FOUR_OCTET_SERVER: u32 = 4_200_000_010;
const TWO_OCTET_CLIENT: u32 = 65001;
const FOUR_OCTET_CLIENT: u32 = 4_200_000_001;

/// One cell of the matrix.
#[derive(Clone, Copy, Debug)]
struct Case {
    daemon: Daemon,
    transport: Family,
    client_asn: u32,
    server_asn: u32,
    aggregate: Aggregate,
    /// Whether the configuration names the peer, rather than serving whoever comes.
    known: bool,
    as_numbers: AsNumbers,
    export: Export,
}

impl Case {
    /// Over IPv4 the list is sent as it stands, over IPv6 as its exact union: both are seen by every daemon.
    fn new(daemon: Daemon, transport: Family, client_asn: u32) -> Self {
        Self {
            daemon,
            transport,
            client_asn,
            server_asn: TWO_OCTET_SERVER,
            aggregate: if transport == Family::V4 { Aggregate::Off } else { Aggregate::Exact },
            known: false,
            as_numbers: AsNumbers::FourOctet,
            export: Export::Nothing,
        }
    }

    /// From the first dial to the server's end.
    fn run(self) {
        let lab = Lab::new();
        let address = local_address(self.transport);
        let known = Admission::Known { address, asn: self.client_asn };
        let spec = Spec {
            asn: self.server_asn,
            aggregate: self.aggregate,
            admission: if self.known { known } else { Admission::Unknown },
        };
        let server = Server::start(lab.dir(), spec);
        let setup = Setup {
            dir: lab.dir(),
            server: server.address(self.transport),
            server_asn: self.server_asn,
            asn: self.client_asn,
            as_numbers: self.as_numbers,
            export: self.export,
        };
        let Some(mut client) = self.daemon.start(&setup) else {
            return;
        };
        let client = client.as_mut();

        let session = wait_established(client);
        let mut held = self.assert_holds_exactly_the_list(client, &server);
        for family in Family::BOTH {
            let before = if family == Family::V4 { &mut held[0] } else { &mut held[1] };
            assert_shows_exactly_the_difference(client, &server, family, before, session);
        }
        server.stop();
    }

    fn assert_holds_exactly_the_list(self, client: &mut dyn Client, server: &Server) -> [Routes; 2] {
        let expected_count = match self.aggregate {
            Aggregate::Off => 12_424 + 5_449,
            // One pair of siblings in the IPv4 list becomes their parent.
            Aggregate::Exact => 12_423 + 5_449,
        };
        wait_for("the whole list arrives", || {
            client.assert_running();
            (client.held() >= expected_count).then_some(())
        });
        assert_eq!(client.held(), expected_count, "prefixes held");
        Family::BOTH.map(|family| {
            let list = server.list(family);
            let routes = client.routes(family);
            let expected = self.expected_route(family);
            if let Some((prefix, route)) = routes.iter().find(|(_, route)| **route != expected) {
                panic!("{prefix} came with {route:?}, not {expected:?}");
            }
            let is_exact = match self.aggregate {
                Aggregate::Off => routes.keys().eq(&list),
                Aggregate::Exact => union(routes.keys()) == union(&list),
            };
            let list = list.into_iter().map(|prefix| (prefix, expected.clone())).collect();
            assert!(is_exact, "{:?}: exactly the list: {}", self.aggregate, difference(&list, &routes));
            routes
        })
    }

    fn expected_route(self, family: Family) -> Route {
        Route {
            next_hop: match family {
                Family::V4 => NEXT_HOP.into(),
                Family::V6 => NEXT_HOP_V6.into(),
            },
            as_path: vec![self.server_asn],
            communities: vec![(65010, 100)],
            large: vec![(65010, 1, 100)],
        }
    }
}

/// Edits the list, has it read again, and waits until the daemon shows it: nothing else may have changed.
fn assert_shows_exactly_the_difference(
    client: &mut dyn Client,
    server: &Server,
    family: Family,
    before: &mut Routes,
    session: Session,
) {
    let edit = Edit::of(family);
    server.reload_with(edit);
    wait_for("the daemon shows the edit", || {
        client.assert_running();
        (client.has(edit.added) && !client.has(edit.removed)).then_some(())
    });
    let after = client.routes(family);
    let now = client.session().expect("the session is still Established");
    assert!(session.is_same(now), "the session is unbroken: {session:?}, now {now:?}");
    let route = before.remove(&edit.removed).expect("the removed prefix was held");
    before.insert(edit.added, route);
    assert!(after == *before, "nothing but the edit changed: {}", difference(before, &after));
}

/// The first few prefixes that are held and should not be, or the other way round, or differ in a route.
fn difference(expected: &Routes, held: &Routes) -> String {
    let lacks = |one: &Routes, other: &Routes| {
        let odd = one.iter().filter(|(prefix, route)| other.get(prefix) != Some(route));
        let odd: Vec<String> = odd.map(|(prefix, _)| prefix.to_string()).collect();
        format!("{} ({})", odd.len(), odd.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", "))
    };
    format!("missing {}, unexpected {}", lacks(expected, held), lacks(held, expected))
}

/// The matrix of one daemon: two transports, two widths of the client's AS, and a four-octet server that
/// knows its peer.
macro_rules! matrix {
    ($module:ident, $daemon:expr) => {
        mod $module {
            use super::*;

            #[test]
            fn ipv4_transport_two_octet_as() {
                Case::new($daemon, Family::V4, TWO_OCTET_CLIENT).run();
            }

            #[test]
            fn ipv4_transport_four_octet_as() {
                Case::new($daemon, Family::V4, FOUR_OCTET_CLIENT).run();
            }

            #[test]
            fn ipv6_transport_two_octet_as() {
                Case::new($daemon, Family::V6, TWO_OCTET_CLIENT).run();
            }

            #[test]
            fn ipv6_transport_four_octet_as() {
                Case::new($daemon, Family::V6, FOUR_OCTET_CLIENT).run();
            }

            #[test]
            fn four_octet_server_with_a_configured_peer() {
                let case = Case::new($daemon, Family::V4, FOUR_OCTET_CLIENT);
                Case { server_asn: FOUR_OCTET_SERVER, known: true, ..case }.run();
            }
        }
    };
}

matrix!(bird, Daemon::Bird);
matrix!(frr, Daemon::Frr);
matrix!(gobgp, Daemon::Gobgp);
matrix!(openbgpd, Daemon::Openbgpd);
matrix!(exabgp, Daemon::Exabgp);

/// RFC 6793 4.2.2: an old speaker gets AS_TRANS in AS_PATH and the truth in AS4_PATH, which both daemons merge.
#[test]
fn bird_without_four_octet_as_numbers_learns_the_servers_as_from_as4_path() {
    let case = Case::new(Daemon::Bird, Family::V4, TWO_OCTET_CLIENT);
    Case { server_asn: FOUR_OCTET_SERVER, as_numbers: AsNumbers::TwoOctet, ..case }.run();
}

#[test]
fn exabgp_without_four_octet_as_numbers_learns_the_servers_as_from_as4_path() {
    let case = Case::new(Daemon::Exabgp, Family::V6, TWO_OCTET_CLIENT);
    Case { server_asn: FOUR_OCTET_SERVER, as_numbers: AsNumbers::TwoOctet, ..case }.run();
}

#[test]
fn bird_without_four_octet_as_numbers_takes_the_list_from_a_two_octet_server() {
    let case = Case::new(Daemon::Bird, Family::V6, TWO_OCTET_CLIENT);
    Case { as_numbers: AsNumbers::TwoOctet, ..case }.run();
}

/// FRR sends every route back to the peer it came from unless a policy forbids it. Those carry the server's own
/// AS, so they are loops to be dropped (RFC 4271 9.1.2), not prefixes that count against a limit.
#[test]
fn frr_that_sends_the_list_back_keeps_its_session() {
    let case = Case::new(Daemon::Frr, Family::V4, TWO_OCTET_CLIENT);
    Case { export: Export::Everything, ..case }.run();
}
