//! The simple commands of a script, and whether each of them certainly runs.

use super::{Token, Word, split_script};

/// Whether a command runs whenever the script does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// It runs, unless the script ends before it.
    Always,
    /// It runs if the commands before it in the same list succeed (`&&`).
    AfterSuccess,
    /// It depends: a branch, a loop, a function, `||`.
    Sometimes,
}

/// A command of a script: its words without redirections.
#[derive(Debug, Clone)]
pub struct Simple {
    /// Its words; the first may be `for`, `case`, `select` or `function` of a compound command.
    pub words: Vec<Word>,
    /// Whether it certainly runs.
    pub when: When,
    /// Whether what it does to variables stays: it does not in a pipeline, in the background or before an array.
    pub in_own_process: bool,
    /// The list of commands, joined by `&&`, `||` and `|`, that it belongs to.
    pub list: usize,
}

/// The commands of a script in order.
pub fn commands(script: &str) -> Vec<Simple> {
    let mut walk = Walk {
        script,
        stack: Vec::new(),
        words: Vec::new(),
        when: When::Always,
        list: 0,
        before: ";".into(),
        out: Vec::new(),
    };
    let mut broken = false;
    for token in split_script(script) {
        match token {
            Token::Operator(op) if is_redirection(&op) => {}
            Token::Operator(op) => walk.operator(&op),
            Token::Word(word) => broken |= !walk.word(word),
        }
    }
    walk.flush(";");
    if broken || !walk.stack.is_empty() {
        walk.out.iter_mut().for_each(|command| command.when = When::Sometimes);
    }
    walk.out
}

/// Whether an operator is a redirection, which does not end a command.
pub fn is_redirection(operator: &str) -> bool {
    operator.starts_with(['>', '<']) || operator.starts_with("&>")
}

struct Walk<'a> {
    script: &'a str,
    /// What is open, by the word that closes it.
    stack: Vec<&'static str>,
    words: Vec<Word>,
    when: When,
    list: usize,
    before: String,
    out: Vec<Simple>,
}

impl Walk<'_> {
    fn operator(&mut self, operator: &str) {
        let empty = self.words.is_empty();
        if operator == ")" && self.stack.last() == Some(&"esac") {
            // The pattern of a `case`.
            self.words.clear();
            self.when = When::Always;
            self.list += 1;
            self.before = ";".into();
            return;
        }
        self.flush(operator);
        match operator {
            "&&" => self.when = self.when.max(When::AfterSuccess),
            "||" => self.when = When::Sometimes,
            "|" => {}
            "(" => self.stack.push(")"),
            ")" => {
                if self.stack.last() == Some(&")") {
                    self.stack.pop();
                }
            }
            "\n" if empty && matches!(self.before.as_str(), "&&" | "||" | "|") => return,
            _ => {
                self.when = When::Always;
                self.list += 1;
            }
        }
        operator.clone_into(&mut self.before);
    }

    /// Takes a word; false if it closes what is not open.
    fn word(&mut self, word: Word) -> bool {
        let raw = self.script.get(word.span.clone()).unwrap_or_default();
        let function = self.words.first().is_some_and(|first| first.literal().as_deref() == Some("function"));
        if raw == "{" && function {
            self.flush("{");
        }
        if !self.words.is_empty() {
            self.words.push(word);
            return true;
        }
        match raw {
            "if" => self.stack.push("fi"),
            "while" | "until" => self.stack.push("done"),
            "{" => self.stack.push("}"),
            "for" | "select" => {
                self.stack.push("done");
                self.words.push(word);
            }
            "case" => {
                self.stack.push("esac");
                self.words.push(word);
            }
            "then" | "do" | "else" | "elif" | "!" | "time" => {}
            "fi" | "done" | "esac" | "}" => return self.stack.pop() == Some(raw_static(raw)),
            _ => self.words.push(word),
        }
        true
    }

    fn flush(&mut self, after: &str) {
        if self.words.is_empty() {
            return;
        }
        let when = if self.stack.is_empty() && after != "(" { self.when } else { When::Sometimes };
        let in_own_process = self.before == "|" || matches!(after, "|" | "&" | "(");
        let words = std::mem::take(&mut self.words);
        self.out.push(Simple { words, when, in_own_process, list: self.list });
    }
}

fn raw_static(raw: &str) -> &'static str {
    match raw {
        "fi" => "fi",
        "done" => "done",
        "esac" => "esac",
        _ => "}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(script: &str) -> Vec<(String, When)> {
        commands(script)
            .iter()
            .map(|command| (command.words.first().and_then(Word::literal).unwrap_or_default(), command.when))
            .collect()
    }

    #[test]
    fn what_certainly_runs_is_told_from_what_may_run() {
        use When::{AfterSuccess, Always, Sometimes};
        for (script, expected) in [
            (
                "a; b && c || d; e",
                vec![("a", Always), ("b", Always), ("c", AfterSuccess), ("d", Sometimes), ("e", Always)],
            ),
            (
                "if a; then b; else c; fi; d",
                vec![("a", Sometimes), ("b", Sometimes), ("c", Sometimes), ("d", Always)],
            ),
            ("while a; do b; done\nc", vec![("a", Sometimes), ("b", Sometimes), ("c", Always)]),
            ("f() { a; }; b", vec![("f", Sometimes), ("a", Sometimes), ("b", Always)]),
            ("function f { a; }; b", vec![("function", Always), ("a", Sometimes), ("b", Always)]),
            ("case $x in a) b;; *) c;; esac; d", vec![("b", Sometimes), ("c", Sometimes), ("d", Always)]),
            ("case $x in\n a) b;;\nesac\nd", vec![("case", Sometimes), ("b", Sometimes), ("d", Always)]),
            ("cat <<EOF\na b\nEOF\nc", vec![("cat", Always), ("c", Always)]),
            ("a || {\n b\n}\nc", vec![("a", Always), ("b", Sometimes), ("c", Always)]),
            ("a &&\n b", vec![("a", Always), ("b", AfterSuccess)]),
            ("a; fi; b", vec![("a", Sometimes), ("b", Sometimes)]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(name, when)| (name.to_owned(), when)).collect();
            assert_eq!(when(script), expected, "{script}");
        }
    }
}
