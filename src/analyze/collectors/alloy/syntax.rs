//! The syntax tree of an Alloy configuration.

use std::collections::BTreeSet;

use super::Fault;
use super::lexer::{Kind, Token, tokens};

/// How deep blocks and expressions may be nested.
const MAX_DEPTH: usize = 60;

/// How many operators one expression may have.
const MAX_OPERATORS: usize = 200;

/// What stands between the braces of a block, or in a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Body {
    /// Attributes by name.
    pub(super) attributes: Vec<Attribute>,
    /// Blocks, in their order.
    pub(super) blocks: Vec<Block>,
}

/// `name = value`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attribute {
    /// Its name.
    pub(super) name: String,
    /// Its line.
    pub(super) line: usize,
    /// Its value.
    pub(super) value: Expr,
}

/// `name "label" { … }`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    /// The name with its dots: `loki.write`.
    pub(super) name: String,
    /// The label, if there is one.
    pub(super) label: Option<String>,
    /// Its line.
    pub(super) line: usize,
    /// What it holds.
    pub(super) body: Body,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    /// `null`.
    Null,
    /// `true`.
    Bool(bool),
    /// A number as it is written.
    Number(String),
    /// A text.
    Text(String),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{ a = b }`.
    Object(Vec<(String, Expr)>),
    /// A name, and what is picked from it.
    Name(String),
    /// `a.b[0](c)`: what follows a value, in order.
    Access(Box<Expr>, Vec<Access>),
    /// `!a` or `-a`.
    Unary(&'static str, Box<Expr>),
    /// `a + b`.
    Binary(&'static str, Box<(Expr, Expr)>),
}

/// What follows a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Access {
    /// `.name`.
    Field(String),
    /// `["name"]`.
    Index(Expr),
    /// `(arguments)`.
    Call(Vec<Expr>),
}

impl Body {
    /// The value of an attribute.
    pub(super) fn get(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The first block of a name.
    pub(super) fn block(&self, name: &str) -> Option<&Block> {
        self.blocks.iter().find(|block| block.name == name)
    }

    /// All blocks of a name.
    pub(super) fn blocks<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |block| block.name == name)
    }
}

/// Reads a file.
pub(super) fn parse(text: &str) -> Result<Body, Fault> {
    let tokens = tokens(text)?;
    let last = tokens.last().map_or(1, |token| token.line);
    let mut parser = Parser { tokens: tokens.into_iter().peekable(), line: 1, last, depth: 0, operators: 0 };
    let body = parser.body()?;
    match parser.tokens.peek() {
        Some(token) => Err(Fault { line: token.line, why: "a closing brace without a block".into() }),
        None => Ok(body),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    /// The line of the word read last.
    line: usize,
    /// The last line with a word.
    last: usize,
    depth: usize,
    operators: usize,
}

impl Parser {
    fn fault<T>(&mut self, why: impl Into<String>) -> Result<T, Fault> {
        let line = self.tokens.peek().map_or(self.last, |token| token.line);
        Err(Fault { line, why: why.into() })
    }

    fn next(&mut self) -> Option<Kind> {
        let token = self.tokens.next()?;
        self.line = token.line;
        Some(token.kind)
    }

    fn is(&mut self, sign: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token { kind: Kind::Sign(next), .. }) if *next == sign)
    }

    /// The next word if it stands on the line of the last one.
    fn same_line(&mut self) -> Option<&Kind> {
        self.tokens.peek().filter(|token| !token.first).map(|token| &token.kind)
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.eat(sign) { Ok(()) } else { self.fault(format!("`{sign}` is expected")) }
    }

    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth >= MAX_DEPTH {
            return self.fault(format!("nested more than {MAX_DEPTH} levels deep"));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    fn body(&mut self) -> Result<Body, Fault> {
        let mut body = Body::default();
        let mut names = BTreeSet::new();
        while let Some(token) = self.tokens.peek() {
            if token.kind == Kind::Sign("}") {
                break;
            }
            self.statement(&mut body, &mut names)?;
            let ended = self.same_line().is_none() || self.is("}") || self.eat(";");
            if !ended {
                return self.fault("a new line is expected after a statement");
            }
        }
        Ok(body)
    }

    fn statement(&mut self, body: &mut Body, names: &mut BTreeSet<String>) -> Result<(), Fault> {
        let Some(Kind::Name(mut name)) = self.next() else {
            return Err(Fault {
                line: self.line,
                why: "the name of an attribute or block is expected".into(),
            });
        };
        let line = self.line;
        while self.eat(".") {
            let Some(Kind::Name(part)) = self.next() else {
                return Err(Fault { line: self.line, why: "a name is expected after the dot".into() });
            };
            name.push('.');
            name.push_str(&part);
        }
        if self.eat("=") {
            if !names.insert(name.clone()) {
                return Err(Fault { line, why: format!("the attribute {name} is set twice") });
            }
            self.operators = 0;
            let value = self.expression(0)?;
            body.attributes.push(Attribute { name, line, value });
            return Ok(());
        }
        let label = match self.same_line() {
            Some(Kind::Text(label)) => {
                let label = label.clone();
                self.next();
                Some(label)
            }
            _ => None,
        };
        if !self.eat("{") {
            return self.fault("`=` or a block is expected after a name");
        }
        let inner = self.deeper(Self::body)?;
        if !self.eat("}") {
            return Err(Fault { line, why: format!("the block {name} has no end") });
        }
        body.blocks.push(Block { name, label, line, body: inner });
        Ok(())
    }

    fn expression(&mut self, least: u8) -> Result<Expr, Fault> {
        let mut left = self.deeper(Self::operand)?;
        while let Some(Kind::Sign(sign)) = self.same_line() {
            let sign = *sign;
            let Some(strength) = strength(sign).filter(|strength| *strength >= least) else { break };
            self.operators += 1;
            if self.operators > MAX_OPERATORS {
                return self.fault(format!("an expression with more than {MAX_OPERATORS} operators"));
            }
            self.next();
            // Only powers bind to the right.
            let next = if sign == "^" { strength } else { strength + 1 };
            let right = self.deeper(|parser| parser.expression(next))?;
            left = Expr::Binary(sign, Box::new((left, right)));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expr, Fault> {
        let value = match self.next() {
            Some(Kind::Sign(sign @ ("!" | "-"))) => {
                return Ok(Expr::Unary(sign, Box::new(self.deeper(Self::operand)?)));
            }
            Some(Kind::Text(text)) => Expr::Text(text),
            Some(Kind::Number(number)) => Expr::Number(number),
            Some(Kind::Name(name)) => match name.as_str() {
                "null" => Expr::Null,
                "true" => Expr::Bool(true),
                "false" => Expr::Bool(false),
                _ => Expr::Name(name),
            },
            Some(Kind::Sign("[")) => Expr::List(self.list("]")?),
            Some(Kind::Sign("{")) => Expr::Object(self.fields()?),
            Some(Kind::Sign("(")) => {
                let inner = self.expression(0)?;
                self.expect(")")?;
                inner
            }
            _ => return Err(Fault { line: self.line, why: "a value is expected".into() }),
        };
        let accesses = self.accesses()?;
        Ok(if accesses.is_empty() { value } else { Expr::Access(Box::new(value), accesses) })
    }

    fn accesses(&mut self) -> Result<Vec<Access>, Fault> {
        let mut accesses = Vec::new();
        loop {
            match self.same_line() {
                Some(Kind::Sign(".")) => {
                    self.next();
                    let Some(Kind::Name(name)) = self.next() else {
                        return Err(Fault {
                            line: self.line,
                            why: "a name is expected after the dot".into(),
                        });
                    };
                    accesses.push(Access::Field(name));
                }
                Some(Kind::Sign("[")) => {
                    self.next();
                    accesses.push(Access::Index(self.expression(0)?));
                    self.expect("]")?;
                }
                Some(Kind::Sign("(")) => {
                    self.next();
                    accesses.push(Access::Call(self.list(")")?));
                }
                _ => return Ok(accesses),
            }
        }
    }

    fn list(&mut self, end: &str) -> Result<Vec<Expr>, Fault> {
        let mut items = Vec::new();
        while !self.eat(end) {
            items.push(self.expression(0)?);
            if !self.eat(",") {
                self.expect(end)?;
                break;
            }
        }
        Ok(items)
    }

    fn fields(&mut self) -> Result<Vec<(String, Expr)>, Fault> {
        let mut fields = Vec::new();
        while !self.eat("}") {
            let Some(Kind::Name(key) | Kind::Text(key)) = self.next() else {
                return Err(Fault { line: self.line, why: "the key of a field is expected".into() });
            };
            self.expect("=")?;
            fields.push((key, self.expression(0)?));
            if !self.eat(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(fields)
    }
}

/// How strongly an operator binds.
fn strength(sign: &str) -> Option<u8> {
    Some(match sign {
        "||" => 1,
        "&&" => 2,
        "==" | "!=" | "<" | "<=" | ">" | ">=" => 3,
        "+" | "-" => 4,
        "*" | "/" | "%" => 5,
        "^" => 6,
        _ => return None,
    })
}
