//! Answers of `/metrics` in the Prometheus text format.
//!
//! A busy apiserver answers with tens of megabytes of which a dozen lines matter here, so [`Parser`] takes the answer
//! piece by piece and holds no more than one line.

use std::collections::BTreeMap;

use crate::snapshot::AuditCounters;

/// The longest line that is read. Lines of an apiserver have a few hundred bytes.
const MAX_LINE: usize = 64 * 1024;

/// The most label values that one family may have here; the real ones have four and five.
const MAX_SERIES: usize = 64;

/// Keeps the audit series of a whole exposition. See [`Parser`] for one that comes in pieces.
///
/// # Errors
/// It is no exposition, or not one of a single process: what is wrong with it, in one line.
pub fn parse(body: &[u8]) -> Result<AuditCounters, String> {
    let mut parser = Parser::default();
    parser.push(body)?;
    parser.finish()
}

/// Reads an exposition in pieces, however it was cut.
#[derive(Debug, Default)]
pub struct Parser {
    counters: AuditCounters,
    /// The beginning of a line whose end has not come yet.
    carry: Vec<u8>,
    line: u64,
    samples: u64,
}

impl Parser {
    /// Takes the next piece.
    ///
    /// # Errors
    /// What is wrong with it, with the number of the line. The parser is of no use after that.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), String> {
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let (line, tail) = rest.split_at(end);
            rest = tail.get(1..).unwrap_or_default();
            if self.carry.is_empty() {
                self.take_line(line)?;
            } else {
                let mut whole = std::mem::take(&mut self.carry);
                whole.extend_from_slice(line);
                self.take_line(&whole)?;
                whole.clear();
                self.carry = whole;
            }
        }
        if self.carry.len() + rest.len() > MAX_LINE {
            return Err(too_long(self.line + 1));
        }
        self.carry.extend_from_slice(rest);
        Ok(())
    }

    /// Ends the exposition.
    ///
    /// # Errors
    /// The last line is no sample, or there was none at all.
    pub fn finish(mut self) -> Result<AuditCounters, String> {
        if !self.carry.is_empty() {
            let last = std::mem::take(&mut self.carry);
            self.take_line(&last)?;
        }
        if self.samples == 0 {
            return Err(if self.line == 0 { "it is empty" } else { "it has no sample in it" }.into());
        }
        match self.counters.requests {
            Some(sum) if !sum.is_finite() => Err("the sum of apiserver_request_total is no number".into()),
            _ => Ok(self.counters),
        }
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), String> {
        self.line += 1;
        if line.len() > MAX_LINE {
            return Err(too_long(self.line));
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start();
        match line.first() {
            None | Some(b'#') => Ok(()),
            Some(b'<') => Err("it is a page of HTML or XML".into()),
            // Names in quotes, `{"a.b",l="v"} 1`, are for names that no series wanted here has.
            Some(b'{') if is_quoted_form(line) => {
                self.samples += 1;
                Ok(())
            }
            Some(b'{') => Err("it is JSON, not metrics".into()),
            Some(_) => self.sample(line).map_err(|what| format!("line {}: {what}", self.line)),
        }
    }

    fn sample(&mut self, line: &[u8]) -> Result<(), String> {
        let end = line.iter().position(|&byte| !is_name_byte(byte)).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        if name.is_empty() || name.first().is_some_and(u8::is_ascii_digit) {
            return Err("it is not a metric".into());
        }
        if !matches!(rest.first(), Some(b'{' | b' ' | b'\t')) {
            return Err("it is not a metric".into());
        }
        self.samples += 1;
        let Some(series) = Series::of(name) else {
            // Cheap, and enough to tell text of another kind: after the name come labels or a number.
            return if rest.first() == Some(&b'{') || value(rest).is_some() {
                Ok(())
            } else {
                Err("it is not a metric".into())
            };
        };
        let name = series.name();
        let rest = rest.trim_ascii_start();
        let (labels, rest) = match rest.first() {
            Some(b'{') => labels(rest).ok_or_else(|| format!("the labels of {name} cannot be read"))?,
            _ => (BTreeMap::new(), rest),
        };
        let value = value(rest).ok_or_else(|| format!("{name} has no value"))?;
        if !value.is_finite() || value < 0.0 {
            return Err(format!("{name} has the value {value}, which no apiserver counts"));
        }
        self.keep(series, labels, value)
    }

    fn keep(
        &mut self,
        series: Series,
        mut labels: BTreeMap<String, String>,
        value: f64,
    ) -> Result<(), String> {
        let counters = &mut self.counters;
        let name = series.name();
        // Two samples of what one process has once: somebody put several processes together, and a counter
        // speaks only for its own.
        let twice = || format!("{name} appears twice, so it is not the answer of one process");
        let mut label = |key: &str| labels.remove(key).ok_or_else(|| format!("{name} has no label {key}"));
        let mut by_label = |map: &mut BTreeMap<String, f64>, key: &str| {
            let key = label(key)?;
            if map.len() >= MAX_SERIES {
                return Err(format!("{name} has more than {MAX_SERIES} series"));
            }
            map.insert(key, value).map_or(Ok(()), |_| Err(twice()))
        };
        match series {
            Series::Events => once(&mut counters.events, value, twice),
            Series::Rejected => once(&mut counters.rejected, value, twice),
            Series::ProcessStart => once(&mut counters.process_start_seconds, value, twice),
            Series::Levels => by_label(&mut counters.levels, "level"),
            Series::Errors => by_label(&mut counters.errors, "plugin"),
            Series::BuildInfo => once(&mut counters.git_version, label("git_version")?, twice),
            Series::Requests => {
                counters.requests = Some(counters.requests.unwrap_or_default() + value);
                Ok(())
            }
        }
    }
}

