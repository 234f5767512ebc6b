//! Statements of a configuration, includes put in their place.

use super::object::{action_setting, object, skip_braces, until_semicolon};
use super::scan::Words;
use super::value::Params;
use crate::analyze::collectors::config::{self, Config, File, Lookup, MAX_BYTES, MAX_FILES};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::model::Unread;
use crate::analyze::collectors::scan::Scanner;

/// How deep blocks and included files may be nested.
const MAX_DEPTH: usize = 64;

/// How many statements a configuration may have.
const MAX_STATEMENTS: usize = 5000;

/// Objects that say nothing about where records go.
const OTHER_OBJECTS: [&str; 9] = [
    "template",
    "parser",
    "lookup_table",
    "timezone",
    "dyn_stats",
    "perctile_stats",
    "ratelimit",
    "reload_lookup_table",
    "percentile_stats",
];

/// A statement.
#[derive(Debug)]
pub(super) enum Statement {
    Action(Params),
    /// An action of the old form: `@@host:514`.
    Old(String, String),
    If(Condition, Vec<Statement>, Vec<Statement>),
    Stop,
    Call(String, String),
    /// Includes that are not seen.
    Unseen(Unread),
}

/// A condition.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) at: String,
    /// Whether it always holds: `*.*`.
    pub(super) always: bool,
    /// Its text.
    pub(super) text: String,
}

/// A set of rules of its own.
#[derive(Debug, Default)]
pub(super) struct Ruleset {
    pub(super) name: String,
    pub(super) params: Params,
    pub(super) body: Vec<Statement>,
}

/// What a configuration holds.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// `module(…)` and `$ModLoad`.
    pub(super) modules: Vec<Params>,
    /// `input(…)`, and what old directives come to.
    pub(super) inputs: Vec<Params>,
    /// `global(…)` and `main_queue(…)`.
    pub(super) globals: Vec<Params>,
    /// The rules outside of rulesets.
    pub(super) body: Vec<Statement>,
    pub(super) rulesets: Vec<Ruleset>,
    /// Old directives, in lower case, with value and place.
    pub(super) directives: Vec<(String, String, String)>,
}

/// Reads the main file and all it includes.
pub(super) fn read(config: &Config) -> Result<Program, Unreadable> {
    let file = match config.file(&config.main) {
        Lookup::Seen(file) => file,
        Lookup::Hidden(why) => return Err(Unreadable::new(&*config.main, why)),
    };
    let mut reader = Reader {
        config,
        program: Program::default(),
        files: 0,
        bytes: 0,
        statements: 0,
        pending: Params::default(),
    };
    let mut body = Vec::new();
    reader.file(file, &file.place(1), 0, &mut body)?;
    reader.program.body = body;
    Ok(reader.program)
}

struct Reader<'a> {
    config: &'a Config,
    program: Program,
    files: usize,
    bytes: usize,
    statements: usize,
    /// What `$InputFile…` and `$Action…` have set for what comes next.
    pending: Params,
}

impl<'a> Reader<'a> {
    fn file(
        &mut self,
        file: &'a File,
        from: &str,
        depth: usize,
        into: &mut Vec<Statement>,
    ) -> Result<(), Unreadable> {
        self.files += 1;
        self.bytes += file.text.len();
        if depth > MAX_DEPTH || self.files > MAX_FILES || self.bytes > MAX_BYTES {
            return Err(Unreadable::new(
                from,
                "more is included than can be read, or a file includes itself",
            ));
        }
        if ["version:", "---"].iter().any(|begin| file.text.starts_with(begin)) {
            return Err(Unreadable::new(file.place(1), "the YAML form is recognised, but not read"));
        }
        let mut scanner = Scanner::with_block_comments(file);
        self.block(&mut scanner, depth, true, into)
    }

