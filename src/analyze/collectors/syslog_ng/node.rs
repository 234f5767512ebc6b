//! A text into words, texts and groups, with what it includes in its place (syslog-ng: `lib/cfg-lex.l`, `cfg-lexer.c`).

use std::collections::BTreeMap;

use crate::analyze::collectors::config::{self, Config, Env, File, Lookup, MAX_BYTES, MAX_FILES};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::model::Unread;
use crate::analyze::collectors::scan::Scanner;
use crate::analyze::fact::Fact;

/// How deep groups and included files may be nested. Real ones need fewer than ten.
const MAX_DEPTH: usize = 64;

/// What is read of all files together.
const MAX_NODES: usize = 50_000;

/// How long a text may get by what is put between backticks: definitions made of others grow fast.
const MAX_VALUE: usize = 64 * 1024;

/// A text, or why it is not known.
pub(super) type Text = Result<String, String>;

/// Something in a text, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) spot: Spot<'a>,
    pub(super) what: What<'a>,
}

/// What it is.
#[derive(Debug, Clone)]
pub(super) enum What<'a> {
    /// A word without quotes: names, numbers, operators.
    Word(Text),
    /// A text in quotes.
    Quoted(Text),
    /// `( … )`
    Round(Vec<Node<'a>>),
    /// `{ … }`
    Braces(Vec<Node<'a>>),
    /// `[ … ]`
    Square,
    /// `;`
    End,
    /// Files are included here that are not seen.
    Unseen,
}

/// A line of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot<'a> {
    file: &'a File,
    line: usize,
}

impl Spot<'_> {
    pub(super) fn at(self) -> String {
        self.file.place(self.line)
    }
}

impl Node<'_> {
    /// A word, or a text in quotes.
    pub(super) fn text(&self) -> Option<&Text> {
        match &self.what {
            What::Word(text) | What::Quoted(text) => Some(text),
            _ => None,
        }
    }

    /// A word that is known. Names are the same with `-` and `_`.
    pub(super) fn word(&self) -> Option<String> {
        match &self.what {
            What::Word(Ok(word)) => Some(word.replace('_', "-")),
            _ => None,
        }
    }

    pub(super) fn round(&self) -> Option<&[Self]> {
        match &self.what {
            What::Round(nodes) => Some(nodes),
            _ => None,
        }
    }

    pub(super) fn braces(&self) -> Option<&[Self]> {
        match &self.what {
            What::Braces(nodes) => Some(nodes),
            _ => None,
        }
    }
}

/// What the files hold.
pub(super) struct Content<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    /// Included files that are not seen.
    pub(super) unread: Vec<Unread>,
}

/// Reads the main file and all it includes.
pub(super) fn read(config: &Config) -> Result<Content<'_>, Unreadable> {
    let file = match config.file(&config.main) {
        Lookup::Seen(file) => file,
        Lookup::Hidden(why) => return Err(Unreadable::new(&*config.main, why)),
    };
    let mut reader =
        Reader { config, defined: BTreeMap::new(), unread: Vec::new(), files: 0, bytes: 0, nodes: 0 };
    let mut nodes = Vec::new();
    reader.file(file, &file.place(1), 0, &mut nodes)?;
    Ok(Content { nodes, unread: reader.unread })
}

