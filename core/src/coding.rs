//! How things look in JSON that serde's own forms would make long or unreadable: as people write them.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Serialises types as what their `Display` writes and their `FromStr` reads.
macro_rules! as_text {
    ($($name:ty),+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <alloc::borrow::Cow<'_, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}
pub(crate) use as_text;

/// Octets as hexadecimal digits: `#[serde(with = "crate::coding::hex")]`.
pub(crate) mod hex {
    use super::{Cow, Deserialize, Deserializer, Hex, Serializer, Vec, de, from_hex};

    pub(crate) fn serialize<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Hex(octets))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let digits = <Cow<'_, str>>::deserialize(deserializer)?;
        from_hex(&digits).ok_or_else(|| de::Error::custom("not an even number of hexadecimal digits"))
    }
}

/// A body as `{"text": …}` when it is UTF-8, so that lists can be read, and else as `{"hex": …}`.
pub(crate) mod body {
    use super::{Arc, Body, Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(body: &Arc<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        match core::str::from_utf8(body) {
            Ok(text) => Body::Text(text.into()),
            Err(_) => Body::Hex(body.to_vec()),
        }
        .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[u8]>, D::Error> {
        Ok(match Body::deserialize(deserializer)? {
            Body::Text(text) => Arc::from(text.as_bytes()),
            Body::Hex(octets) => Arc::from(octets),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body<'a> {
    Text(Cow<'a, str>),
    Hex(#[serde(with = "hex")] Vec<u8>),
}

/// Values that others share, each written in full: `#[serde(with = "crate::coding::shared")]`.
pub(crate) mod shared {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer, Vec};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        values: &[Arc<T>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| &**value))
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Arc<T>>, D::Error> {
        Ok(Vec::<T>::deserialize(deserializer)?.into_iter().map(Arc::new).collect())
    }
}

/// A shared value as what it is.
pub(crate) mod shared_one {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Arc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        T::serialize(value, serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

/// Shows each item's text, with a blank between two.
pub(crate) struct Words<I>(pub(crate) I);

impl<I: Iterator<Item: fmt::Display> + Clone> fmt::Display for Words<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.clone().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}

/// Shows octets as hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some at a time: a formatter is slow to take digits one by one.
        let mut digits = String::with_capacity(2 * CHUNK);
        for octets in self.0.chunks(CHUNK) {
            digits.clear();
            for octet in octets {
                let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
                digits.extend([digit(octet >> 4), digit(octet & 0xF)]);
            }
            f.write_str(&digits)?;
        }
        Ok(())
    }
}

const CHUNK: usize = 256;

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |octet: u8| u8::try_from(char::from(octet).to_digit(16)?).ok();
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    #[test]
    fn octets_are_two_digits_each_and_nothing_else_is_taken() {
        let octets: Vec<u8> = (0..=255).collect();
        let digits = Hex(&octets).to_string();
        assert!(digits.starts_with("000102") && digits.ends_with("fdfeff"));
        assert_eq!(from_hex(&digits), Some(octets));
        assert_eq!(from_hex("0aFF"), Some(vec![10, 255]));
        assert_eq!(from_hex("0a0"), None);
        assert_eq!(from_hex("0g"), None);
        assert_eq!(from_hex("é0"), None);
    }
}
