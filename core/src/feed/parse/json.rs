//! JSON documents, read as they come: nothing of them is kept but the values wanted.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::path::{Path, Step, is_match, parse_all};
use super::{ParseError, cut};
use crate::config::JsonFormat;
use crate::feed::list::{BYTE_ORDER_MARK, Reader};

/// Reads the values at the paths of a format.
pub(super) fn read(format: &JsonFormat, body: &[u8], reader: &mut Reader) -> Result<(), ParseError> {
    let paths = parse_all(&format.paths)?;
    let mut walk = Walk::new(&paths, &format.filter, |_, text: &str| {
        reader.number += 1;
        reader.handle_entry(text.trim_ascii().as_bytes());
    });
    walk.run(body)?;
    if walk.led().contains(&true) {
        return Ok(());
    }
    let is_one = format.paths.len() == 1;
    let paths = cut(&format.paths.join(", "), 200);
    Err(ParseError(format!("is JSON with nothing at {}{paths}", if is_one { "" } else { "any of " })))
}

/// Characters of a value that are kept until it is known whether its element counts. No prefix is that long.
const MAX_KEPT_TEXT: usize = 200;

/// Values at the paths in one element of an array that are kept until it is known whether it counts.
const MAX_KEPT_VALUES: usize = 1024;

/// A way through a document, along all paths at once. `sink` is given the path's index and the value; of what is
/// no string, its text.
pub(super) struct Walk<'p, S> {
    paths: &'p [Path],
    filter: &'p [(String, String)],
    sink: S,
    led: Vec<bool>,
    /// Elements that the walk is in and that a filter judges, from the outside in.
    elements: Vec<Element>,
}

/// What is known of an element so far.
struct Element {
    values: Vec<(usize, String)>,
    /// Which patterns of the filter have been met.
    is_met: Vec<bool>,
}

/// One path, as far as it has been gone.
#[derive(Clone, Copy)]
struct Place {
    path: usize,
    step: usize,
    /// Index of the element that decides whether the value counts; `None` when it counts anyway.
    element: Option<usize>,
}

impl<'p, S: FnMut(usize, &str)> Walk<'p, S> {
    pub(super) fn new(paths: &'p [Path], filter: &'p [(String, String)], sink: S) -> Self {
        Self { paths, filter, sink, led: vec![false; paths.len()], elements: Vec::new() }
    }

    /// For each path, whether there was anything at its end: a value, even one that the filter left out, or an
    /// array without elements on the way.
    pub(super) fn led(&self) -> &[bool] {
        &self.led
    }

    /// Goes through a whole document. Takes stack by the length of the paths, not by the document's depth.
    pub(super) fn run(&mut self, body: &[u8]) -> Result<(), ParseError> {
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let places = (0..self.paths.len()).map(|path| Place { path, step: 0, element: None }).collect();
        let mut document = serde_json::Deserializer::from_slice(body);
        let result = self.in_element(places, |node| node.deserialize(&mut document));
        result.and_then(|()| document.end()).map_err(|error| {
            let start = body.get(..160).unwrap_or(body);
            let start = cut(&String::from_utf8_lossy(start), 40);
            ParseError(format!("is no JSON: {error}; it begins with {start:?}"))
        })
    }

    /// Reads a value that is an element of an array, or the whole document.
    fn in_element<R>(&mut self, mut places: Vec<Place>, read: impl FnOnce(Node<'_, 'p, S>) -> R) -> R {
        // A filter applies to the innermost array's element of each path.
        let index = self.elements.len();
        let mut is_judge = false;
        for place in places.iter_mut().filter(|_| !self.filter.is_empty()) {
            let mut rest =
                self.paths.get(place.path).into_iter().flat_map(|path| path.0.iter().skip(place.step));
            if place.element.is_none() && !rest.any(|step| *step == Step::Each) {
                place.element = Some(index);
                is_judge = true;
            }
        }
        if !is_judge {
            return read(Node { walk: self, places, role: Role::Other });
        }
        self.elements.push(Element { values: Vec::new(), is_met: vec![false; self.filter.len()] });
        let result = read(Node { walk: self, places, role: Role::Element(index) });
        if let Some(element) = self.elements.pop()
            && self.counts(&element)
        {
            for (path, text) in &element.values {
                (self.sink)(*path, text);
            }
        }
        result
    }

    /// Whether each name of the filter has a pattern that was met.
    fn counts(&self, element: &Element) -> bool {
        self.filter.iter().all(|(name, _)| {
            let mut patterns = self.filter.iter().zip(&element.is_met);
            patterns.any(|((other, _), is_met)| other == name && *is_met)
        })
    }

