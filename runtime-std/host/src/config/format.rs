//! How a body says its prefixes: `format`, `where` and `preset`.

use bgplite_core::config::{Format, JsonFormat, nearest};
use bgplite_core::feed::preset::{self, Preset};

use super::error::FileError;
use super::reader::{Table, Value};

type Result<T> = std::result::Result<T, FileError>;

/// What `format` says, and `where` with it.
pub(super) fn format(table: &Table<'_>) -> Result<Format> {
    let filter = filter(table)?;
    let format = match table.take("format") {
        None => Format::Lines,
        Some(value) if value.is_string() => one_format(&value)?,
        Some(value) => {
            let mut paths = Vec::new();
            for item in value.items("a string, or an array of strings that begin with \"json:\"")? {
                match one_format(&item)? {
                    Format::Json(json) => paths.extend(json.paths),
                    _ => return Err(item.error("is no path; only paths into JSON can be several")),
                }
            }
            Format::Json(JsonFormat { paths, filter: Vec::new() })
        }
    };
    match (format, table.take("where")) {
        (Format::Json(json), _) => Ok(Format::Json(JsonFormat { filter, ..json })),
        (_, Some(value)) => Err(value.error("filters the fields of JSON; it needs format = \"json:PATH\"")),
        (format, None) => Ok(format),
    }
}

fn one_format(value: &Value<'_>) -> Result<Format> {
    let text = value.string()?;
    if let Some(paths) = text.strip_prefix("json:") {
        let paths = paths.split(',').map(|path| path.trim().trim_start_matches("json:").to_owned());
        return Ok(Format::Json(JsonFormat { paths: paths.collect(), filter: Vec::new() }));
    }
    if let Some(column) = text.strip_prefix("csv:") {
        return Ok(Format::Csv { column: column.trim().to_owned() });
    }
    match text {
        "lines" => Ok(Format::Lines),
        "ranges" => Ok(Format::Ranges),
        _ => Err(value.error(format!(
            "{text:?} is not known; write \"lines\", \"ranges\", \"json:PATH\" like \"json:prefixes[].ip_prefix\", or \
             \"csv:COLUMN\""
        ))),
    }
}

/// What `where` says: fields and patterns, several patterns of one field one after another.
fn filter(table: &Table<'_>) -> Result<Vec<(String, String)>> {
    let Some(value) = table.take("where") else { return Ok(Vec::new()) };
    let fields = value.table("a table, like { region = \"eu-*\" }")?;
    let mut filter = Vec::new();
    for (name, value) in fields.entries() {
        if value.is_string() {
            filter.push((name.to_owned(), value.string()?.to_owned()));
            continue;
        }
        let items = value.items("a string like \"eu-*\", or an array of strings")?;
        if items.is_empty() {
            return Err(value.error("is empty, and nothing would pass; write a pattern like \"*\""));
        }
        for item in items {
            filter.push((name.to_owned(), item.string()?.to_owned()));
        }
    }
    Ok(filter)
}

/// A well-known list: its URL, which a mirror's may replace, and how it says its prefixes.
pub(super) fn preset(table: &Table<'_>) -> Result<(String, Format)> {
    let name = table.require("preset", "its name, like preset = \"aws\"")?;
    let text = name.string()?;
    let Some(preset) = preset::find(text) else {
        let names: Vec<String> = Preset::names().map(|name| format!("\"{name}\"")).collect();
        return Err(name.error(match nearest(text, Preset::names()) {
            Some(near) => format!("{text:?} is not known; did you mean \"{near}\"?"),
            None => format!("{text:?} is not known; write {}", super::source::or(&names)),
        }));
    };
    let filter = filter(table)?;
    let format = preset.format(&filter).map_err(|problem| match table.take("where") {
        Some(value) => value.error(problem),
        None => name.error(problem),
    })?;
    let url = match table.take("url") {
        Some(value) => value.secret().string()?.to_owned(),
        None => preset.url.to_owned(),
    };
    Ok((url, format))
}
