//! A feed table as JSON: prefixes as words, tag indices as runs.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Column, FeedTable, Hides, PrefixSet, RouteTable};
use crate::ids::{FeedId, Serial};
use crate::rib::{Family, TagSet, V4, V6};

#[derive(Serialize, Deserialize)]
struct TableJson {
    id: FeedId,
    serial: Serial,
    #[serde(with = "crate::coding::shared")]
    tags: Vec<Arc<TagSet>>,
    v4: RoutesJson<V4>,
    v6: RoutesJson<V6>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hides: Option<Box<Hides>>,
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct RoutesJson<F: Family> {
    prefixes: PrefixSet<F>,
    /// Index of a tag set, and how many rows in a row have it.
    tags: Vec<(u16, usize)>,
}

impl Serialize for FeedTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id, serial, v4, v6, tags, hides } = self;
        TableJson {
            id: *id,
            serial: *serial,
            tags: tags.to_vec(),
            v4: RoutesJson::new(v4),
            v6: RoutesJson::new(v6),
            hides: hides.clone(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FeedTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let TableJson { id, serial, tags, v4, v6, hides } = TableJson::deserialize(deserializer)?;
        let wrong = || de::Error::custom("a table's tags do not fit its prefixes");
        Ok(Self {
            id,
            serial,
            v4: v4.into_table(tags.len()).ok_or_else(wrong)?,
            v6: v6.into_table(tags.len()).ok_or_else(wrong)?,
            tags: tags.into_boxed_slice(),
            hides,
        })
    }
}

impl<F: Family> RoutesJson<F> {
    fn new(table: &RouteTable<F>) -> Self {
        let tags = match &table.column {
            Column::One(_) if table.is_empty() => Vec::new(),
            Column::One(index) => Vec::from([(*index, table.len())]),
            Column::Each(indices) => {
                indices.chunk_by(|a, b| a == b).filter_map(|run| Some((*run.first()?, run.len()))).collect()
            }
        };
        Self { prefixes: table.prefixes.clone(), tags }
    }

    /// `None` when the runs are not as long as the rows are many, or name a tag set that is not there.
    fn into_table(self, tag_sets: usize) -> Option<RouteTable<F>> {
        let rows = self.tags.iter().try_fold(0_usize, |rows, (_, len)| rows.checked_add(*len))?;
        if rows != self.prefixes.len() || self.tags.iter().any(|(index, _)| usize::from(*index) >= tag_sets) {
            return None;
        }
        let column = match &*self.tags {
            [] => Column::One(0),
            [(index, _)] => Column::One(*index),
            runs => {
                let indices = runs.iter().flat_map(|&(index, len)| core::iter::repeat_n(index, len));
                Column::Each(indices.collect::<Box<[u16]>>())
            }
        };
        Some(RouteTable { prefixes: self.prefixes, column })
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;
    use crate::config::Aggregate;
    use crate::feed::{FeedPart, parse_lines};
    use crate::wire::Community;

    fn table(parts: &[(&str, &[u32])]) -> FeedTable {
        let lists: Vec<_> = parts.iter().map(|(list, _)| parse_lines(list.as_bytes())).collect();
        let part = |(list, (_, tags)): (&'static crate::feed::ParsedList, &(&str, &[u32]))| FeedPart {
            set4: &list.v4,
            set6: &list.v6,
            tags: Arc::new(TagSet::new(tags.iter().copied().map(Community).collect(), Vec::new())),
        };
        let lists: &'static [_] = Vec::leak(lists);
        let parts: Vec<_> = lists.iter().zip(parts).map(part).collect();
        FeedTable::build(FeedId(3), Serial(9), &parts, Aggregate::Off)
    }

    #[test]
    fn a_table_comes_back_with_the_same_rows_tags_and_version() {
        for parts in [
            &[][..],
            &[("192.0.2.0/24\n2001:db8::/32\n", &[1][..])],
            &[("10.0.0.0/8\n10.1.0.0/16\n", &[1]), ("10.1.0.0/16\n192.0.2.0/24\n2001:db8::/32", &[2, 3])],
        ] {
            let table = table(parts);
            let json = serde_json::to_string(&table).unwrap();
            let back: FeedTable = serde_json::from_str(&json).unwrap();
            assert!(back.same_routes(&table), "{json}");
            assert_eq!((back.id(), back.serial()), (FeedId(3), Serial(9)));
        }
    }

    #[test]
    fn tags_that_do_not_fit_the_rows_are_an_error() {
        let good: String = serde_json::to_string(&table(&[("192.0.2.0/24\n", &[1])])).unwrap();
        assert!(good.contains(r#"{"prefixes":"192.0.2.0/24","tags":[[0,1]]}"#), "{good}");
        for tags in ["[]", "[[0,2]]", "[[1,1]]", "[[0,18446744073709551615],[0,2]]"] {
            let bad = good.replace("[[0,1]]", tags);
            assert!(serde_json::from_str::<FeedTable>(&bad).is_err(), "{bad}");
        }
    }
}
