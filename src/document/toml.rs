//! TOML texts into values that know where their fields stand.
//!
//! The parser knows no dates: they are quoted before it sees them, so that they are read as text.

use serde_json::Number;
use toml_span::value::{Value, ValueInner};

use super::node::{Mark, Node, Tree};
use super::yaml::{Fault, MAX_DEPTH, with_room};

/// Reads a text. Fields are marked where their key stands, elements of a list where they begin.
///
/// # Errors
/// It is not TOML, or is nested deeper than [`MAX_DEPTH`].
pub fn parse(text: &str) -> Result<Tree, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    with_room(|| parse_here(text)).unwrap_or_else(|error| {
        Err(Fault { line: 1, column: 1, message: format!("no thread to read it with: {error}") })
    })
}

fn parse_here(text: &str) -> Result<Tree, Fault> {
    let lines = Lines::of(text);
    let dates = Scan::dates(text)
        .map_err(|at| lines.fault(at, format!("nested more than {MAX_DEPTH} levels deep")))?;
    let quoted = Quoted::new(text, &dates);
    let places = Places { lines, inserted: quoted.inserted };
    match toml_span::parse(&quoted.text) {
        Ok(mut root) => {
            let node = places.node(root.take());
            Ok(Tree::Marked(Mark { line: 1, column: 1 }, node))
        }
        Err(error) => Err(places
            .lines
            .fault(places.original(error.span.start), format!("not valid TOML: {}", error.kind))),
    }
}

/// Where lines begin, so that offsets become lines and columns.
struct Lines {
    starts: Vec<usize>,
    /// The bytes that do not begin a character, which columns do not count.
    continuing: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let bytes = || text.bytes().enumerate();
        Self {
            starts: std::iter::once(0)
                .chain(bytes().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
                .collect(),
            continuing: bytes().filter(|(_, byte)| byte & 0xC0 == 0x80).map(|(at, _)| at).collect(),
        }
    }

    fn mark(&self, offset: usize) -> Mark {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let before = |at: usize| self.continuing.partition_point(|byte| *byte < at);
        let column = (offset - start).saturating_sub(before(offset) - before(start)) + 1;
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Mark { line: narrow(line), column: narrow(column) }
    }

    fn fault(&self, offset: usize, message: String) -> Fault {
        let mark = self.mark(offset);
        Fault { line: mark.line.into(), column: mark.column.into(), message }
    }
}

/// A text with quotes around its dates.
struct Quoted {
    text: String,
    /// Where the quotes stand, in the new text.
    inserted: Vec<usize>,
}

impl Quoted {
    fn new(text: &str, dates: &[(usize, usize)]) -> Self {
        let mut quoted =
            Self { text: String::with_capacity(text.len() + 2 * dates.len()), inserted: Vec::new() };
        let mut done = 0;
        for edge in dates.iter().flat_map(|(start, end)| [*start, *end]) {
            quoted.text.push_str(text.get(done..edge).unwrap_or_default());
            quoted.inserted.push(quoted.text.len());
            quoted.text.push('\'');
            done = edge;
        }
        quoted.text.push_str(text.get(done..).unwrap_or_default());
        quoted
    }
}

struct Places {
    lines: Lines,
    inserted: Vec<usize>,
}

impl Places {
    fn original(&self, offset: usize) -> usize {
        offset - self.inserted.partition_point(|quote| *quote < offset)
    }

    fn mark(&self, offset: usize) -> Mark {
        self.lines.mark(self.original(offset))
    }

    fn node(&self, value: ValueInner<'_>) -> Node {
        match value {
            ValueInner::String(text) => Node::Text(text.into_owned()),
            ValueInner::Integer(number) => Node::Number(number.into()),
            ValueInner::Float(number) => Number::from_f64(number).map_or(Node::Null, Node::Number),
            ValueInner::Boolean(flag) => Node::Bool(flag),
            ValueInner::Array(items) => Node::List(items.into_iter().map(|item| self.item(item)).collect()),
            ValueInner::Table(table) => {
                let mut entries: Vec<_> = table.into_iter().collect();
                // As they are written, not by name.
                entries.sort_by_key(|(key, _)| key.span.start);
                Node::Map(
                    entries
                        .into_iter()
                        .map(|(key, mut value)| {
                            let mark = self.mark(key.span.start);
                            (key.name.into_owned(), mark, self.node(value.take()))
                        })
                        .collect(),
                )
            }
        }
    }