fn once<T>(slot: &mut Option<T>, value: T, twice: impl Fn() -> String) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(twice()),
    }
}

fn too_long(line: u64) -> String {
    format!("line {line} is longer than {} KiB", MAX_LINE / 1024)
}

/// The series that are kept.
#[derive(Debug, Clone, Copy)]
enum Series {
    Events,
    Levels,
    Errors,
    Rejected,
    Requests,
    ProcessStart,
    BuildInfo,
}

impl Series {
    fn of(name: &[u8]) -> Option<Self> {
        [
            Self::Events,
            Self::Levels,
            Self::Errors,
            Self::Rejected,
            Self::Requests,
            Self::ProcessStart,
            Self::BuildInfo,
        ]
        .into_iter()
        .find(|series| series.name().as_bytes() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Events => "apiserver_audit_event_total",
            Self::Levels => "apiserver_audit_level_total",
            Self::Errors => "apiserver_audit_error_total",
            Self::Rejected => "apiserver_audit_requests_rejected_total",
            Self::Requests => "apiserver_request_total",
            Self::ProcessStart => "process_start_time_seconds",
            Self::BuildInfo => "kubernetes_build_info",
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':'
}

/// Whether a line that begins with a brace has a quoted name in it: a string, then `,` or `}`.
fn is_quoted_form(line: &[u8]) -> bool {
    let Some(rest) = line.get(1..).map(<[u8]>::trim_ascii_start).and_then(|rest| rest.strip_prefix(b"\""))
    else {
        return false;
    };
    quoted(rest).is_some_and(|(_, tail)| matches!(tail.trim_ascii_start().first(), Some(b',' | b'}')))
}

/// The number at the beginning; a timestamp or an exemplar may follow.
fn value(rest: &[u8]) -> Option<f64> {
    let token = rest.split(|byte| byte.is_ascii_whitespace()).find(|token| !token.is_empty())?;
    std::str::from_utf8(token).ok()?.parse().ok()
}

/// `{name="value",…}`, and what stands behind it.
fn labels(rest: &[u8]) -> Option<(BTreeMap<String, String>, &[u8])> {
    let mut labels = BTreeMap::new();
    let mut rest = rest.strip_prefix(b"{")?.trim_ascii_start();
    loop {
        if let Some(tail) = rest.strip_prefix(b"}") {
            return Some((labels, tail));
        }
        let end = rest.iter().position(|&byte| !is_name_byte(byte))?;
        let (name, tail) = rest.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
        let tail = tail.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start().strip_prefix(b"\"")?;
        let (text, tail) = quoted(tail)?;
        labels.insert(String::from_utf8(name.to_vec()).ok()?, String::from_utf8(text).ok()?);
        rest = tail.trim_ascii_start();
        match rest.strip_prefix(b",") {
            Some(tail) => rest = tail.trim_ascii_start(),
            None if rest.starts_with(b"}") => {}
            None => return None,
        }
    }
}

/// Text up to the closing quote with `\\`, `\"` and `\n` resolved, and what stands behind the quote.
fn quoted(rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    let mut bytes = rest.iter().enumerate();
    while let Some((at, &byte)) = bytes.next() {
        match byte {
            b'"' => return Some((text, rest.get(at + 1..)?)),
            b'\\' => match bytes.next()?.1 {
                b'n' => text.push(b'\n'),
                escaped @ (b'\\' | b'"') => text.push(*escaped),
                // The format knows no other escape; the Go parser keeps them as they stand.
                other => text.extend([b'\\', *other]),
            },
            other => text.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &str = "# HELP apiserver_audit_event_total [ALPHA] Counter.\n\
        # TYPE apiserver_audit_event_total counter\n\
        apiserver_audit_event_total 104\n\
        apiserver_audit_level_total{level=\"Metadata\"} 98\n\
        apiserver_audit_level_total{level=\"None\"} 312\n\
        apiserver_audit_error_total{plugin=\"log\"} 2\n\
        apiserver_audit_requests_rejected_total 0\n\
        apiserver_request_total{code=\"200\",verb=\"GET\"} 1.5e+01\n\
        apiserver_request_total{code=\"404\",verb=\"GET\"} 5 1795244399000\n\
        go_goroutines NaN\n\
        kubernetes_build_info{git_version=\"v1.36.2\",major=\"1\"} 1\n\
        process_start_time_seconds 1.79524439946e+09\n";

    #[test]
    fn the_audit_series_are_kept_and_nothing_else() {
        let read = parse(SAMPLE.as_bytes()).unwrap();
        assert_eq!(read.events, Some(104.0));
        assert_eq!(read.rejected, Some(0.0));
        assert_eq!(read.requests, Some(20.0));
        assert_eq!(read.process_start_seconds, Some(1_795_244_399.46));
        assert_eq!(read.git_version.as_deref(), Some("v1.36.2"));
        assert_eq!(read.levels, BTreeMap::from([("Metadata".into(), 98.0), ("None".into(), 312.0)]));
        assert_eq!(read.errors, BTreeMap::from([("log".into(), 2.0)]));
    }

    #[test]
    fn the_form_of_a_line_may_vary() {
        for (line, events) in [
            ("apiserver_audit_event_total 1", 1.0),
            ("apiserver_audit_event_total\t1\r\n", 1.0),
            ("  apiserver_audit_event_total {} 1e2 \n", 100.0),
            (
                "apiserver_audit_event_total{ a = \"x\" , b=\"}\\\"\\\\\\n\", } 3 # {trace_id=\"x\"} 9 1\n",
                3.0,
            ),
            ("{\"a.b\",c=\"d\"} 4\napiserver_audit_event_total 4\n# EOF\n", 4.0),
        ] {
            assert_eq!(parse(line.as_bytes()).map(|read| read.events), Ok(Some(events)), "{line:?}");
        }
        let read = parse(b"apiserver_audit_error_total{plugin=\"a\\\"\\\\\\nb\"} 1").unwrap();
        assert_eq!(read.errors.keys().collect::<Vec<_>>(), ["a\"\\\nb"]);
    }

    #[test]
    fn a_missing_series_is_not_zero() {
        let read = parse(b"go_goroutines 12\n").unwrap();
        assert_eq!(read, AuditCounters::default());
    }

    #[test]
    fn what_is_no_exposition_says_so() {
        let long = format!("go_info{{a=\"{}\"}} 1\n", "x".repeat(MAX_LINE));
        for (body, expected) in [
            ("", "empty"),
            ("\n# only comments\n", "no sample"),
            ("<html><body>", "HTML"),
            ("{\"kind\":\"Status\",\"message\":\"no\"}", "JSON"),
            ("404 page not found\n", "line 1: it is not a metric"),
            ("page not found\n", "line 1: it is not a metric"),
            ("go_goroutines 12\n!!\n", "line 2"),
            ("apiserver_audit_event_total\n", "not a metric"),
            ("apiserver_audit_event_total x\n", "no value"),
            ("apiserver_audit_event_total NaN\n", "NaN"),
            ("apiserver_audit_event_total +Inf\n", "inf"),
            ("apiserver_audit_event_total -1\n", "-1"),
            ("apiserver_request_total -Inf\n", "inf"),
            (
                "apiserver_audit_event_total 1\napiserver_audit_event_total{instance=\"b\"} 1\n",
                "appears twice",
            ),
            ("apiserver_audit_level_total 1\n", "no label level"),
            ("apiserver_audit_level_total{level=\"None\" 1\n", "labels"),
            ("apiserver_audit_level_total{level=\"None} 1\n", "labels"),
            (
                "kubernetes_build_info{git_version=\"a\"} 1\nkubernetes_build_info{git_version=\"b\"} 1",
                "twice",
            ),
            (&long, "longer than 64 KiB"),
            (&long.trim_end().replace("} 1", ""), "longer than 64 KiB"),
        ] {
            let error = parse(body.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{:?}: {error}", &body[..body.len().min(80)]);
        }
        let many: String = (0..=MAX_SERIES).fold(String::new(), |all, index| {
            all + &format!("apiserver_audit_error_total{{plugin=\"{index}\"}} 1\n")
        });
        assert!(parse(many.as_bytes()).unwrap_err().contains("more than 64 series"));
    }

    fn in_chunks(body: &[u8], sizes: &[usize]) -> Result<AuditCounters, String> {
        let mut parser = Parser::default();
        let mut rest = body;
        let mut sizes = sizes.iter().cycle();
        while !rest.is_empty() {
            let size = sizes.next().copied().unwrap_or(1).clamp(1, rest.len());
            let (chunk, tail) = rest.split_at(size);
            parser.push(chunk)?;
            rest = tail;
        }
        parser.finish()
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_chunks_do_not_matter(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            sizes in proptest::collection::vec(1_usize..40, 1..6),
        ) {
            prop_assert_eq!(in_chunks(&bytes, &sizes), parse(&bytes));
        }

        #[test]
        fn lines_of_the_format_in_chunks_equal_the_whole(
            picks in proptest::collection::vec((0_usize..12, "[a-zA-Z\\\\\"{}=, \r]{0,8}"), 0..12),
            sizes in proptest::collection::vec(1_usize..60, 1..6),
        ) {
            let mut body = String::new();
            for (pick, noise) in picks {
                body.push_str(SAMPLE.lines().nth(pick).unwrap());
                body.push_str(&noise);
                body.push('\n');
            }
            prop_assert_eq!(in_chunks(body.as_bytes(), &sizes), parse(body.as_bytes()));
        }
    }
}