    /// Statements up to the end of a block or file.
    fn block(
        &mut self,
        scanner: &mut Scanner<'a>,
        depth: usize,
        whole_file: bool,
        into: &mut Vec<Statement>,
    ) -> Result<(), Unreadable> {
        if depth > MAX_DEPTH {
            return Err(scanner.fault(format!("blocks are nested more than {MAX_DEPTH} deep")));
        }
        loop {
            scanner.spacing();
            if scanner.at_end() {
                return if whole_file { Ok(()) } else { Err(scanner.fault("a block does not end")) };
            }
            if scanner.skip("}") {
                return if whole_file { Err(scanner.fault("no block is open here")) } else { Ok(()) };
            }
            self.statement(scanner, depth, into)?;
        }
    }

    /// A block in braces, or one statement.
    fn body(&mut self, scanner: &mut Scanner<'a>, depth: usize) -> Result<Vec<Statement>, Unreadable> {
        if depth > MAX_DEPTH {
            return Err(scanner.fault(format!("conditions are nested more than {MAX_DEPTH} deep")));
        }
        scanner.spacing();
        let mut body = Vec::new();
        if scanner.skip("{") {
            self.block(scanner, depth + 1, false, &mut body)?;
        } else {
            self.statement(scanner, depth + 1, &mut body)?;
        }
        Ok(body)
    }

    fn statement(
        &mut self,
        scanner: &mut Scanner<'a>,
        depth: usize,
        into: &mut Vec<Statement>,
    ) -> Result<(), Unreadable> {
        self.statements += 1;
        if self.statements > MAX_STATEMENTS {
            return Err(scanner.fault("there are more statements than can be read"));
        }
        let at = scanner.file.place(scanner.line);
        match scanner.peek() {
            Some('$') => return self.directive(scanner, depth, into),
            Some(':') => return self.property(scanner, depth, into),
            Some('&') => {
                scanner.take(1);
                return self.again(scanner, depth, into);
            }
            Some('!' | '+') => {
                let line = scanner.rest_of_line();
                if !matches!(line.as_str(), "!*" | "+*") {
                    let why = "what follows is only for some programs or hosts, which is not followed";
                    into.push(Statement::Unseen(Unread { at, why: why.into() }));
                }
                return Ok(());
            }
            _ => {}
        }
        let word = scanner.peek_word();
        match word.as_str() {
            "if" => self.condition(scanner, at, depth, into),
            "action" if scanner.opens("action") => {
                into.push(Statement::Action(object(scanner, at, &self.config.env)?));
                Ok(())
            }
            "ruleset" if scanner.opens("ruleset") => {
                let params = object(scanner, at, &self.config.env)?;
                scanner.expect("{")?;
                let mut body = Vec::new();
                self.block(scanner, depth + 1, false, &mut body)?;
                let name = params.plain("name").unwrap_or_default();
                self.program.rulesets.push(Ruleset { name, params, body });
                Ok(())
            }
            "input" if scanner.opens("input") => {
                let params = object(scanner, at, &self.config.env)?;
                self.program.inputs.push(params);
                Ok(())
            }
            "module" if scanner.opens("module") => {
                let params = object(scanner, at, &self.config.env)?;
                self.program.modules.push(params);
                Ok(())
            }
            "global" | "main_queue" if scanner.opens(&word) => {
                let params = object(scanner, at, &self.config.env)?;
                self.program.globals.push(params);
                Ok(())
            }
            "include" if scanner.opens("include") => {
                let params = object(scanner, at, &self.config.env)?;
                match params.get("file") {
                    Ok(Some((path, at))) => self.include(&path, &at, depth, into),
                    Ok(None) => Ok(()),
                    Err(why) => {
                        into.push(Statement::Unseen(Unread { at: params.at, why }));
                        Ok(())
                    }
                }
            }
            other if OTHER_OBJECTS.contains(&other) && scanner.opens(other) => {
                object(scanner, at, &self.config.env)?;
                scanner.spacing();
                if scanner.skip("{") { skip_braces(scanner) } else { Ok(()) }
            }
            "set" | "unset" | "reset" | "call_indirect" => {
                if word == "call_indirect" {
                    let why = "which rules are called is computed".to_owned();
                    into.push(Statement::Unseen(Unread { at, why }));
                }
                until_semicolon(scanner)
            }
            "call" => {
                scanner.skip_word("call");
                scanner.blanks();
                let name = scanner.take_while(|c| !c.is_ascii_whitespace() && !matches!(c, ';' | '}' | '#'));
                into.push(Statement::Call(name.to_owned(), at));
                Ok(())
            }
            "stop" => {
                scanner.skip_word("stop");
                into.push(Statement::Stop);
                Ok(())
            }
            "continue" => {
                scanner.skip_word("continue");
                Ok(())
            }
            "foreach" => {
                scanner.until_word("do")?;
                into.extend(self.body(scanner, depth)?);
                Ok(())
            }
            _ => self.selector(scanner, at, depth, into),
        }
    }