    fn item(&self, mut value: Value<'_>) -> (Mark, Node) {
        let mark = self.mark(value.span.start);
        (mark, self.node(value.take()))
    }
}

/// Goes through a text once, before it is parsed: finds dates, and how deep it is nested.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The brackets that are open in a value.
    open: Vec<u8>,
    /// The last byte that is neither space nor part of a comment.
    before: u8,
    /// The dots in the key that is being read.
    dots: usize,
}

impl<'a> Scan<'a> {
    /// The dates, from where to where; or where it is nested too deep.
    fn dates(text: &'a str) -> Result<Vec<(usize, usize)>, usize> {
        let mut scan = Self { bytes: text.as_bytes(), at: 0, open: Vec::new(), before: b'\n', dots: 0 };
        let mut dates = Vec::new();
        while let Some(byte) = scan.peek(0) {
            let is_value = scan.is_value();
            match byte {
                b'#' => scan.skip_while(|byte| byte != b'\n'),
                b'\n' => {
                    if scan.open.is_empty() {
                        (scan.before, scan.dots) = (byte, 0);
                    }
                    scan.at += 1;
                }
                b' ' | b'\t' | b'\r' => scan.at += 1,
                b'"' | b'\'' => scan.skip_string(byte),
                b'[' | b'{' => {
                    if is_value {
                        scan.open.push(byte);
                    }
                    scan.step(byte);
                }
                b']' | b'}' => {
                    scan.open.pop();
                    scan.step(byte);
                }
                b'=' | b',' => {
                    scan.dots = 0;
                    scan.step(byte);
                }
                _ => {
                    let start = scan.at;
                    if is_value && let Some(end) = scan.date_end() {
                        dates.push((start, end));
                        scan.at = end;
                    } else {
                        if byte == b'.' && !is_value {
                            scan.dots += 1;
                        }
                        scan.at += 1;
                    }
                    scan.before = byte;
                }
            }
            if scan.open.len() > MAX_DEPTH || scan.dots > MAX_DEPTH {
                return Err(scan.at);
            }
        }
        Ok(dates)
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn step(&mut self, byte: u8) {
        self.before = byte;
        self.at += 1;
    }

    /// Whether a value begins here: behind `=`, or in a list.
    fn is_value(&self) -> bool {
        self.before == b'=' || (self.open.last() == Some(&b'[') && matches!(self.before, b'[' | b','))
    }

    fn skip_while(&mut self, goes_on: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&goes_on) {
            self.at += 1;
        }
    }

    fn skip_string(&mut self, quote: u8) {
        let is_long = self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
        let width = if is_long { 3 } else { 1 };
        self.at += width;
        while let Some(byte) = self.peek(0) {
            if byte == b'\\' && quote == b'"' {
                self.at += 2;
            } else if byte == quote && (1..width).all(|ahead| self.peek(ahead) == Some(quote)) {
                self.at += width;
                // One or two quotes may stand before the closing three.
                if is_long {
                    self.skip_while(|byte| byte == quote);
                }
                break;
            } else if byte == b'\n' && !is_long {
                break;
            } else {
                self.at += 1;
            }
        }
        self.before = quote;
    }

