//! Filters in the Logging query language, and whether they match an entry of which not everything is known.
//!
//! `OR` binds closer than `AND`, `AND` may be left out, texts are compared without regard to case, regular expressions with it
//! (<https://cloud.google.com/logging/docs/view/logging-query-language>). What is not judged, such as functions and fields that
//! are not known, matches perhaps.

use std::collections::BTreeMap;
use std::ops::{BitAnd, BitOr, Not};

use regex::{Regex, RegexBuilder};

/// The longest filter that Cloud Logging takes, in characters.
const MAX_LENGTH: usize = 20_000;

/// How deep parentheses may be nested.
const MAX_DEPTH: usize = 60;

/// The largest program that a regular expression may become, in bytes.
const MAX_REGEX: usize = 1 << 18;

/// Whether something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    /// It certainly is not.
    No,
    /// Not enough is known.
    Perhaps,
    /// It certainly is.
    Yes,
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Perhaps => Self::Perhaps,
            Self::Yes => Self::No,
        }
    }
}

impl BitAnd for Truth {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Perhaps,
        }
    }
}

impl BitOr for Truth {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        !(!self & !other)
    }
}

/// What is known of a field's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// All of it.
    Exactly(String),
    /// How it ends.
    EndsWith(String),
    /// That the field is not there.
    Absent,
}

/// What is known of a log entry.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    /// The log, as `LOG_ID()` compares it.
    pub(super) log: String,
    /// Fields by their paths in small letters. A path that ends in a dot stands for all fields below it that are not named.
    pub(super) fields: BTreeMap<String, Text>,
}

impl Entry {
    fn field(&self, path: &str) -> Option<&Text> {
        let below =
            || self.fields.iter().find(|(known, _)| known.ends_with('.') && path.starts_with(known.as_str()));
        self.fields.get(path).or_else(|| below().map(|(_, text)| text))
    }
}

/// A filter.
#[derive(Debug, Clone)]
pub(super) struct Filter(Test);

#[derive(Debug, Clone)]
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    /// A field in small letters, and what it is compared with.
    Field(String, Operator, String),
    /// A field in small letters, whether it must not match, and the regular expression; none if that cannot be read.
    Pattern(String, bool, Option<Regex>),
    /// A text that may stand in any field.
    Anywhere(String),
    LogId(String),
    Unjudged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Has,
    Matches,
    NotMatches,
    /// `<`, `<=`, `>`, `>=`.
    Ordered,
}

impl Filter {
    /// Reads a filter. An empty one matches everything.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > MAX_LENGTH {
            return Err(format!("it is longer than {MAX_LENGTH} characters"));
        }
        let mut parser = Parser { tokens: tokens(text)?, next: 0 };
        let test = parser.all(0)?;
        match parser.peek() {
            None => Ok(Self(test)),
            Some(_) => Err("a parenthesis closes that none opened".into()),
        }
    }

    /// Whether it matches an entry.
    pub(super) fn matches(&self, entry: &Entry) -> Truth {
        self.0.holds(entry)
    }
}

impl Test {
    fn holds(&self, entry: &Entry) -> Truth {
        match self {
            Self::All(tests) => tests.iter().fold(Truth::Yes, |truth, test| truth & test.holds(entry)),
            Self::Any(tests) => tests.iter().fold(Truth::No, |truth, test| truth | test.holds(entry)),
            Self::Not(test) => !test.holds(entry),
            Self::Field(path, operator, value) => {
                entry.field(path).map_or(Truth::Perhaps, |text| operator.compare(text, value))
            }
            Self::Pattern(path, is_negated, regex) => match (entry.field(path), regex) {
                (Some(Text::Exactly(text)), Some(regex)) => (regex.is_match(text) != *is_negated).into(),
                (Some(Text::Absent), Some(regex)) if !is_negated && !regex.is_match("") => Truth::No,
                _ => Truth::Perhaps,
            },
            Self::Anywhere(value) => {
                let has = |text: &Text| Operator::Has.compare(text, value) == Truth::Yes;
                if entry.fields.values().any(has) { Truth::Yes } else { Truth::Perhaps }
            }
            Self::LogId(log) => entry.log.eq_ignore_ascii_case(log).into(),
            Self::Unjudged => Truth::Perhaps,
        }
    }
}