    fn condition(
        &mut self,
        scanner: &mut Scanner<'a>,
        at: String,
        depth: usize,
        into: &mut Vec<Statement>,
    ) -> Result<(), Unreadable> {
        scanner.skip_word("if");
        let text = scanner.until_word("then")?;
        let then = self.body(scanner, depth)?;
        scanner.spacing();
        let otherwise = if scanner.skip_word("else") { self.body(scanner, depth)? } else { Vec::new() };
        into.push(Statement::If(Condition { at, always: false, text }, then, otherwise));
        Ok(())
    }

    /// `facility.priority action`.
    fn selector(
        &mut self,
        scanner: &mut Scanner<'a>,
        at: String,
        depth: usize,
        into: &mut Vec<Statement>,
    ) -> Result<(), Unreadable> {
        let text = scanner.take_while(|c| !c.is_ascii_whitespace() && c != '{').to_owned();
        if !text.contains('.') {
            return Err(Unreadable::new(at, "this is neither a statement nor a selector"));
        }
        scanner.blanks();
        let always = matches!(text.as_str(), "*.*" | "*.debug");
        let then = self.rule(scanner, depth)?;
        into.push(Statement::If(Condition { at, always, text }, then, Vec::new()));
        Ok(())
    }

    /// `:property, operation, "value" action`.
    fn property(
        &mut self,
        scanner: &mut Scanner<'a>,
        depth: usize,
        into: &mut Vec<Statement>,
    ) -> Result<(), Unreadable> {
        let at = scanner.file.place(scanner.line);
        let mut text = scanner.take_while(|c| c != '"' && c != '\n').to_owned();
        if scanner.peek() != Some('"') {
            return Err(scanner.fault("a filter by a property has no value"));
        }
        text.push_str(&scanner.quoted('"')?);
        scanner.blanks();
        let then = self.rule(scanner, depth)?;
        into.push(Statement::If(Condition { at, always: false, text }, then, Vec::new()));
        Ok(())
    }

    /// `& action`: the same condition as before.
    fn again(
        &mut self,
        scanner: &mut Scanner<'a>,
        depth: usize,
        into: &mut Vec<Statement>,
    ) -> Result<(), Unreadable> {
        scanner.blanks();
        let more = self.rule(scanner, depth)?;
        match into.last_mut() {
            Some(Statement::If(_, then, _)) => then.extend(more),
            _ => into.extend(more),
        }
        Ok(())
    }

    /// What follows a selector: an action of either form, or a block.
    fn rule(&mut self, scanner: &mut Scanner<'a>, depth: usize) -> Result<Vec<Statement>, Unreadable> {
        let word = scanner.peek_word();
        let is_script = scanner.peek() == Some('{')
            || matches!(word.as_str(), "stop" | "call" | "if" | "set" | "unset" | "continue")
            || scanner.opens("action");
        if is_script {
            return self.body(scanner, depth);
        }
        let at = scanner.file.place(scanner.line);
        let action = scanner.rest_of_line();
        let mut statements = Vec::new();
        match action.as_str() {
            "" => return Err(Unreadable::new(at, "an action is expected here")),
            "~" => statements.push(Statement::Stop),
            _ => {
                self.flush_action(&mut statements, &action, &at);
            }
        }
        Ok(statements)
    }