    /// Where the date or time that begins here ends.
    fn date_end(&self) -> Option<usize> {
        let digits = |from: usize, count: usize| {
            (from..from + count).all(|at| self.bytes.get(at).is_some_and(u8::is_ascii_digit))
        };
        let is = |at: usize, byte: u8| self.bytes.get(at) == Some(&byte);
        let is_time = |at: usize| digits(at, 2) && is(at + 2, b':');
        let is_date =
            digits(self.at, 4) && is(self.at + 4, b'-') && digits(self.at + 5, 2) && is(self.at + 7, b'-');
        if !is_date && !is_time(self.at) {
            return None;
        }
        let token = |from: usize| {
            let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b":+-.".contains(byte);
            from + self.bytes.iter().skip(from).take_while(is_part).count()
        };
        let end = token(self.at);
        Some(if is_date && is(end, b' ') && is_time(end + 1) { token(end + 1) } else { end })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::document::Document;

    fn document(text: &str) -> Document {
        parse(text).unwrap().document("f.toml")
    }

    #[test]
    fn fields_know_where_they_stand() {
        let text = "a = 1\n[b.c]\nd = [\"x\", 'y']\n[[e]]\nf = true\n[[e]]\nf = 1.5\n";
        let document = document(text);
        assert_eq!(
            document.value,
            json!({"a": 1, "b": {"c": {"d": ["x", "y"]}}, "e": [{"f": true}, {"f": 1.5}]})
        );
        for (path, place) in [
            ("a", "f.toml:1:1"),
            ("b.c", "f.toml:2:4"),
            ("b.c.d", "f.toml:3:1"),
            ("b.c.d[1]", "f.toml:3:12"),
            ("e[1].f", "f.toml:7:1"),
        ] {
            assert_eq!(document.place.field(path), place, "{path}");
        }
    }

    #[test]
    fn dates_are_text_and_move_nothing() {
        let text = "a = { d = 1979-05-27 07:32:00Z, é = 07:32:00, n = 1e-05, f = [2020-01-01, 1.5] } # 2020-01-01\n\
                    2020-01-01 = \"2020-01-01 \\\" x\"\nt = \"\"\"\n2020-01-01\"\"\"\n";
        let text = text.replace('é', "e");
        let document = document(&text);
        assert_eq!(document.value["a"]["d"], "1979-05-27 07:32:00Z");
        assert_eq!(document.value["a"]["f"], json!(["2020-01-01", 1.5]));
        assert_eq!(document.value["2020-01-01"], "2020-01-01 \" x");
        assert_eq!(document.value["t"], "2020-01-01");
        assert_eq!(document.place.field("a.n"), "f.toml:1:47");
    }

    #[test]
    fn columns_count_characters() {
        let document = document("a = { \"ü\" = \"üü\", b = 1 }");
        assert_eq!(document.place.field("a.b"), "f.toml:1:19");
    }

    #[test]
    fn broken_text_ends_in_a_fault_at_its_line() {
        let fault = parse("a = 1\nb = \n").unwrap_err();
        assert_eq!(fault.line, 2);
        assert!(fault.message.starts_with("not valid TOML: "), "{fault}");
        assert_eq!(parse("a = 1\na = 2\n").unwrap_err().line, 2);
        assert_eq!(parse("a = 2020-01-01 2020-01-01 x").unwrap_err().line, 1);
    }

    #[test]
    fn hostile_texts_end() {
        let started = Instant::now();
        assert!(parse(&format!("a = {}", "[".repeat(10_000))).unwrap_err().message.contains("nested"));
        assert!(parse(&"a.".repeat(10_000)).unwrap_err().message.contains("nested"));
        assert!(parse(&format!("[{}]", "a.".repeat(10_000))).unwrap_err().message.contains("nested"));
        for byte in ["[", "a", "\"", "'", "\n", "=", "#", "{", "1", "."] {
            drop(parse(&byte.repeat(4 * 1024 * 1024)));
        }
        drop(parse(&"[[a]]\n".repeat(100_000)));
        assert!(started.elapsed().as_secs() < 60);
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in any::<String>()) {
            drop(parse(&text));
        }

        #[test]
        fn soup_never_panics(
            parts in prop::collection::vec(prop::sample::select(vec![
                "[", "]", "[[a]]\n", "{", "}", "=", ",", "a", ".", "\"", "'''", "\"\"\"", "\n", " ", "#", "2020-01-01",
                "07:32:00", "1", "true", "\\", "é", "[sinks.x]\n", "type = \"loki\"\n",
            ]), 0..40)
        ) {
            drop(parse(&parts.concat()));
        }
    }
}
