//! How a container's command line falls into words: plain elements, and scripts given to a shell.
//!
//! Only as much of POSIX shell as start scripts of a kube-apiserver use: quotes, escapes, line continuations, comments,
//! operators, `$NAME`, `${NAME}`. Everything else that the shell would compute is kept as [`Part::Dynamic`], so that
//! whoever reads the words knows that something is there which cannot be known from the text.

pub mod commands;
pub mod programs;

use std::ops::Range;

/// A piece of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A word with what it is made of.
    Word(Word),
    /// `;`, `&&`, `||`, `|`, `&`, `(`, `)`, a newline, or a redirection such as `2>&1`.
    Operator(String),
}

/// A word of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it is made of, in order.
    pub parts: Vec<Part>,
    /// Where it stands in the script, in bytes.
    pub span: Range<usize>,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that stands for itself.
    Text(String),
    /// A variable by its name (`@` for all positional parameters), and whether it stood in double quotes.
    Variable {
        /// The name.
        name: String,
        /// In double quotes it stays one word.
        quoted: bool,
    },
    /// Something only a running shell can tell: a command substitution, an arithmetic or a modified expansion.
    Dynamic,
}

impl Word {
    /// The text, if nothing in it has to be expanded.
    pub fn literal(&self) -> Option<String> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Variable { .. } | Part::Dynamic => None,
            })
            .collect()
    }

    /// The text up to the first part that has to be expanded.
    pub fn leading_text(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }
}

/// Splits a script into words and operators. Unbalanced quotes end at the end of the script.
pub fn split_script(script: &str) -> Vec<Token> {
    Lexer { text: script, position: 0, tokens: Vec::new(), documents: Vec::new() }.run()
}

/// Splits one element of `command` or `args` into parts: Kubernetes expands `$(NAME)` there, and `$$` is a `$`
/// (`k8s.io/kubernetes/third_party/forked/golang/expansion`).
pub fn split_element(element: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = element;
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(escaped) = after.strip_prefix('$') {
            text.push('$');
            rest = escaped;
        } else if let Some((name, tail)) = after.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(Part::Variable { name: name.to_owned(), quoted: true });
            rest = tail;
        } else {
            text.push('$');
            rest = after;
        }
    }
    text.push_str(rest);
    if !text.is_empty() || parts.is_empty() {
        parts.push(Part::Text(text));
    }
    parts
}

/// Whether a string may be the name of an environment variable in a shell.
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
    tokens: Vec<Token>,
    /// Here-documents whose bodies begin on the next line: their last line, and whether tabs before it count.
    documents: Vec<(String, bool)>,
}

