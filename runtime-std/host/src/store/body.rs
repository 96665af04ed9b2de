//! Bodies as files, named by source and content: `ru.9f86d081884c7d65.body`.
//!
//! The name has the content's hash, so a new body never overwrites the one that the database still points to.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The file of a body inside `dir`.
pub(super) fn path(dir: &Path, name: &str, hash: u64) -> PathBuf {
    dir.join(format!("{name}.{hash:016x}.body"))
}

/// Whether the name of a source or feed can stand in a file name. What has no name of its own is called `@as13335`.
pub(super) fn is_file_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@');
    !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && name.bytes().all(plain)
}

/// Writes a file so that after a crash it has either its old content or `bytes`, and the latter on return.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(dir) => sync_dir(dir),
        None => Ok(()),
    }
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// FNV-1a, 64 bits: tells a damaged body from a good one; no defence against a liar with access to the disk.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hash = Hash::default();
    hash.update(bytes);
    hash.0
}

/// The same, over bytes that come in pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hash(pub(super) u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Hash {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        // Published test vectors of FNV-1a 64.
        assert_eq!(hash(b""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(hash(b"a"), 0xAF63_DC4C_8601_EC8C);
        assert_eq!(hash(b"foobar"), 0x8594_4171_F739_67E8);
    }

    #[test]
    fn a_name_never_leaves_its_directory() {
        for name in ["ru", "@as13335", "@de", "ru.v4", "a-b_c"] {
            assert!(is_file_name(name), "{name}");
        }
        let long = "a".repeat(129);
        for name in ["", ".", "..", ".ru", "a/b", "../a", "@/a", "a\\b", "a\0b", "é", &long] {
            assert!(!is_file_name(name), "{name:?}");
        }
    }
}
