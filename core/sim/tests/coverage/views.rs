//! What becomes of the routes of its feeds on the way to a peer.

use bgplite_core::config::{AddressMatch, AsnMatch, Config, OnLimit, PeerConfig, Subscription};
use bgplite_core::ids::ConnId;

use crate::bench::{Bench, config, home};

pub(crate) fn scenarios() {
    filters();
    cuts();
    addresses();
    limits();
}

fn subscribed(change: impl Fn(&mut Subscription)) -> Config {
    let mut config = config();
    config.feeds[0].communities = vec!["65010:1".parse().unwrap()];
    let mut home = home();
    change(&mut home.subscription);
    config.peers.push(home);
    config
}

fn wanted(bench: &Bench, conn: ConnId) -> usize {
    let peer = bench.server.peers().find(|peer| peer.conn == conn).unwrap();
    peer.wanted.0 + peer.wanted.1
}

fn reload(bench: &mut Bench, config: Config, list: &str) {
    bench.reload(config);
    bench.body(list);
}

fn filters() {
    let all = subscribed(|subscription| subscription.communities = vec!["65010:1".parse().unwrap()]);
    let mut bench = Bench::serving(all, "10.0.0.0/8\n");
    let conn = bench.establish("198.51.100.7:1");
    assert_eq!(wanted(&bench, conn), 1, "all pass");
    let mut none = subscribed(|subscription| subscription.communities = vec!["65010:2".parse().unwrap()]);
    let address = AddressMatch::Prefix("198.51.100.8".parse().unwrap());
    let subscription =
        Subscription { exclude: vec!["192.0.2.0/24".parse().unwrap()], ..none.peers[0].subscription.clone() };
    none.peers.push(PeerConfig { subscription, ..PeerConfig::new("other", address, AsnMatch::Any) });
    reload(&mut bench, none.clone(), "10.0.0.0/8\n");
    assert_eq!(wanted(&bench, conn), 0, "none pass");
    let other = bench.establish("198.51.100.8:1");
    assert_eq!(wanted(&bench, other), 0, "by the same table");
    reload(&mut bench, none, "10.0.0.0/8\n11.0.0.0/8\n");
    assert_eq!(wanted(&bench, conn), 0, "still none");
}

fn cuts() {
    let excluding = subscribed(|subscription| subscription.exclude = vec!["192.0.2.0/25".parse().unwrap()]);
    let mut bench = Bench::serving(excluding.clone(), "10.0.0.0/8\n");
    let conn = bench.establish("198.51.100.7:1");
    for (list, count) in [("10.0.0.0/8\n192.0.2.0/24\n", 2), ("10.0.0.0/8\n11.0.0.0/8\n192.0.2.0/24\n", 3)] {
        reload(&mut bench, excluding.clone(), list);
        assert_eq!(wanted(&bench, conn), count);
    }
}

fn addresses() {
    let plain = subscribed(|_| {});
    let mut bench = Bench::serving(plain.clone(), "10.0.0.0/8\n");
    let conn = bench.establish("198.51.100.7:1");
    reload(&mut bench, plain, "10.0.0.0/8\n198.51.100.0/30\n198.51.100.4/30\n");
    assert_eq!(wanted(&bench, conn), 4, "of the second, .4/31 and .6/32 are left");
}

fn limits() {
    for on_limit in [OnLimit::Hold, OnLimit::Trim] {
        let limited = subscribed(|subscription| {
            subscription.max_prefixes = Some(1);
            subscription.on_limit = on_limit;
        });
        let mut bench = Bench::serving(limited.clone(), "10.0.0.0/8\n11.0.0.0/8\n");
        let conn = bench.establish("198.51.100.7:1");
        assert_eq!(wanted(&bench, conn), usize::from(on_limit == OnLimit::Trim));
        for list in ["10.0.0.0/8\n", "10.0.0.0/8\n12.0.0.0/8\n", "10.0.0.0/8\n13.0.0.0/8\n", "13.0.0.0/8\n"] {
            reload(&mut bench, limited.clone(), list);
            bench.read(conn);
            assert_eq!(wanted(&bench, conn), 1);
        }
    }
}
