//! The server inside another program: its own executor, no files, no signals.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use bgplite_core::config::{Aggregate, Config, Expr, FeedConfig, SourceConfig, UnknownPeers};
use bgplite_core::ids::Asn;
use bgplite_host::HostConfig;
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