    /// An old action takes what `$Action…` has set before it.
    fn flush_action(&mut self, into: &mut Vec<Statement>, action: &str, at: &str) {
        let settings = std::mem::take(&mut self.pending);
        let (keep, own): (Vec<_>, Vec<_>) =
            settings.entries.into_iter().partition(|(key, ..)| key.starts_with("streamdriver"));
        match super::actions::old(action, at) {
            Some(mut params) => {
                params.entries.extend(own);
                params.entries.extend(keep.iter().cloned());
                into.push(Statement::Action(params));
            }
            None => into.push(Statement::Old(action.to_owned(), at.to_owned())),
        }
        // Those of the stream driver stay until they are changed.
        self.pending.entries = keep;
    }

    /// `$Directive value`.
    fn directive(
        &mut self,
        scanner: &mut Scanner<'a>,
        depth: usize,
        into: &mut Vec<Statement>,
    ) -> Result<(), Unreadable> {
        let at = scanner.file.place(scanner.line);
        scanner.take(1);
        let name = scanner.take_while(|c| !c.is_ascii_whitespace()).to_ascii_lowercase();
        scanner.blanks();
        let line = scanner.rest_of_line();
        let value = line.split(" #").next().unwrap_or_default().trim().trim_matches('"').to_owned();
        match name.as_str() {
            "includeconfig" => return self.include(&value, &at, depth, into),
            "modload" => {
                let module = value.rsplit('/').next().unwrap_or_default().trim_end_matches(".so").to_owned();
                self.program.modules.push(Params::of(&at, &[("load", &module)]));
            }
            "udpserverrun" => {
                self.program.inputs.push(Params::of(&at, &[("type", "imudp"), ("port", &value)]));
            }
            "inputtcpserverrun" => {
                self.program.inputs.push(Params::of(&at, &[("type", "imtcp"), ("port", &value)]));
            }
            "inputrelpserverrun" => {
                self.program.inputs.push(Params::of(&at, &[("type", "imrelp"), ("port", &value)]));
            }
            "inputptcpserverrun" => {
                self.program.inputs.push(Params::of(&at, &[("type", "imptcp"), ("port", &value)]));
            }
            "inputfilename" => self.pending.set("file", &value, &at),
            "inputrunfilemonitor" => {
                let (own, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending.entries)
                    .into_iter()
                    .partition(|(key, ..)| key == "file" || key == "ruleset");
                self.pending.entries = rest;
                let mut params = Params::of(&at, &[("type", "imfile")]);
                params.entries.extend(own);
                self.program.inputs.push(params);
            }
            "inputfilebindruleset" => self.pending.set("ruleset", &value, &at),
            other => {
                if let Some(key) = action_setting(other) {
                    self.pending.set(key, &value, &at);
                }
                self.program.directives.push((name, value, at));
            }
        }
        Ok(())
    }

    fn include(
        &mut self,
        path: &str,
        at: &str,
        depth: usize,
        into: &mut Vec<Statement>,
    ) -> Result<(), Unreadable> {
        let path = config::resolve("/etc/x", path);
        let pattern = if path.ends_with('/') { format!("{path}*") } else { path };
        let (files, hidden) = if pattern.contains(['*', '?', '[', '{']) {
            self.config.glob(&pattern)
        } else {
            match self.config.file(&pattern) {
                Lookup::Seen(file) => (vec![file], None),
                Lookup::Hidden(why) => (Vec::new(), Some(why)),
            }
        };
        for file in files {
            self.file(file, at, depth + 1, into)?;
        }
        if let Some(why) = hidden {
            let why = format!("the included {pattern} is not seen: {why}");
            into.push(Statement::Unseen(Unread { at: at.to_owned(), why }));
        }
        Ok(())
    }
}
