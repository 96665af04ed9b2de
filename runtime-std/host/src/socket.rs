//! Listening sockets and the options of accepted ones.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// Why an endpoint cannot be listened on. `Display` is one sentence with the remedy.
#[derive(Debug)]
pub struct BindError {
    /// The endpoint.
    pub address: SocketAddr,
    /// What the operating system said.
    pub error: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, error } = self;
        match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::AddrInUse, _) => {
                write!(f, "another program listens on {address}: stop it or change bgp.listen")
            }
            (io::ErrorKind::PermissionDenied, _) if address.port() < 1024 => write!(
                f,
                "this user may not listen on {address}: ports below 1024 need CAP_NET_BIND_SERVICE (setcap \
                 cap_net_bind_service=+ep on the program, or AmbientCapabilities=CAP_NET_BIND_SERVICE in its \
                 service unit), or change bgp.listen to a port from 1024 on"
            ),
            (io::ErrorKind::AddrNotAvailable, _) => write!(
                f,
                "cannot listen on {address}: this machine does not have the address {}; add it or change \
                 bgp.listen",
                address.ip()
            ),
            (_, Some(libc::EAFNOSUPPORT)) => {
                let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
                write!(
                    f,
                    "cannot listen on {address}: this machine has no {family}; remove it from bgp.listen"
                )
            }
            _ => write!(f, "cannot listen on {address}: {error}"),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Whether a socket's calls wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// They wait.
    Yes,
    /// They return at once.
    No,
}

/// A listening socket: address reusable at once, IPv6 apart from IPv4, what it sends with this TTL.
pub fn listen(address: SocketAddr, ttl: u8, blocking: Blocking) -> Result<TcpListener, BindError> {
    try_listen(address, ttl, blocking).map_err(|error| BindError { address, error })
}

fn try_listen(address: SocketAddr, ttl: u8, blocking: Blocking) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // The SYN ACK goes out with it too, before any connection is accepted.
    set_ttl(&SockRef::from(&socket), address, ttl)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(blocking == Blocking::No)?;
    Ok(socket.into())
}

/// Sets up a connection: segments go out at once, with this TTL.
pub fn prepare(stream: &TcpStream, remote: SocketAddr, ttl: u8) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    set_ttl(&socket, remote, ttl)
}

fn set_ttl(socket: &SockRef<'_>, address: SocketAddr, ttl: u8) -> io::Result<()> {
    match address {
        SocketAddr::V4(_) => socket.set_ttl_v4(ttl.into()),
        SocketAddr::V6(_) => socket.set_unicast_hops_v6(ttl.into()),
    }
}

/// Connections that the operating system completes ahead of us: a restart is answered by all peers at once.
const BACKLOG: i32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    #[test]
    fn a_listener_and_its_connections_send_with_the_ttl() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let listener = match listen(address.parse().unwrap(), 255, Blocking::Yes) {
                Err(BindError { error, .. }) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => continue,
                listener => listener.unwrap(),
            };
            let local = listener.local_addr().unwrap();
            let _client = TcpStream::connect(local).unwrap();
            let (stream, remote) = listener.accept().unwrap();
            prepare(&stream, remote, 254).unwrap();
            let socket = SockRef::from(&stream);
            assert!(socket.tcp_nodelay().unwrap());
            let sent = |socket: &SockRef<'_>| match local {
                SocketAddr::V4(_) => socket.ttl_v4().unwrap(),
                SocketAddr::V6(_) => socket.unicast_hops_v6().unwrap(),
            };
            assert_eq!(sent(&socket), 254);
            assert_eq!(sent(&SockRef::from(&listener)), 255);
        }
    }

    #[test]
    fn the_same_port_serves_both_families_apart() {
        let v4 = listen(SocketAddr::from(([0, 0, 0, 0], 0)), 255, Blocking::No).unwrap();
        let port = v4.local_addr().unwrap().port();
        match listen(SocketAddr::from(([0u16; 8], port)), 255, Blocking::No) {
            Err(BindError { error, .. }) => assert_eq!(error.raw_os_error(), Some(libc::EAFNOSUPPORT)),
            Ok(v6) => assert!(SockRef::from(&v6).only_v6().unwrap()),
        }
    }

    #[test]
    fn a_port_in_use_says_who_must_yield() {
        let first = listen(loopback(), 255, Blocking::Yes).unwrap();
        let local = first.local_addr().unwrap();
        let error = listen(local, 255, Blocking::Yes).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("another program listens on {local}: stop it or change bgp.listen")
        );
    }

    #[test]
    fn an_address_of_another_machine_is_named() {
        let error = listen("192.0.2.1:1790".parse().unwrap(), 255, Blocking::Yes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot listen on 192.0.2.1:1790: this machine does not have the address 192.0.2.1; add it or change \
             bgp.listen"
        );
    }

    #[test]
    fn a_missing_privilege_names_the_capability_and_both_remedies() {
        let address = "0.0.0.0:179".parse().unwrap();
        let error = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(
            BindError { address, error }.to_string(),
            "this user may not listen on 0.0.0.0:179: ports below 1024 need CAP_NET_BIND_SERVICE (setcap \
             cap_net_bind_service=+ep on the program, or AmbientCapabilities=CAP_NET_BIND_SERVICE in its service \
             unit), or change bgp.listen to a port from 1024 on"
        );
    }
}