struct Reader<'a> {
    config: &'a Config,
    /// What `@define` has given names to.
    defined: BTreeMap<String, Text>,
    unread: Vec<Unread>,
    files: usize,
    bytes: usize,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn file(
        &mut self,
        file: &'a File,
        from: &str,
        depth: usize,
        into: &mut Vec<Node<'a>>,
    ) -> Result<(), Unreadable> {
        self.files += 1;
        self.bytes += file.text.len();
        if depth > MAX_DEPTH || self.files > MAX_FILES || self.bytes > MAX_BYTES {
            return Err(Unreadable::new(
                from,
                "more is included than can be read, or a file includes itself",
            ));
        }
        self.group(&mut Scanner::new(file), None, depth, into)
    }

    /// What stands up to a closing bracket, or to the end of a file.
    fn group(
        &mut self,
        scanner: &mut Scanner<'a>,
        close: Option<char>,
        depth: usize,
        into: &mut Vec<Node<'a>>,
    ) -> Result<(), Unreadable> {
        if depth > MAX_DEPTH {
            return Err(scanner.fault(format!("brackets are nested more than {MAX_DEPTH} deep")));
        }
        let begun = scanner.line;
        loop {
            spacing(scanner);
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                return Err(scanner.fault("it holds more than can be read"));
            }
            let spot = Spot { file: scanner.file, line: scanner.line };
            let Some(sign) = scanner.peek() else {
                return match close {
                    None => Ok(()),
                    Some(close) => {
                        let why = format!("the bracket that opens here is not closed with {close}");
                        Err(Unreadable::new(scanner.file.place(begun), why))
                    }
                };
            };
            let what = match sign {
                '@' => {
                    let known = self.unread.len();
                    self.pragma(scanner, depth, into)?;
                    if self.unread.len() > known {
                        into.push(Node { spot, what: What::Unseen });
                        into.push(Node { spot, what: What::End });
                    }
                    continue;
                }
                ')' | '}' | ']' if close == Some(sign) => {
                    scanner.take(1);
                    return Ok(());
                }
                ')' | '}' | ']' => return Err(scanner.fault(format!("{sign} closes nothing here"))),
                '(' => What::Round(self.inner(scanner, ')', depth)?),
                '[' => {
                    self.inner(scanner, ']', depth)?;
                    What::Square
                }
                '{' if is_foreign(into) => {
                    skip_foreign(scanner)?;
                    What::Braces(Vec::new())
                }
                '{' => What::Braces(self.inner(scanner, '}', depth)?),
                ';' => {
                    scanner.take(1);
                    What::End
                }
                '"' | '\'' => What::Quoted(self.quoted(scanner, sign)?),
                _ => What::Word(self.word(scanner)),
            };
            into.push(Node { spot, what });
        }
    }

    fn inner(
        &mut self,
        scanner: &mut Scanner<'a>,
        close: char,
        depth: usize,
    ) -> Result<Vec<Node<'a>>, Unreadable> {
        scanner.take(1);
        let mut nodes = Vec::new();
        self.group(scanner, Some(close), depth + 1, &mut nodes)?;
        Ok(nodes)
    }

    /// A text in quotes: a backslash has a meaning between double ones alone.
    fn quoted(&self, scanner: &mut Scanner<'a>, quote: char) -> Result<Text, Unreadable> {
        if quote == '\'' {
            let written = scanner.between(quote, |_, _| false)?;
            return Ok(self.filled(written));
        }
        let written = scanner.between(quote, |c, escaped| c == '\\' && !escaped)?;
        Ok(self.filled(written).map(|text| unescaped(&text)))
    }

    fn word(&self, scanner: &mut Scanner<'a>) -> Text {
        let mut quoting = false;
        let end = scanner.rest.find(|c: char| {
            quoting ^= c == '`';
            !quoting && (c.is_ascii_whitespace() || "#'\"(){}[];,\\".contains(c))
        });
        let end = match end {
            // A sign that nothing is known of is a word of its own.
            Some(0) => usize::from(scanner.starts_with("\\")),
            Some(end) => end,
            None => scanner.rest.len(),
        };
        let written = scanner.take(end);
        let text = self.filled(written)?;
        let text = text.trim();
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        if written.contains('`') && inner.contains(['(', ')', '{', '}', ';', '"', '\'']) {
            return Err(format!("{written} stands for more than a value"));
        }
        Ok(inner.to_owned())
    }

    /// A text with what stands between backticks replaced: by what is defined, or by a variable of the environment.
    fn filled(&self, written: &str) -> Text {
        let mut out = String::with_capacity(written.len());
        let mut rest = written;
        while let Some((before, after)) = rest.split_once('`') {
            let Some((name, behind)) = after.split_once('`') else { break };
            out.push_str(before);
            match (name, self.defined.get(name)) {
                ("", _) => out.push('`'),
                (_, Some(value)) => out.push_str(value.as_ref().map_err(Clone::clone)?),
                (_, None) => out.push_str(&variable(name, &self.config.env)?),
            }
            if out.len() > MAX_VALUE {
                return Err(format!("what `{name}` stands for is longer than can be read"));
            }
            rest = behind;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// `@version: 4.8`, `@define name value`, `@include "path"` and others.
    fn pragma(
        &mut self,
        scanner: &mut Scanner<'a>,
        depth: usize,
        into: &mut Vec<Node<'a>>,
    ) -> Result<(), Unreadable> {
        let at = scanner.file.place(scanner.line);
        scanner.take(1);
        let name = scanner.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        blanks(scanner);
        match name {
            "define" => {
                let name = scanner.take_while(|c| !c.is_ascii_whitespace());
                blanks(scanner);
                let value = self.argument(scanner)?;
                self.defined.insert(name.to_owned(), value);
                Ok(())
            }
            "include" => match self.argument(scanner)? {
                Ok(path) => self.include(&path, &at, depth, into),
                Err(why) => {
                    self.unread.push(Unread {
                        at,
                        why: format!("a file is included whose name is not known: {why}"),
                    });
                    Ok(())
                }
            },
            "version" | "module" | "requires" | "line" => {
                scanner.take_while(|c| c != '\n');
                Ok(())
            }
            other => Err(Unreadable::new(at, format!("@{other} is not known"))),
        }
    }

    fn argument(&self, scanner: &mut Scanner<'a>) -> Result<Text, Unreadable> {
        match scanner.peek() {
            Some(quote @ ('"' | '\'')) => self.quoted(scanner, quote),
            _ => Ok(self.word(scanner)),
        }
    }

    /// Relative paths are sought in the folder of the configuration and among what the program brings itself.
    fn include(
        &mut self,
        path: &str,
        at: &str,
        depth: usize,
        into: &mut Vec<Node<'a>>,
    ) -> Result<(), Unreadable> {
        let full = config::resolve(&self.config.main, path);
        let below = |file: &File| file.path.starts_with(&format!("{}/", full.trim_end_matches('/')));
        let is_folder = self.config.files.iter().any(below);
        let (files, hidden) = if is_folder {
            self.config.glob(&format!("{}/*.conf", full.trim_end_matches('/')))
        } else if full.contains(['*', '?']) {
            self.config.glob(&full)
        } else {
            match self.config.file(&full) {
                Lookup::Seen(file) => (vec![file], None),
                Lookup::Hidden(why) => (Vec::new(), Some(why)),
            }
        };
        for file in files {
            self.file(file, at, depth + 1, into)?;
        }
        // The library that comes with the program: drivers made of others.
        let is_library = path == "scl.conf" || path.starts_with("scl/");
        if let Some(why) = hidden.filter(|_| !is_library) {
            let why = format!("the included {full} is not seen: {why}");
            self.unread.push(Unread { at: at.to_owned(), why });
        }
        Ok(())
    }
}

/// What separates words: a comma has no meaning.
fn spacing(scanner: &mut Scanner<'_>) {
    loop {
        scanner.spacing();
        if !scanner.skip(",") && !scanner.skip("\\\n") {
            return;
        }
    }
}

fn blanks(scanner: &mut Scanner<'_>) {
    scanner.take_while(|c| matches!(c, ' ' | '\t' | ':'));
}

/// Whether a group in braces that comes next is in another language: Python, `FilterX`, or the body of a block, which is text
/// until the block is used.
fn is_foreign(before: &[Node<'_>]) -> bool {
    let begin = before.iter().rposition(|node| matches!(node.what, What::End)).map_or(0, |end| end + 1);
    let statement = before.get(begin..).unwrap_or_default();
    let is = |node: Option<&Node<'_>>, words: &[&str]| {
        node.and_then(Node::word).is_some_and(|word| words.contains(&word.as_str()))
    };
    is(statement.last(), &["python", "filterx"]) || is(statement.first(), &["block"])
}

/// Braces and all between them, those in texts and comments not counted.
fn skip_foreign(scanner: &mut Scanner<'_>) -> Result<(), Unreadable> {
    let begun = scanner.line;
    let mut open = 0_usize;
    loop {
        let before = scanner.take_while(|c| !matches!(c, '{' | '}' | '"' | '\'' | '#' | '/'));
        match scanner.peek() {
            None => {
                let why = "the braces that open here are not closed";
                return Err(Unreadable::new(scanner.file.place(begun), why));
            }
            Some('#') => {
                scanner.take_while(|c| c != '\n');
            }
            Some(quote @ ('"' | '\'')) => {
                scanner.between(quote, |c, escaped| c == '\\' && !escaped)?;
            }
            // A regular expression of `FilterX`, where a value is due; otherwise a sign.
            Some('/') if before.trim_end().ends_with(['~', '(', ',']) => {
                scanner.between('/', |c, escaped| c == '\\' && !escaped)?;
            }
            Some('/') => {
                scanner.take(1);
            }
            Some(brace) => {
                scanner.take(1);
                open = if brace == '{' { open + 1 } else { open.saturating_sub(1) };
                if open == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// A variable of the environment; one that is not set is empty.
fn variable(name: &str, env: &Env) -> Text {
    match env.get(name) {
        Fact::Known(known) => Ok(known.value.unwrap_or_default()),
        Fact::Unknown(unknown) => Err(unknown.reason),
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('\n') | None => {}
                Some(other) => out.push(other),
            },
            other => out.push(other),
        }
    }
    out
}