    /// The places whose next step fits, behind it.
    fn enter(&self, places: &[Place], fits: impl Fn(&Step) -> bool) -> Vec<Place> {
        let next = |place: &&Place| self.paths.get(place.path).and_then(|path| path.0.get(place.step));
        let fitting = places.iter().filter(|place| next(place).is_some_and(&fits));
        fitting.map(|place| Place { step: place.step.saturating_add(1), ..*place }).collect()
    }

    /// A value that is no array and no object, or stands for one that a path ends at.
    fn handle_value<E: Error>(&mut self, places: &[Place], text: &str) -> Result<(), E> {
        for place in places {
            if self.paths.get(place.path).is_none_or(|path| place.step < path.0.len()) {
                continue;
            }
            if let Some(led) = self.led.get_mut(place.path) {
                *led = true;
            }
            match place.element.and_then(|index| self.elements.get_mut(index)) {
                Some(element) if element.values.len() < MAX_KEPT_VALUES => {
                    element.values.push((place.path, cut(text, MAX_KEPT_TEXT)));
                }
                Some(_) => {
                    return Err(E::custom(format_args!("an element has more than {MAX_KEPT_VALUES} values")));
                }
                None => (self.sink)(place.path, text),
            }
        }
        Ok(())
    }

    /// The value of a field that the filter asks for.
    fn handle_field(&mut self, element: usize, patterns: &[usize], text: &str) {
        let Some(element) = self.elements.get_mut(element) else { return };
        for &index in patterns {
            if let (Some((_, pattern)), Some(is_met)) =
                (self.filter.get(index), element.is_met.get_mut(index))
            {
                *is_met = *is_met || is_match(pattern, text);
            }
        }
    }
}

/// A value to be read.
struct Node<'w, 'p, S> {
    walk: &'w mut Walk<'p, S>,
    places: Vec<Place>,
    role: Role,
}

/// What a value is to the filter.
enum Role {
    /// Nothing.
    Other,
    /// The element of this index.
    Element(usize),
    /// A field of the element of this index, and which patterns are for it.
    Field(usize, Vec<usize>),
}

impl<S: FnMut(usize, &str)> Node<'_, '_, S> {
    fn handle<E: Error>(self, text: &str) -> Result<(), E> {
        if let Role::Field(element, patterns) = &self.role {
            self.walk.handle_field(*element, patterns, text);
        }
        self.walk.handle_value(&self.places, text)
    }
}

impl<'de, S: FnMut(usize, &str)> DeserializeSeed<'de> for Node<'_, '_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: FnMut(usize, &str)> Visitor<'de> for Node<'_, '_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.handle(text)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.handle(if value { "true" } else { "false" })
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.handle(&value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.handle(&value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.handle(&value.to_string())
    }

    /// `null` is no value.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let Self { walk, places, .. } = self;
        walk.handle_value(&places, "[…]")?;
        let places = walk.enter(&places, |step| *step == Step::Each);
        if places.is_empty() {
            while array.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let mut is_empty = true;
        while walk.in_element(places.clone(), |node| array.next_element_seed(node))?.is_some() {
            is_empty = false;
        }
        for place in places.iter().filter(|_| is_empty) {
            if let Some(led) = walk.led.get_mut(place.path) {
                *led = true;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self { walk, places, role } = self;
        walk.handle_value(&places, "{…}")?;
        let element = match role {
            Role::Element(index) => Some(index),
            Role::Other | Role::Field(..) => None,
        };
        while let Some(name) = object.next_key_seed(Name { walk, places: &places, element })? {
            match name {
                Some((places, role)) => object.next_value_seed(Node { walk, places, role })?,
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The name of a field: `None` if nobody wants its value.
struct Name<'w, 'p, S> {
    walk: &'w Walk<'p, S>,
    places: &'w [Place],
    /// The element whose fields these are.
    element: Option<usize>,
}

impl<'de, S: FnMut(usize, &str)> DeserializeSeed<'de> for Name<'_, '_, S> {
    type Value = Option<(Vec<Place>, Role)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<S: FnMut(usize, &str)> Visitor<'_> for Name<'_, '_, S> {
    type Value = Option<(Vec<Place>, Role)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let fits = |step: &Step| matches!(step, Step::Field(pattern) if is_match(pattern, name));
        let places = self.walk.enter(self.places, fits);
        let role = self.element.map_or(Role::Other, |element| {
            let filter = self.walk.filter.iter().enumerate();
            let patterns: Vec<usize> =
                filter.filter(|(_, (field, _))| field == name).map(|(index, _)| index).collect();
            if patterns.is_empty() { Role::Other } else { Role::Field(element, patterns) }
        });
        let is_wanted = !places.is_empty() || matches!(role, Role::Field(..));
        Ok(is_wanted.then_some((places, role)))
    }
}
