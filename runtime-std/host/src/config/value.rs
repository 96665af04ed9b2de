//! What the strings of the file mean: durations, addresses, endpoints, choices.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bgplite_core::config::{AddressMatch, AsnMatch, NextHop, nearest};
use bgplite_core::ids::Asn;
use bgplite_core::rib::{AnyPrefix, PrefixError};
use ipnetwork::IpNetwork;

use super::error::FileError;
use super::reader::Value;

type Result<T> = std::result::Result<T, FileError>;

/// A duration with its unit: `500ms`, `240s`, `5m`, `5min`, `8h`, `1d`; or `0`.
pub(super) fn duration(value: &Value<'_>) -> Result<Duration> {
    const EXPECTED: &str = "a number with its unit (ms, s, m, h or d), like \"240s\"";
    if !value.is_string() {
        return Err(value.wrong_type(EXPECTED));
    }
    let text = value.string()?;
    parse_duration(text).ok_or_else(|| value.error(format!("{text:?} is no duration; write {EXPECTED}")))
}

fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = number_and_unit(text)?;
    let unit_millis = match unit {
        "" if number == 0 => 0,
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(unit_millis).map(Duration::from_millis)
}

/// A count of bytes with its unit: `10MB`, `512KiB`.
pub(super) fn size(value: &Value<'_>) -> Result<u64> {
    const EXPECTED: &str = "a number with its unit (B, kB, MB, GB, KiB, MiB or GiB), like \"10MB\"";
    if !value.is_string() {
        return Err(value.wrong_type(EXPECTED));
    }
    let text = value.string()?;
    parse_size(text).ok_or_else(|| value.error(format!("{text:?} is no size; write {EXPECTED}")))
}

fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = number_and_unit(text)?;
    let unit_bytes = match unit {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit_bytes)
}

/// A percentage, or `None` for `"none"`: no bound.
pub(super) fn percent(value: &Value<'_>) -> Result<Option<u32>> {
    const EXPECTED: &str = "a percentage like \"50%\", or \"none\"";
    if !value.is_string() {
        return Err(value.wrong_type(EXPECTED));
    }
    let text = value.string()?;
    if text == "none" {
        return Ok(None);
    }
    match number_and_unit(text) {
        Some((number, "%")) if u32::try_from(number).is_ok() => Ok(Some(number as u32)),
        _ => Err(value.error(format!("{text:?} is no percentage; write {EXPECTED}"))),
    }
}

/// Decimal digits, and what follows them.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit))
}

/// One of `choices`; `later` are words that a later version will take.
pub(super) fn choice<T: Copy>(value: &Value<'_>, choices: &[(&str, T)], later: &[&str]) -> Result<T> {
    let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    let words = words.join(" or ");
    let text = value.string()?;
    if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == text) {
        return Ok(*choice);
    }
    if later.contains(&text) {
        return Err(value.error(format!("{text:?} is not supported by this version yet; write {words}")));
    }
    let near = nearest(text, choices.iter().map(|(word, _)| *word));
    Err(value.error(match near {
        Some(near) => format!("{text:?} is not known; did you mean \"{near}\"?"),
        None => format!("{text:?} is not known; write {words}"),
    }))
}

/// `address:port`, the address of IPv6 in brackets.
pub(super) fn endpoint(value: &Value<'_>) -> Result<SocketAddr> {
    let text = value.string()?;
    if let Ok(endpoint) = text.parse::<SocketAddr>() {
        refuse_mapped(value, endpoint.ip())?;
        return Ok(endpoint);
    }
    Err(value.error(match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => format!("{text:?} has no port; write \"{address}:179\""),
        Ok(IpAddr::V6(address)) => format!("{text:?} has no port; write \"[{address}]:179\""),
        Err(_) => format!("{text:?} is no address and port; write one like \"0.0.0.0:179\" or \"[::]:179\""),
    }))
}

/// `"self"` or an IPv4 address.
pub(super) fn next_hop_v4(value: &Value<'_>) -> Result<NextHop<Ipv4Addr>> {
    let text = value.string()?;
    if text == "self" {
        return Ok(NextHop::SelfAddress);
    }
    text.parse().map(NextHop::Address).map_err(|_| {
        value.error(format!("{text:?} is no IPv4 address; write one like \"192.0.2.1\", or \"self\""))
    })
}

/// `"self"` or an IPv6 address.
pub(super) fn next_hop_v6(value: &Value<'_>) -> Result<NextHop<Ipv6Addr>> {
    let text = value.string()?;
    if text == "self" {
        return Ok(NextHop::SelfAddress);
    }
    let address: Ipv6Addr = text.parse().map_err(|_| {
        value.error(format!("{text:?} is no IPv6 address; write one like \"2001:db8::1\", or \"self\""))
    })?;
    refuse_mapped(value, IpAddr::V6(address))?;
    Ok(NextHop::Address(address))
}

/// An IPv4 address in dotted form.
pub(super) fn ipv4(value: &Value<'_>) -> Result<Ipv4Addr> {
    let text = value.string()?;
    text.parse()
        .map_err(|_| value.error(format!("{text:?} is no IPv4 address; write one like \"203.0.113.1\"")))
}

/// A prefix or an address, as in a list; host bits are masked.
pub(super) fn prefix(value: &Value<'_>) -> Result<AnyPrefix> {
    let text = value.string()?;
    text.parse().map_err(|error: PrefixError| value.error(format!("{text:?} is no prefix: {error}")))
}

/// An address, a prefix without host bits, or `"any"`.
pub(super) fn address_match(value: &Value<'_>) -> Result<AddressMatch> {
    let text = value.string()?;
    if text == "any" {
        return Ok(AddressMatch::Any);
    }
    let prefix: AnyPrefix = text.parse().map_err(|error: PrefixError| match error {
        PrefixError::DefaultRoute => value.error(format!("{text:?} is every address; write \"any\"")),
        _ => value.error(format!("{text:?} is no address ({error}); write an address, a prefix, or \"any\"")),
    })?;
    // The core masks host bits; here they are a slip, and `ipnetwork` still has them.
    if let Ok(network) = text.parse::<IpNetwork>()
        && network.ip() != network.network()
    {
        return Err(value.error(format!("{text:?} has host bits; write \"{prefix}\" or one address")));
    }
    Ok(AddressMatch::Prefix(prefix))
}

/// An ASN; whether a router may have it, the core checks.
pub(super) fn asn(value: &Value<'_>) -> Result<Asn> {
    value.number(1..=u64::from(u32::MAX)).map(|number| Asn(number as u32))
}

/// An ASN, or `"any"`.
pub(super) fn asn_match(value: &Value<'_>) -> Result<AsnMatch> {
    if !value.is_string() {
        return asn(value).map(AsnMatch::Is);
    }
    match value.string()? {
        "any" => Ok(AsnMatch::Any),
        text => Err(value.error(format!("{text:?} is no ASN; write a number without quotes, or \"any\""))),
    }
}

/// An IPv4 address in IPv6 form never meets a peer: sockets of IPv6 take IPv6 only.
fn refuse_mapped(value: &Value<'_>, address: IpAddr) -> Result<()> {
    match address {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
            let v4 = address.to_canonical();
            Err(value.error(format!("{v6} is an IPv4 address written as IPv6; write {v4}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("500ms", 500),
            ("240s", 240_000),
            ("5m", 300_000),
            ("5min", 300_000),
            ("8h", 28_800_000),
            ("2d", 172_800_000),
        ] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in
            ["", "s", "5", "-5s", "5 s", "1.5s", "5S", "99999999999999999999s", "18446744073709551615d"]
        {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
