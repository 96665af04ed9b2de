//! The server inside another program: its own executor, no files, no signals.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use bgplite_core::config::{Aggregate, Config, Expr, FeedConfig, SourceConfig, UnknownPeers};
use bgplite_core::ids::Asn;
use bgplite_core::server::{FetchOutcome, FetchRequest};
use bgplite_host::HostConfig;
use bgplite_host::fetch::Fetch;
use bgplite_host::store::MemStore;
use bgplite_smol::{Options, ReloadError, Server};
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::{LocalExecutor, block_on, net::TcpStream};

fn config() -> HostConfig {
    let mut core = Config::new(Asn(65010), Ipv4Addr::new(203, 0, 113, 1));
    core.sources.push(SourceConfig::inline("list", vec!["192.0.2.0/24".parse().unwrap()]));
    core.feeds.push(FeedConfig { aggregate: Aggregate::Off, ..FeedConfig::new("ru", Expr::source("list")) });
    core.unknown_peers = UnknownPeers::Default { feed: "ru".into(), max: 10, max_per_address: 10 };
    let mut config = HostConfig::new(core);
    config.listen = vec!["127.0.0.1:0".parse().unwrap(), "127.0.0.1:0".parse().unwrap()];
    config
}

#[test]
fn it_starts_serves_and_shuts_down_in_an_executor_of_the_caller() {
    let executor = Rc::new(LocalExecutor::new());
    let options = Options { store: Some(Arc::new(MemStore::default())), seed: Some(1), ..Options::default() };
    let server = Server::start(config(), options, &executor).unwrap();
    let endpoints = server.endpoints();
    assert_eq!(endpoints.len(), 2);
    assert!(endpoints.iter().all(|endpoint| endpoint.port() != 0));
    block_on(executor.run(async {
        let mut client = TcpStream::connect(endpoints[1]).await.unwrap();
        // A length of 18 where a header alone has 19: Bad Message Length, with the length as data.
        let mut bytes = vec![0xFF; 16];
        bytes.extend([0, 18, 1]);
        client.write_all(&bytes).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer[16..], [0, 23, 3, 1, 2, 0, 18]);
        drop(client);
        assert_eq!(server.with_core(|core| core.stats().connections), 1);

        let mut other = config();
        other.state_dir = PathBuf::from("/elsewhere");
        assert!(matches!(server.reload(other).await, Err(ReloadError::StateDir { .. })));
        server.reload(config()).await.unwrap();
        server.shut_down("bye").await;
        assert!(server.endpoints().is_empty());
        assert!(TcpStream::connect(endpoints[0]).await.is_err());
    }));
}

/// Answers for a place that is no file, and knows no other.
struct Inventory;

impl Fetch for Inventory {
    fn fetch(&self, request: &FetchRequest) -> FetchOutcome {
        match request {
            FetchRequest::File { path, .. } if path == "inventory:all" => {
                FetchOutcome::Body(b"192.0.2.0/24\n198.51.100.0/24\n".as_slice().into())
            }
            _ => panic!("nobody asked for that"),
        }
    }
}

#[test]
fn a_source_of_ones_own_is_read_like_every_other_and_one_that_panics_has_failed() {
    let mut config = config();
    for (name, path) in [("own", "inventory:all"), ("broken", "elsewhere")] {
        config.core.sources.push(SourceConfig::file(name, path));
    }
    let executor = Rc::new(LocalExecutor::new());
    let options = Options {
        store: Some(Arc::new(MemStore::default())),
        fetch: Some(Arc::new(Inventory)),
        ..Options::default()
    };
    let server = Server::start(config, options, &executor).unwrap();
    let stands = |server: &Server, name: &str| {
        let sources = server.with_core(|core| core.sources(bgplite_core::time::Instant::ZERO));
        let source = sources.into_iter().find(|source| source.name == name).unwrap();
        (source.v4, source.error)
    };
    block_on(executor.run(async {
        while stands(&server, "own").0 == 0 || stands(&server, "broken").1.is_none() {
            smol::future::yield_now().await;
        }
    }));
    assert_eq!(stands(&server, "own"), (2, None));
    assert!(stands(&server, "broken").1.unwrap().starts_with("elsewhere: "));
}

#[test]
fn one_that_is_dropped_closes_its_sockets() {
    let executor = Rc::new(LocalExecutor::new());
    let options = Options { store: Some(Arc::new(MemStore::default())), seed: Some(1), ..Options::default() };
    let server = Server::start(config(), options, &executor).unwrap();
    let endpoint = server.endpoints()[0];
    block_on(executor.run(async {
        let mut client = TcpStream::connect(endpoint).await.unwrap();
        while server.with_core(|core| core.stats().connections) == 0 {
            smol::future::yield_now().await;
        }
        drop(server);
        let mut rest = Vec::new();
        // Closed or reset, but ended.
        let _ = client.read_to_end(&mut rest).await;
    }));
}
