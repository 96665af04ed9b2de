//! Claims about reading a list: the whole body, or a sentence that names the path.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;

use bgplite_core::server::{FetchOutcome, FetchRequest};
use bgplite_host::fetch::fetch;

fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("bgplite-fetch-{}-{name}", std::process::id()))
}

/// The body, or the sentence.
fn get(path: &std::path::Path, max_bytes: u64) -> Result<Vec<u8>, String> {
    let path = path.to_str().unwrap().to_owned();
    match fetch(&FetchRequest::File { path, max_bytes }) {
        FetchOutcome::Body(body) | FetchOutcome::Validated { body, .. } => Ok(body.to_vec()),
        FetchOutcome::Failed(reason) | FetchOutcome::Busy { error: reason, .. } => Err(reason),
        FetchOutcome::Unchanged => panic!("a file is never unchanged"),
    }
}

#[test]
fn a_body_up_to_the_cap_is_read_whole_and_one_byte_more_is_refused() {
    let path = scratch("cap");
    fs::write(&path, "192.0.2.0/24\n").unwrap();
    assert_eq!(get(&path, 13), Ok(b"192.0.2.0/24\n".to_vec()));
    assert_eq!(get(&path, 12), Err(format!("{}: it has more than 12 bytes", path.display())));
    fs::write(&path, "").unwrap();
    assert_eq!(get(&path, 0), Ok(Vec::new()));
    fs::remove_file(&path).unwrap();
}

#[test]
fn what_is_no_file_is_named() {
    let missing = scratch("missing");
    assert_eq!(get(&missing, 9), Err(format!("{}: there is no such file", missing.display())));
    let dir = scratch("dir");
    fs::create_dir(&dir).unwrap();
    assert_eq!(get(&dir, 9), Err(format!("{}: it is a directory, not a file", dir.display())));
    fs::remove_dir(&dir).unwrap();
    assert_eq!(get("/dev/zero".as_ref(), 9), Err("/dev/zero: it is no regular file".into()));
}

#[cfg(unix)]
#[test]
fn a_file_this_user_may_not_read_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let path = scratch("secret");
    fs::write(&path, "x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let outcome = get(&path, 9);
    fs::remove_file(&path).unwrap();
    // Root may read everything.
    if outcome != Ok(b"x".to_vec()) {
        assert_eq!(outcome, Err(format!("{}: this user may not read it", path.display())));
    }
}
