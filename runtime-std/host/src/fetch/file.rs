//! A list in a file.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use bgplite_core::server::FetchOutcome;

/// The whole file, or why not.
pub(super) fn fetch(path: &str, max_bytes: u64) -> FetchOutcome {
    match read_file(Path::new(path), max_bytes) {
        Ok(body) => FetchOutcome::Body(body.into()),
        Err(reason) => FetchOutcome::Failed(format!("{path}: {reason}")),
    }
}

fn read_file(path: &Path, max_bytes: u64) -> Result<Vec<u8>, String> {
    let reason = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        _ => format!("it cannot be read: {error}"),
    };
    // Asked before it is opened: opening a named pipe waits for a writer.
    let metadata = std::fs::metadata(path).map_err(reason)?;
    if metadata.is_dir() {
        return Err("it is a directory, not a file".to_owned());
    }
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let too_long = || format!("it has more than {max_bytes} bytes");
    if metadata.len() > max_bytes {
        return Err(too_long());
    }
    let file = File::open(path).map_err(reason)?;
    let mut body = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    // The file may grow while it is read.
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut body).map_err(reason)?;
    if body.len() as u64 > max_bytes {
        return Err(too_long());
    }
    Ok(body)
}