impl Operator {
    fn of(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            ":" => Self::Has,
            "=~" => Self::Matches,
            "!~" => Self::NotMatches,
            "<" | "<=" | ">" | ">=" => Self::Ordered,
            _ => return None,
        })
    }

    fn compare(self, text: &Text, value: &str) -> Truth {
        match (self, text) {
            (Self::NotEqual, Text::Exactly(_) | Text::EndsWith(_)) => !Self::Equal.compare(text, value),
            (Self::Has, Text::Exactly(_) | Text::EndsWith(_)) if value == "*" => Truth::Yes,
            // Nothing is equal to what is missing, and nothing is said of whether it differs.
            (Self::Equal | Self::Has, Text::Absent) => {
                if value.is_empty() {
                    Truth::Perhaps
                } else {
                    Truth::No
                }
            }
            (Self::Equal, Text::Exactly(text)) => same_letters(text, value).into(),
            (Self::Equal, Text::EndsWith(end)) => {
                if lower(value).ends_with(&lower(end)) {
                    Truth::Perhaps
                } else {
                    Truth::No
                }
            }
            (Self::Has, Text::Exactly(_) | Text::EndsWith(_)) if value.is_empty() => Truth::Perhaps,
            (Self::Has, Text::Exactly(text)) => lower(text).contains(&lower(value)).into(),
            (Self::Has, Text::EndsWith(end)) => {
                if lower(end).contains(&lower(value)) {
                    Truth::Yes
                } else {
                    Truth::Perhaps
                }
            }
            _ => Truth::Perhaps,
        }
    }
}

/// A regular expression, once for all entries that it is tried on.
fn pattern(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).size_limit(MAX_REGEX).build().ok()
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}

fn same_letters(left: &str, right: &str) -> bool {
    lower(left) == lower(right)
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Operator(&'static str),
    /// Without quotation marks; whether a parenthesis follows at once, as after the name of a function.
    Word(String, bool),
    Quoted(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const OPERATORS: [&str; 9] = ["=~", "!~", "!=", "<=", ">=", "=", ":", "<", ">"];
    let mut rest = text;
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = rest.trim_start();
        } else if rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(symbol) = OPERATORS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            tokens.push(Token::Operator(symbol));
            rest = rest.get(symbol.len()..).unwrap_or_default();
        } else if let Some(token) = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' => Some(Token::Comma),
            _ => None,
        } {
            tokens.push(token);
            rest = rest.get(1..).unwrap_or_default();
        } else if first == '"' || first == '\'' {
            let (word, after) = quoted(rest)?;
            tokens.push(Token::Quoted(word));
            rest = after;
        } else {
            let (word, after) = word(rest)?;
            tokens.push(Token::Word(word, after.starts_with('(')));
            rest = after;
        }
    }
    Ok(tokens)
}

/// A text in quotation marks at the beginning, and what follows it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut characters = text.char_indices();
    let Some((_, mark)) = characters.next() else { return Ok((String::new(), text)) };
    let mut word = String::new();
    while let Some((at, character)) = characters.next() {
        match character {
            _ if character == mark => {
                return Ok((word, text.get(at + mark.len_utf8()..).unwrap_or_default()));
            }
            // A regular expression keeps the backslashes that are no escapes of texts.
            '\\' => match characters.next() {
                Some((_, escaped)) if escaped == mark || escaped == '\\' => word.push(escaped),
                Some((_, escaped)) => word.extend(['\\', escaped]),
                None => {}
            },
            _ => word.push(character),
        }
    }
    Err("a quotation mark opens that none closes".into())
}

