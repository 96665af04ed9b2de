//! The configuration file: TOML in, one checked [`HostConfig`] out, or one sentence that says where it is wrong.

mod entry;
mod error;
mod format;
mod guard;
mod reader;
mod section;
mod source;
mod tag;
mod value;

use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bgplite_core::config::{Config, UnknownPeers};
use toml::de::DeTable;

pub use error::{FileError, Position};
use reader::{Document, Keys, Table};

use crate::store::StoreKind;

/// All that one configuration file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// The route server's part; it has passed [`Config::check`].
    pub core: Config,
    /// The endpoints to listen on: those of `[bgp]`, then those that peers have for themselves and no earlier
    /// one covers. At least one.
    pub listen: Vec<SocketAddr>,
    /// TTL or hop limit of what we send.
    pub ttl: u8,
    /// The directory of the store.
    pub state_dir: PathBuf,
    /// Which store is in it.
    pub store: StoreKind,
    /// The least urgent level that is logged.
    pub log_level: LogLevel,
    /// How log lines look.
    pub log_format: LogFormat,
}

/// The least urgent level that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// It cannot go on.
    Error,
    /// An operator should look.
    Warn,
    /// Sessions up and down, feeds changed.
    #[default]
    Info,
    /// State changes.
    Debug,
    /// Every message.
    Trace,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// `key=value` pairs.
    #[default]
    Logfmt,
}

impl HostConfig {
    /// What a file without any section but `core` says: every default of the file format.
    pub fn new(core: Config) -> Self {
        Self {
            core,
            listen: vec![SocketAddr::from(([0, 0, 0, 0], 179)), SocketAddr::from(([0u16; 8], 179))],
            ttl: 255,
            state_dir: PathBuf::from("/var/lib/bgplite"),
            store: StoreKind::default(),
            log_level: LogLevel::default(),
            log_format: LogFormat::default(),
        }
    }

    /// Reads and checks a file. Blocks.
    pub fn load(file: &Path) -> Result<Self, FileError> {
        let text = read(file)?;
        Self::parse(file, &text)
    }

    /// Checks the text of a file. `file` is named in faults, and relative paths are relative to its directory.
    pub fn parse(file: &Path, text: &str) -> Result<Self, FileError> {
        let document = Document::new(file, text);
        let tree = DeTable::parse(text).map_err(|error| document.syntax_error(&error))?;
        let root = document.root(tree.get_ref());
        let base = file.parent().unwrap_or(Path::new(""));
        root.check_keys(&ROOT)?;
        let section = |name: &str| {
            let expected = format!("a section, [{name}]");
            root.take(name).map(|value| value.table(&expected)).transpose()
        };
        let what = "a section [bgp] with at least asn and router_id";
        let bgp = section::bgp(&root.require("bgp", what)?.table("a section, [bgp]")?)?;
        let mut core = bgp.config;
        if let Some(table) = section("limits")? {
            section::limits(&table, &mut core)?;
        }
        let state = section("state")?;
        let state_dir = section::state(state.as_ref(), base, &mut core)?;
        let store = section::store(state.as_ref())?;
        if let Some(table) = section("api")? {
            section::api(&table, &mut core)?;
        }
        if let Some(table) = section("ripestat")? {
            section::ripestat(&table, &mut core)?;
        }
        let (log_level, log_format) = match section("log")? {
            Some(table) => section::log(&table)?,
            None => Default::default(),
        };
        read_entries(&root, base, &mut core)?;
        if !bgp.names_default_feed {
            check_default_feed(&document, &core)?;
        }
        core.check().map_err(|error| document.error_at_path(&error.path, &error.problem))?;
        Ok(Self {
            listen: listeners(bgp.listen, &core),
            core,
            ttl: bgp.ttl,
            state_dir,
            store,
            log_level,
            log_format,
        })
    }
}

fn read_entries(root: &Table<'_>, base: &Path, core: &mut Config) -> Result<(), FileError> {
    let own = core.asn;
    if let Some(lists) = root.take("asn_list") {
        for (name, value) in lists.table("sections, each [asn_list.NAME]")?.entries() {
            let table = value.table(&format!("a section, [{}]", value.path()))?;
            core.asn_lists.push(entry::list(name, &table, own)?);
        }
    }
    if let Some(sources) = root.take("source") {
        for (name, value) in sources.table("sections, each [source.NAME]")?.entries() {
            let table = value.table(&format!("a section, [{}]", value.path()))?;
            core.sources.push(source::source(name, &table, base, own)?);
        }
    }
    if let Some(feeds) = root.take("feed") {
        for (name, value) in feeds.table("sections, each [feed.NAME]")?.entries() {
            let table = value.table(&format!("a section, [{}]", value.path()))?;
            core.feeds.push(entry::feed(name, &table, own)?);
        }
    }
    if let Some(peers) = root.take("peer") {
        for table in peers.tables("sections, each [[peer]] with two brackets")? {
            core.peers.push(entry::peer(&table, own)?);
        }
    }
    Ok(())
}

/// The core would blame a name that the operator never wrote.
fn check_default_feed(document: &Document<'_>, core: &Config) -> Result<(), FileError> {
    let UnknownPeers::Default { feed, .. } = &core.unknown_peers else {
        return Ok(());
    };
    if core.feeds.iter().any(|known| known.name == *feed) {
        return Ok(());
    }
    let example = core.feeds.first().map_or("ru", |known| &known.name);
    let problem = format!(
        "is \"{feed}\" where it does not stand, and there is no such feed; \
         write default_feed = \"{example}\", or unknown_peers = \"refuse\""
    );
    Err(document.error_at_path("bgp.default_feed", &problem))
}

fn listeners(mut listen: Vec<SocketAddr>, core: &Config) -> Vec<SocketAddr> {
    for own in core.peers.iter().filter_map(|peer| peer.listen) {
        let covers = |wide: SocketAddr, narrow| wide == narrow || wide.ip().is_unspecified();
        if !listen.iter().any(|known| section::overlaps(*known, own) && covers(*known, own)) {
            listen.retain(|known| !section::overlaps(*known, own));
            listen.push(own);
        }
    }
    listen
}

fn read(file: &Path) -> Result<String, FileError> {
    let fault = |problem: String| FileError::whole(file, problem);
    let open = File::open(file).map_err(|error| fault(format!("cannot be opened: {error}")))?;
    let mut bytes = Vec::new();
    open.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| fault(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(fault(format!("is longer than {MAX_FILE} bytes; this is no configuration")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|&byte| byte == b'\n').count();
        fault(format!("line {line} is no UTF-8"))
    })
}

const ROOT: Keys = Keys {
    served: &["bgp", "limits", "state", "api", "log", "ripestat", "asn_list", "source", "feed", "peer"],
    later: &[],
};
/// Longest file that is read, in bytes: some 200,000 peers.
const MAX_FILE: u64 = 64 << 20;

#[cfg(test)]
mod tests;
