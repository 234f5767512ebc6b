//! YAML and JSON texts into values that know where their fields stand.
//!
//! YAML is read as Kubernetes reads it (`sigs.k8s.io/yaml`): plain `yes` and `on` are booleans, `0644` is octal, of a
//! key given twice the last one counts, merge keys are merged, unknown tags are ignored.

use std::cell::Cell;
use std::fmt;

use serde_json::Value;
use serde_yaml::Spanned;
use serde_yaml::budget::BudgetBreach;

use super::Place;
use super::logs::without_container_logs;
use super::node::{Document, Mark, Node, Tree};

/// How deep values may be nested; the same as in JSON.
pub const MAX_DEPTH: usize = 128;

/// How many keys and values one text may hold: about twice what a list of 64 MiB has.
const MAX_NODES: usize = 16_000_000;

/// How many a short text may hold at least. What aliases bring in counts each time, and no text needs more than a value for
/// each of its characters.
const FEW_NODES: usize = 100_000;

/// What became of a text.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The documents that could be read.
    pub trees: Vec<Tree>,
    /// What is wrong with the others.
    pub faults: Vec<Fault>,
}

/// Why a document could not be read. Prints as `line:column: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// What is wrong there, in one line.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// Reads all documents of a text. Documents without content are left out.
pub fn parse(text: &str) -> Parsed {
    with_room(|| parse_here(text)).unwrap_or_else(|error| Parsed {
        trees: Vec::new(),
        faults: vec![Fault { line: 1, column: 1, message: format!("no thread to read it with: {error}") }],
    })
}

/// Reads the documents of a text that stands inside another document, under `name` (see [`inner_name`]).
pub fn nested(text: &str, name: &str) -> (Vec<Document>, Vec<Fault>) {
    let parsed = parse(text);
    (parsed.trees.into_iter().map(|tree| tree.document(name)).collect(), parsed.faults)
}

/// How places inside the text of a field are called: line and column in the text follow the field.
pub fn inner_name(place: &Place, path: &str) -> String {
    match place.marks.get(path) {
        Some(mark) => format!("{mark} {path}"),
        None => format!("{} {path}", place.at),
    }
}

/// Runs something that recurses as deep as its input on a thread with room for [`MAX_DEPTH`] levels: without
/// optimisation they take more than the 2 MiB that threads usually have.
///
/// # Errors
/// The system gives no thread.
pub fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    const STACK: usize = 32 * 1024 * 1024;
    thread_local! {
        static HAS_ROOM: Cell<bool> = const { Cell::new(false) };
    }
    if HAS_ROOM.get() {
        return Ok(work());
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || {
            HAS_ROOM.set(true);
            work()
        })?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn parse_here(text: &str) -> Parsed {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = &*without_container_logs(text);
    let json = text.trim_start().starts_with(['{', '[']).then(|| parse_json(text));
    if let Some(parsed) = &json
        && parsed.faults.is_empty()
    {
        return json.unwrap_or_default();
    }
    let fault = match parse_yaml(text, 0) {
        Ok(trees) => return Parsed { trees, faults: Vec::new() },
        Err(fault) => fault,
    };
    match json {
        // JSON that breaks off: what its own reader says is nearer to the cause than what YAML makes of it.
        Some(parsed) if !parsed.trees.is_empty() || looks_like_json(text) => parsed,
        _ => parse_pieces(text, fault),
    }
}

fn looks_like_json(text: &str) -> bool {
    let mut chars = text.chars().filter(|c| !c.is_whitespace());
    match chars.next() {
        Some('{') => chars.next().is_none_or(|c| c == '"' || c == '}'),
        Some('[') => chars.next().is_none_or(|c| c == '{' || c == ']' || c == '"'),
        _ => false,
    }
}

/// One or more JSON values one after the other.
fn parse_json(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value {
            Ok(value) => parsed.trees.push(Tree::Plain(value)),
            Err(error) => {
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or_default().to_owned();
                parsed.faults.push(Fault {
                    line: (error.line() as u64).max(1),
                    column: (error.column() as u64).max(1),
                    message: format!("not valid JSON: {message}"),
                });
                break;
            }
        }
    }
    parsed
}