impl Lexer<'_> {
    fn run(mut self) -> Vec<Token> {
        while let Some(c) = self.peek() {
            match c {
                '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => self.operator(),
                '#' => self.comment(),
                '\\' if self.rest().starts_with("\\\n") => self.position += 2,
                '\\' if self.rest().starts_with("\\\r\n") => self.position += 3,
                c if c.is_whitespace() => self.position += c.len_utf8(),
                _ => self.word(),
            }
        }
        self.tokens
    }

    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.position += c.len_utf8();
        Some(c)
    }

    fn comment(&mut self) {
        self.position += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn operator(&mut self) {
        let start = self.position;
        let Some(first) = self.take() else { return };
        match first {
            '\n' => self.skip_documents(),
            '&' | '|' | ';' => {
                if self.peek() == Some(first) || first == ';' && self.peek() == Some('&') {
                    self.take();
                } else if first == '&' && self.peek() == Some('>') {
                    self.take();
                    self.redirection_target();
                }
            }
            '<' | '>' => {
                while self.peek().is_some_and(|c| c == first || c == '&' || c == '-' || c == '|') {
                    self.take();
                }
                let operator = self.text[start..self.position].to_owned();
                let target = self.redirection_target();
                if operator == "<<" || operator == "<<-" {
                    self.documents.push((target, operator == "<<-"));
                }
            }
            _ => {}
        }
        // What follows a newline may be a here-document, which is none of the script's text.
        let end = if first == '\n' { start + 1 } else { self.position };
        let text = self.text[start..end].trim().to_owned();
        self.tokens.push(Token::Operator(if text.is_empty() { "\n".into() } else { text }));
    }

    /// What follows `>`: part of the redirection, not an argument.
    fn redirection_target(&mut self) -> String {
        while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
            self.take();
        }
        if self.peek().is_none_or(|c| c.is_whitespace() || ";&|()<>".contains(c)) {
            return String::new();
        }
        let before = self.tokens.len();
        self.word();
        let target = self.tokens.get(before).and_then(|token| match token {
            Token::Word(word) => word.literal(),
            Token::Operator(_) => None,
        });
        self.tokens.truncate(before);
        target.unwrap_or_default()
    }

    /// The bodies of here-documents are input, not commands.
    fn skip_documents(&mut self) {
        for (end, tabs) in std::mem::take(&mut self.documents) {
            let text = self.text;
            while let Some(rest) = text.get(self.position..).filter(|rest| !rest.is_empty()) {
                let line = rest.split('\n').next().unwrap_or_default();
                self.position = (self.position + line.len() + 1).min(text.len());
                let line = line.trim_end_matches('\r');
                if (if tabs { line.trim_start_matches('\t') } else { line }) == end {
                    break;
                }
            }
        }
    }

    fn word(&mut self) {
        let start = self.position;
        let mut builder = Builder::default();
        while let Some(c) = self.peek() {
            match c {
                c if c.is_whitespace() || ";&|()".contains(c) => break,
                '<' | '>' => {
                    // `2>&1`: the digits before a redirection are not a word.
                    let so_far = &self.text[start..self.position];
                    if so_far.chars().all(|c| c.is_ascii_digit()) {
                        self.operator();
                        return;
                    }
                    break;
                }
                '\\' => {
                    self.take();
                    match self.take() {
                        Some('\n') | None => {}
                        Some(escaped) => builder.push(escaped),
                    }
                }
                '\'' => {
                    self.take();
                    builder.started = true;
                    while let Some(c) = self.take() {
                        if c == '\'' {
                            break;
                        }
                        builder.push(c);
                    }
                }
                '"' => {
                    self.take();
                    builder.started = true;
                    self.double_quoted(&mut builder);
                }
                '`' => {
                    self.take();
                    while self.take().is_some_and(|c| c != '`') {}
                    builder.part(Part::Dynamic);
                }
                '$' => self.expansion(&mut builder, false),
                _ => {
                    self.take();
                    builder.push(c);
                }
            }
        }
        let parts = builder.finish();
        self.tokens.push(Token::Word(Word { parts, span: start..self.position }));
    }

    fn double_quoted(&mut self, builder: &mut Builder) {
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.take();
                    return;
                }
                '\\' => {
                    self.take();
                    match self.take() {
                        Some('\n') | None => {}
                        Some(escaped @ ('"' | '\\' | '$' | '`')) => builder.push(escaped),
                        Some(other) => {
                            builder.push('\\');
                            builder.push(other);
                        }
                    }
                }
                '`' => {
                    self.take();
                    while self.take().is_some_and(|c| c != '`') {}
                    builder.part(Part::Dynamic);
                }
                '$' => self.expansion(builder, true),
                _ => {
                    self.take();
                    builder.push(c);
                }
            }
        }
    }

    fn expansion(&mut self, builder: &mut Builder, quoted: bool) {
        self.take();
        match self.peek() {
            Some('{') => {
                self.take();
                let inner = self.until_close('{', '}');
                let part = if is_name(&inner) || inner == "@" || inner == "*" {
                    Part::Variable { name: inner, quoted }
                } else {
                    Part::Dynamic
                };
                builder.part(part);
            }
            Some('(') => {
                self.take();
                let inner = self.until_close('(', ')');
                // Kubernetes replaces `$(NAME)` before the shell runs, if the variable is known to it.
                let part =
                    if is_name(&inner) { Part::Variable { name: inner, quoted } } else { Part::Dynamic };
                builder.part(part);
            }
            Some('@' | '*') => {
                self.take();
                builder.part(Part::Variable { name: "@".into(), quoted });
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let start = self.position;
                while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                    self.take();
                }
                builder.part(Part::Variable { name: self.text[start..self.position].to_owned(), quoted });
            }
            Some(c) if c.is_ascii_digit() || "?#!$-".contains(c) => {
                self.take();
                builder.part(Part::Dynamic);
            }
            _ => builder.push('$'),
        }
    }

    fn until_close(&mut self, open: char, close: char) -> String {
        let start = self.position;
        let mut depth = 1_usize;
        while let Some(c) = self.take() {
            if c == open {
                depth += 1;
            } else if c == close {
                depth -= 1;
                if depth == 0 {
                    return self.text[start..self.position - close.len_utf8()].to_owned();
                }
            }
        }
        self.text[start..].to_owned()
    }
}

#[derive(Default)]
struct Builder {
    parts: Vec<Part>,
    text: String,
    started: bool,
}

impl Builder {
    fn push(&mut self, c: char) {
        self.started = true;
        self.text.push(c);
    }

    fn part(&mut self, part: Part) {
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        }
        self.parts.push(part);
    }

    fn finish(mut self) -> Vec<Part> {
        if !self.text.is_empty() || (self.started && self.parts.is_empty()) {
            self.parts.push(Part::Text(self.text));
        }
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(script: &str) -> Vec<String> {
        split_script(script)
            .into_iter()
            .map(|token| match token {
                Token::Operator(op) => format!("<{}>", op.replace('\n', "nl")),
                Token::Word(word) => word
                    .parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => text.clone(),
                        Part::Variable { name, quoted } => {
                            format!("{{{name}{}}}", if *quoted { ":q" } else { "" })
                        }
                        Part::Dynamic => "{?}".into(),
                    })
                    .collect(),
            })
            .collect()
    }

    #[test]
    fn a_start_script_falls_into_words() {
        assert_eq!(
            words("set -e; exec kube-apiserver --a=1 \\\n  --b='x y' \"--c=$HOME/z\" >>/log 2>&1 | tee"),
            [
                "set",
                "-e",
                "<;>",
                "exec",
                "kube-apiserver",
                "--a=1",
                "--b=x y",
                "--c={HOME:q}/z",
                "<>>/log>",
                "<>&1>",
                "<|>",
                "tee"
            ]
        );
    }

    #[test]
    fn what_a_shell_computes_is_dynamic() {
        assert_eq!(
            words("x `a b` $(ls -l) ${A:-b} $1 $@ \"$@\" $((1+2)) $(NAME)"),
            ["x", "{?}", "{?}", "{?}", "{?}", "{@}", "{@:q}", "{?}", "{NAME}"]
        );
    }

    #[test]
    fn comments_and_open_quotes_end() {
        assert_eq!(words("a # b\nc 'd e"), ["a", "<nl>", "c", "d e"]);
        assert_eq!(words("a \"b $X"), ["a", "b {X:q}"]);
        assert_eq!(words("$"), ["$"]);
    }

    #[test]
    fn kubernetes_expands_its_own_form_only() {
        assert_eq!(
            split_element("--p=$(DIR)/x$$(Y)$Z"),
            [
                Part::Text("--p=".into()),
                Part::Variable { name: "DIR".into(), quoted: true },
                Part::Text("/x$(Y)$Z".into())
            ]
        );
    }
}