/// A word at the beginning, parts of which may be quoted as in `labels."k8s-pod/app"`, and what follows it.
fn word(text: &str) -> Result<(String, &str), String> {
    let mut word = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if next == '"' && word.ends_with('.') {
            let (part, after) = quoted(rest)?;
            word.push_str(&part);
            rest = after;
        } else if next.is_whitespace() || "()=!<>:,~\"'".contains(next) && !word.is_empty() {
            break;
        } else {
            word.push(next);
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
    }
    Ok((word, rest))
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get_mut(self.next).map(|token| std::mem::replace(token, Token::Comma));
        self.next += 1;
        token
    }

    fn at_word(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(word, _)) if word == keyword)
    }

    fn skip_word(&mut self, keyword: &str) -> bool {
        let is_there = self.at_word(keyword);
        self.next += usize::from(is_there);
        is_there
    }

    fn skip(&mut self, token: &Token) -> bool {
        let is_there = self.peek() == Some(token);
        self.next += usize::from(is_there);
        is_there
    }

    /// Tests up to the end or a closing parenthesis.
    fn all(&mut self, depth: usize) -> Result<Test, String> {
        let mut tests = Vec::new();
        while self.peek().is_some_and(|token| *token != Token::Close) {
            tests.push(self.any(depth)?);
            if self.skip_word("AND") && self.peek().is_none_or(|token| *token == Token::Close) {
                return Err("nothing follows AND".into());
            }
        }
        Ok(single(tests, Test::All))
    }

    fn any(&mut self, depth: usize) -> Result<Test, String> {
        let mut tests = vec![self.term(depth)?];
        while self.skip_word("OR") {
            tests.push(self.term(depth)?);
        }
        Ok(single(tests, Test::Any))
    }

    fn term(&mut self, depth: usize) -> Result<Test, String> {
        let mut is_negated = false;
        loop {
            if self.skip_word("NOT") {
                is_negated = !is_negated;
                continue;
            }
            let Some(Token::Word(word, _)) = self.tokens.get_mut(self.next) else { break };
            let Some(rest) = word.strip_prefix('-') else { break };
            is_negated = !is_negated;
            *word = rest.to_owned();
            if word.is_empty() {
                self.next += 1;
            }
        }
        let test = self.simple(depth)?;
        Ok(if is_negated { Test::Not(Box::new(test)) } else { test })
    }

    fn simple(&mut self, depth: usize) -> Result<Test, String> {
        if self.at_word("AND") || self.at_word("OR") {
            return Err("nothing stands before or after AND or OR".into());
        }
        let (word, is_function) = match self.take() {
            Some(Token::Open) if self.peek() == Some(&Token::Close) => {
                return Err("nothing stands between parentheses".into());
            }
            Some(Token::Open) => return self.group(depth, Self::all),
            Some(Token::Word(word, called)) => (word, called),
            Some(Token::Quoted(word)) => (word, false),
            Some(Token::Operator(symbol)) => return Err(format!("no field stands before {symbol}")),
            Some(Token::Close | Token::Comma) => {
                return Err("a comma or parenthesis stands where none may".into());
            }
            None => return Err("it ends where something must follow".into()),
        };
        if is_function {
            return self.function(&word);
        }
        match self.operator() {
            Some(operator) => self.value(&lower(&word), operator, depth),
            None => Ok(Test::Anywhere(word)),
        }
    }

    fn operator(&mut self) -> Option<Operator> {
        let Some(Token::Operator(symbol)) = self.peek() else { return None };
        let operator = Operator::of(symbol);
        self.next += 1;
        operator
    }

    /// What stands in parentheses, the first of which was taken.
    fn group(
        &mut self,
        depth: usize,
        inside: impl FnOnce(&mut Self, usize) -> Result<Test, String>,
    ) -> Result<Test, String> {
        if depth >= MAX_DEPTH {
            return Err(format!("parentheses are nested deeper than {MAX_DEPTH}"));
        }
        let test = inside(self, depth + 1)?;
        if self.skip(&Token::Close) { Ok(test) } else { Err("a parenthesis opens that none closes".into()) }
    }

    /// A call of a function, up to what its result is compared with. Only `LOG_ID` is judged.
    fn function(&mut self, name: &str) -> Result<Test, String> {
        self.next += 1;
        if name.eq_ignore_ascii_case("log_id")
            && let Some(Token::Quoted(log) | Token::Word(log, _)) = self.peek().cloned()
            && self.tokens.get(self.next + 1) == Some(&Token::Close)
        {
            self.next += 2;
            return Ok(Test::LogId(log));
        }
        let mut open = 1_usize;
        while open > 0 {
            match self.take() {
                Some(Token::Open) => open += 1,
                Some(Token::Close) => open -= 1,
                Some(_) => {}
                None => return Err("a parenthesis opens that none closes".into()),
            }
        }
        match self.operator() {
            Some(operator) => self.value("", operator, MAX_DEPTH).map(|_| Test::Unjudged),
            None => Ok(Test::Unjudged),
        }
    }

    /// What a field is compared with: a value, or several in parentheses.
    fn value(&mut self, field: &str, operator: Operator, depth: usize) -> Result<Test, String> {
        match self.take() {
            Some(Token::Word(value, false) | Token::Quoted(value)) => {
                let field = field.to_owned();
                Ok(match operator {
                    Operator::Matches => Test::Pattern(field, false, pattern(&value)),
                    Operator::NotMatches => Test::Pattern(field, true, pattern(&value)),
                    _ => Test::Field(field, operator, value),
                })
            }
            Some(Token::Word(name, true)) => self.function(&name).map(|_| Test::Unjudged),
            Some(Token::Open) => {
                let test = self.group(depth, |parser, depth| parser.values(field, operator, depth))?;
                // What it means to differ from several values is not told.
                let is_negative = matches!(operator, Operator::NotEqual | Operator::NotMatches);
                Ok(if is_negative && !matches!(test, Test::Field(..) | Test::Pattern(..)) {
                    Test::Unjudged
                } else {
                    test
                })
            }
            _ => Err("a comparison has no value".into()),
        }
    }

    fn values(&mut self, field: &str, operator: Operator, depth: usize) -> Result<Test, String> {
        let mut all = Vec::new();
        loop {
            let mut any = Vec::new();
            loop {
                let is_negated = self.skip_word("NOT");
                let test = self.value(field, operator, depth)?;
                any.push(if is_negated { Test::Not(Box::new(test)) } else { test });
                if !self.skip_word("OR") {
                    break;
                }
            }
            all.push(single(any, Test::Any));
            let goes_on = self.skip_word("AND") || self.peek().is_some_and(|token| *token != Token::Close);
            if !goes_on {
                break;
            }
        }
        Ok(single(all, Test::All))
    }
}

/// The only one, or all of them together.
fn single(mut tests: Vec<Test>, together: fn(Vec<Test>) -> Test) -> Test {
    match tests.pop() {
        Some(only) if tests.is_empty() => only,
        Some(last) => {
            tests.push(last);
            together(tests)
        }
        None => together(tests),
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
