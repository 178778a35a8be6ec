//! Values of the API that JSON or poem-openapi alone cannot express.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Datelike as _, SecondsFormat, Timelike as _, Utc};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::domain::Sha256;

/// Implements the parts of [`Type`] that are the same for every value here.
macro_rules! plain_type {
    () => {
        type RawValueType = Self;
        type RawElementValueType = Self;

        fn as_raw_value(&self) -> Option<&Self::RawValueType> {
            Some(self)
        }

        fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
            Box::new(std::iter::once(self))
        }
    };
}

/// A field that is always there and may be null.
///
/// `Option` would be left out of the document's required fields and not be declared nullable, which generated clients
/// take at its word.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Nullable<T>(pub Option<T>);

impl<T, U: Into<T>> From<Option<U>> for Nullable<T> {
    fn from(value: Option<U>) -> Self {
        Self(value.map(Into::into))
    }
}

fn nullable(schema: MetaSchemaRef) -> MetaSchemaRef {
    match schema {
        MetaSchemaRef::Inline(mut schema) => {
            schema.nullable = true;
            MetaSchemaRef::Inline(schema)
        }
        reference @ MetaSchemaRef::Reference(_) => {
            MetaSchemaRef::Inline(Box::new(MetaSchema { nullable: true, all_of: vec![reference], ..MetaSchema::ANY }))
        }
    }
}

impl<T: Type> Type for Nullable<T> {
    const IS_REQUIRED: bool = true;
    plain_type!();

    fn name() -> Cow<'static, str> {
        format!("nullable_{}", T::name()).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        nullable(T::schema_ref())
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ToJSON> ToJSON for Nullable<T> {
    fn to_json(&self) -> Option<Value> {
        self.0.as_ref().map_or(Some(Value::Null), ToJSON::to_json)
    }
}

impl<T: ParseFromJSON> ParseFromJSON for Nullable<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        Option::<T>::parse_from_json(value).map(Self).map_err(ParseError::propagate)
    }
}

/// A field of a merge patch (RFC 7396): absent is unchanged, null is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Patch<T> {
    /// The field is absent.
    #[default]
    Unchanged,
    /// The field is null.
    Cleared,
    /// The field has a value.
    Set(T),
}

impl<T> Patch<T> {
    /// Applies `change` to a new value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Unchanged => Patch::Unchanged,
            Self::Cleared => Patch::Cleared,
            Self::Set(value) => Patch::Set(change(value)),
        }
    }
}

impl<T> Patch<T> {
    /// Returns the change, if there is one: the new value, or `None` for a cleared field.
    pub fn into_change(self) -> Option<Option<T>> {
        match self {
            Self::Unchanged => None,
            Self::Cleared => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }
}

impl<T: Default> Patch<T> {
    /// Returns the new value, if there is one; a cleared field takes its default.
    pub fn or_default(self) -> Option<T> {
        match self {
            Self::Unchanged => None,
            Self::Cleared => Some(T::default()),
            Self::Set(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Cleared, Self::Set))
    }
}

impl<T: Type> Type for Patch<T> {
    const IS_REQUIRED: bool = false;
    plain_type!();

    fn name() -> Cow<'static, str> {
        format!("patch_{}", T::name()).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        nullable(T::schema_ref())
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ToJSON> ToJSON for Patch<T> {
    fn to_json(&self) -> Option<Value> {
        match self {
            Self::Unchanged => None,
            Self::Cleared => Some(Value::Null),
            Self::Set(value) => value.to_json(),
        }
    }
}

impl<T: ParseFromJSON> ParseFromJSON for Patch<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            None => Ok(Self::Unchanged),
            Some(Value::Null) => Ok(Self::Cleared),
            value => T::parse_from_json(value).map(Self::Set).map_err(ParseError::propagate),
        }
    }
}

/// A moment, written in RFC 3339, UTC, always with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timestamp(pub DateTime<Utc>);

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match digits(self.0) {
            Some(text) => serializer.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?),
            None => serializer.collect_str(self),
        }
    }
}

/// Writes a moment between the years 0 and 9999. The page of a list has dozens, and the formatter of chrono takes ten times
/// as long for one.
fn digits(at: DateTime<Utc>) -> Option<[u8; 24]> {
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let parts = [
        (0..4, u32::try_from(at.year()).ok().filter(|year| *year < 10_000)?),
        (5..7, at.month()),
        (8..10, at.day()),
        (11..13, at.hour()),
        (14..16, at.minute()),
        (17..19, at.second()),
        // A leap second has a thousand more.
        (20..23, Some(at.timestamp_subsec_millis()).filter(|millis| *millis < 1000)?),
    ];
    for (place, mut number) in parts {
        for digit in text.get_mut(place)?.iter_mut().rev() {
            *digit += (number % 10) as u8;
            number /= 10;
        }
    }
    Some(text)
}

impl Type for Timestamp {
    const IS_REQUIRED: bool = true;
    plain_type!();

    fn name() -> Cow<'static, str> {
        "string(date-time)".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            example: Some(Value::from("2026-11-20T08:30:00.000Z")),
            ..MetaSchema::new_with_format("string", "date-time")
        }))
    }
}

impl ToJSON for Timestamp {
    fn to_json(&self) -> Option<Value> {
        Some(Value::from(self.to_string()))
    }
}

impl ParseFromJSON for Timestamp {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let text = value.as_ref().and_then(Value::as_str).ok_or_else(ParseError::expected_input)?;
        let at = DateTime::parse_from_rfc3339(text).map_err(ParseError::custom)?;
        Ok(Self(at.to_utc()))
    }
}

/// A SHA-256 digest in hexadecimal, as it came: reading never fails, so that a list can report every wrong one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HexDigest(pub Option<Sha256>);

impl From<Sha256> for HexDigest {
    fn from(digest: Sha256) -> Self {
        Self(Some(digest))
    }
}

impl Serialize for HexDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(digest) => serializer.collect_str(digest),
            None => serializer.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for HexDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self(Sha256::parse(&text).ok()))
    }
}

impl Type for HexDigest {
    const IS_REQUIRED: bool = true;
    plain_type!();

    fn name() -> Cow<'static, str> {
        "string(sha256)".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            pattern: Some("^[0-9a-fA-F]{64}$".to_owned()),
            example: Some(Value::from(example)),
            ..MetaSchema::new("string")
        }))
    }
}

impl ToJSON for HexDigest {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.map_or(Value::Null, |digest| Value::from(digest.to_hex())))
    }
}

impl ParseFromJSON for HexDigest {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let text = value.as_ref().and_then(Value::as_str).ok_or_else(ParseError::expected_input)?;
        Ok(Self(Sha256::parse(text).ok()))
    }
}

impl ParseFromParameter for HexDigest {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let digest = Sha256::parse(value).map_err(ParseError::custom)?;
        Ok(Self(Some(digest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_chrono_writes_it() {
        let years = [-1, 0, 1, 999, 1970, 2026, 2028, 9999, 10_000];
        for year in years {
            for (month, day, millis) in [(1, 1, 0), (2, 28, 999), (12, 31, 1_999), (10, 9, 70)] {
                let day = chrono::NaiveDate::from_ymd_opt(year, month, day).expect("a day");
                let at = day.and_hms_milli_opt(23, 59, 59, millis).expect("a time").and_utc();
                let expected = at.to_rfc3339_opts(SecondsFormat::Millis, true);
                assert_eq!(serde_json::to_value(Timestamp(at)).expect("JSON"), Value::from(expected));
            }
        }
        assert!(digits(DateTime::UNIX_EPOCH).is_some());
    }
}
