//! What the web client's errors mean, in words for the operator.

use std::io::{self, ErrorKind};
use std::time::Duration;

use super::resolve::ResolveError;

/// How far an exchange had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No answer yet.
    Head,
    /// The body was under way.
    Body,
}

/// A sentence part that says why. `limit` is what the whole exchange may take.
pub(super) fn describe(error: &ureq::Error, phase: Phase, limit: Duration) -> String {
    match error {
        ureq::Error::Timeout(_) => match phase {
            Phase::Head => format!("no answer within {limit:?}"),
            Phase::Body => format!("the body was not complete within {limit:?}"),
        },
        ureq::Error::Io(error) => describe_io(error, phase),
        ureq::Error::Protocol(error) => format!("the answer is no HTTP: {error}"),
        ureq::Error::LargeResponseHeader(_, most) => {
            format!("the answer has more than {most} bytes of headers")
        }
        ureq::Error::Other(error) if error.is::<ResolveError>() => error.to_string(),
        ureq::Error::TlsRequired => "this build of bgplite speaks no https".to_owned(),
        #[cfg(feature = "https")]
        ureq::Error::Rustls(error) => format!("TLS: {error}"),
        other => other.to_string(),
    }
}

fn describe_io(error: &io::Error, phase: Phase) -> String {
    let cut_off = || match phase {
        Phase::Head => "the server closed the connection without an answer".to_owned(),
        Phase::Body => "the connection ended in the middle of the body".to_owned(),
    };
    match error.kind() {
        ErrorKind::ConnectionRefused => "the connection was refused: nothing listens there".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => match phase {
            Phase::Head => "the connection was reset before an answer".to_owned(),
            Phase::Body => "the connection was reset in the middle of the body".to_owned(),
        },
        ErrorKind::UnexpectedEof => cut_off(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            "there is no way to it from here: the network or the host is unreachable".to_owned()
        }
        // rustls says what is wrong with a certificate through here.
        ErrorKind::InvalidData => {
            format!("the other side is not who it should be, or speaks no TLS: {error}")
        }
        _ => error.to_string(),
    }
}
