//! Headers whose values are secrets: resolved when they are sent, and shown nowhere.

use std::fs::File;
use std::io::Read as _;

use ureq::http::{HeaderName, HeaderValue};

/// The headers of a request, each value an `env:NAME`, a `file:PATH` or itself. The error is a sentence part that
/// names the header and where its value should have been, and never the value.
pub(super) fn resolve(headers: &[(String, String)]) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    headers
        .iter()
        .map(|(name, value)| {
            let place = |problem: String| format!("the header {name}: {problem}");
            let key: HeaderName = name.parse().map_err(|_| place("this is no header's name".to_owned()))?;
            let text = read(value).map_err(place)?;
            let mut value = HeaderValue::from_str(text.trim_ascii())
                .map_err(|_| place("its value has characters that no header may have".to_owned()))?;
            value.set_sensitive(true);
            Ok((key, value))
        })
        .collect()
}

fn read(value: &str) -> Result<String, String> {
    if let Some(variable) = value.strip_prefix("env:") {
        return match std::env::var(variable) {
            Ok(text) if !text.is_empty() => Ok(text),
            Ok(_) => Err(format!("the environment variable {variable} is empty")),
            Err(std::env::VarError::NotPresent) => {
                Err(format!("the environment variable {variable} is not set"))
            }
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(format!("the environment variable {variable} is no text"))
            }
        };
    }
    let Some(path) = value.strip_prefix("file:") else {
        return Ok(value.to_owned());
    };
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_SECRET + 1).read_to_string(&mut text));
    match read {
        // Not the error's own words: they may quote.
        Err(error) => Err(format!("the file {path} cannot be read: {}", error.kind())),
        Ok(_) if text.len() as u64 > MAX_SECRET => {
            Err(format!("the file {path} has more than {MAX_SECRET} bytes"))
        }
        Ok(_) if text.trim_ascii().is_empty() => Err(format!("the file {path} is empty")),
        Ok(_) => Ok(text),
    }
}

/// Octets of a file that holds a header's value.
const MAX_SECRET: u64 = 8192;