/// The documents of a text, one by one, so that a broken one does not hide the others.
fn parse_pieces(text: &str, whole: Fault) -> Parsed {
    let pieces = pieces(text);
    if pieces.len() == 1 {
        return Parsed { trees: Vec::new(), faults: vec![whole] };
    }
    let mut parsed = Parsed::default();
    for (first_line, piece) in pieces {
        match parse_yaml(piece, first_line) {
            Ok(trees) => parsed.trees.extend(trees),
            Err(fault) => parsed.faults.push(fault),
        }
    }
    if parsed.faults.is_empty() {
        // Only together do the pieces break a limit.
        parsed.faults.push(whole);
    }
    parsed
}

/// The text cut before each `---` line, with the number of lines before each piece.
pub fn pieces(text: &str) -> Vec<(u32, &str)> {
    let mut pieces = Vec::new();
    let (mut start, mut start_line) = (0, 0);
    let (mut position, mut line) = (0, 0);
    let mut only_directives = true;
    for whole_line in text.split_inclusive('\n') {
        let is_separator = whole_line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        // Directives belong to the document after them.
        if is_separator && !only_directives {
            pieces.push((start_line, text.get(start..position).unwrap_or_default()));
            (start, start_line, only_directives) = (position, line, true);
        }
        only_directives &=
            !is_separator && (whole_line.trim().is_empty() || whole_line.starts_with(['#', '%']));
        position += whole_line.len();
        line += 1;
    }
    pieces.push((start_line, text.get(start..).unwrap_or_default()));
    pieces
}

fn parse_yaml(text: &str, lines_before: u32) -> Result<Vec<Tree>, Fault> {
    let nodes = text.len().clamp(FEW_NODES, MAX_NODES);
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: nodes,
            max_events: 3 * nodes,
            max_documents: nodes,
        },
        duplicate_keys: serde_yaml::DuplicateKeyPolicy::LastWins,
        legacy_octal_numbers: true,
        ignore_binary_tag_for_string: true,
        non_finite_float_policy: serde_yaml::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    match serde_yaml::from_multiple_with_options::<Spanned<Node>>(text, options) {
        Ok(documents) => Ok(documents
            .into_iter()
            .map(|document| {
                let mut mark = Mark::of(&document);
                let mut node = document.value;
                if lines_before > 0 {
                    mark.line = mark.line.saturating_add(lines_before);
                    node.shift(lines_before);
                }
                Tree::Marked(mark, node)
            })
            .collect()),
        Err(error) => Err(fault(&error, text, lines_before)),
    }
}

fn fault(error: &serde_yaml::Error, text: &str, lines_before: u32) -> Fault {
    let (line, column) = error.location().map_or((1, 1), |at| (at.line().max(1), at.column().max(1)));
    let mut cause = error.without_snippet();
    while let serde_yaml::Error::AliasError { error, .. } = cause {
        cause = error.without_snippet();
    }
    let message = match cause {
        serde_yaml::Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            format!("nested more than {MAX_DEPTH} levels deep")
        }
        serde_yaml::Error::Budget { .. } | serde_yaml::Error::AliasReplayLimitExceeded { .. } => {
            "more values or aliases than this program reads".to_owned()
        }
        error => {
            let message = error.to_string();
            let end =
                [" at line ", " (defined at line ", "\n"].iter().filter_map(|cut| message.find(cut)).min();
            format!("not valid YAML: {}", message.get(..end.unwrap_or(message.len())).unwrap_or_default())
        }
    };
    let source_line =
        usize::try_from(line - 1).ok().and_then(|line| text.lines().nth(line)).unwrap_or_default();
    let template = ["{{", "{%", "${"].into_iter().find(|mark| source_line.contains(mark));
    let hint = template
        .map(|mark| format!(" (the line holds a template, `{mark}`: render it first and give the result)"))
        .unwrap_or_default();
    Fault { line: line + u64::from(lines_before), column, message: message + &hint }
}

#[cfg(test)]
mod tests;
