//! Lists, page by page, each item narrowed as soon as it is read.
//!
//! A page of 500 nodes is several megabytes of which a few kilobytes are kept, so an item is only held as a whole until
//! it is narrowed.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::answer::{Failure, is_html};
use super::client::Client;
use super::permissions::Access;
use crate::snapshot::GapReason;

/// The media type of objects and lists.
pub(super) const JSON: &str = "application/json";

/// More pages than any cluster has; a server that always offers another one must not be followed for ever.
const MAX_PAGES: usize = 200;

/// Reads a whole list at the path of its access.
pub(super) async fn list<T>(
    client: &Client,
    access: Access,
    kind: &str,
    narrow: impl Fn(Value) -> T,
) -> Result<Vec<T>, Failure> {
    list_at(client, access, access.path(), kind, narrow).await
}

/// Reads a whole list, whose path has a query. If it expires in the middle it is begun again, once.
pub(super) async fn list_at<T>(
    client: &Client,
    access: Access,
    start: &str,
    kind: &str,
    narrow: impl Fn(Value) -> T,
) -> Result<Vec<T>, Failure> {
    match pages(client, access, start, kind, &narrow).await {
        Err(failure) if failure.gap.reason == GapReason::Expired => {
            pages(client, access, start, kind, &narrow).await
        }
        result => result,
    }
}

async fn pages<T>(
    client: &Client,
    access: Access,
    start: &str,
    kind: &str,
    narrow: &impl Fn(Value) -> T,
) -> Result<Vec<T>, Failure> {
    let mut items = Vec::new();
    let mut path = start.to_owned();
    for _ in 0..MAX_PAGES {
        let body: Vec<u8> = client.get(access, &path, JSON).await?;
        let page = page(&body, kind, narrow).map_err(|what| Failure::malformed(access, &what))?;
        items.extend(page.items);
        match page.next {
            Some(token) => path = format!("{start}&continue={}", encoded(&token)),
            None => return Ok(items),
        }
    }
    Err(Failure::malformed(access, &format!("the list has more than {MAX_PAGES} pages")))
}

/// A page of a list.
#[derive(Debug)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

fn page<T>(body: &[u8], kind: &str, narrow: &impl Fn(Value) -> T) -> Result<Page<T>, String> {
    if is_html(body) {
        return Err("it is a page of HTML".into());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = List(narrow).deserialize(&mut deserializer).and_then(|list| deserializer.end().map(|()| list));
    let list = read.map_err(|error| not_json(&error))?;
    if list.kind != kind {
        return Err(format!("it is {:?} instead of {kind}", list.kind));
    }
    Ok(Page { items: list.items, next: list.next.filter(|token| !token.is_empty()) })
}

/// What is wrong with JSON, without quoting it.
pub(super) fn not_json(error: &serde_json::Error) -> String {
    let what = if error.is_eof() { "its JSON is cut off" } else { "it is not the JSON it should be" };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

/// A token in a query.
fn encoded(token: &str) -> String {
    let mut text = String::new();
    for byte in token.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

struct Read<T> {
    kind: String,
    next: Option<String>,
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

struct List<'a, F>(&'a F);

impl<'de, T, F: Fn(Value) -> T> DeserializeSeed<'de> for List<'_, F> {
    type Value = Read<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T, F: Fn(Value) -> T> Visitor<'de> for List<'_, F> {
    type Value = Read<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut read = Read { kind: String::new(), next: None, items: Vec::new() };
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "kind" => read.kind = map.next_value()?,
                "metadata" => read.next = map.next_value::<Metadata>()?.next,
                "items" => read.items = map.next_value_seed(Items(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(read)
    }
}

struct Items<'a, F>(&'a F);

impl<'de, T, F: Fn(Value) -> T> DeserializeSeed<'de> for Items<'_, F> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // An empty Go slice is written as null.
        deserializer.deserialize_option(self)
    }
}

impl<'de, T, F: Fn(Value) -> T> Visitor<'de> for Items<'_, F> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("items")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element::<Value>()? {
            items.push((self.0)(item));
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(body: &str) -> Result<(Vec<String>, Option<String>), String> {
        let narrow = |item: Value| item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        page(body.as_bytes(), "NodeList", &narrow).map(|page| (page.items, page.next))
    }

    #[test]
    fn items_are_read_in_any_order_of_the_fields() {
        let expected = Ok((vec!["a".to_owned(), "b".to_owned()], Some("t".to_owned())));
        for body in [
            r#"{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"1","continue":"t"},
                "items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#,
            r#"{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}],"metadata":{"continue":"t"},"kind":"NodeList"}"#,
        ] {
            assert_eq!(names(body), expected);
        }
        assert_eq!(
            names(r#"{"kind":"NodeList","items":null,"metadata":{"continue":""}}"#),
            Ok((vec![], None))
        );
    }

    #[test]
    fn anything_else_is_refused_without_being_quoted() {
        for (body, expected) in [
            ("", "cut off"),
            (r#"{"kind":"NodeList","items":[{"metadata":"#, "cut off"),
            ("<html>", "HTML"),
            ("[]", "not the JSON"),
            (r#"{"kind":"Status"}"#, "it is \"Status\" instead of NodeList"),
            (r#"{"kind":"NodeList","items":"hunter2"}"#, "not the JSON"),
            (r#"{"kind":"NodeList"} hunter2"#, "not the JSON"),
            (r#"{"kind":"NodeList","metadata":{"continue":7}}"#, "not the JSON"),
        ] {
            let error = names(body).unwrap_err();
            assert!(error.contains(expected) && !error.contains("hunter2"), "{body}: {error}");
        }
    }

    #[test]
    fn tokens_are_encoded() {
        assert_eq!(encoded("aZ0-._~"), "aZ0-._~");
        assert_eq!(encoded("a=b&c ü"), "a%3Db%26c%20%C3%BC");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = page(&bytes, "NodeList", &|_| ());
        }
    }
}
