//! The seam to the expression engine: no other file names the `cel` crate.
//!
//! An expression is parsed once, turned into a [`Tree`] of our own for [`super::lint`], and evaluated against JSON
//! values. A missing key is how an unknown fact looks: CEL absorbs its error exactly as three-valued logic does
//! (`false && error` is false, `true || error` is true), so an error that remains is the verdict *unknown*.

use std::sync::Arc;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::parser::PrattParser;
use cel::{Context, Env, Value as CelValue};
use serde_json::Value;

/// The longest expression that is accepted, in bytes.
pub const MAX_BYTES: usize = 2048;

/// The deepest nesting that is accepted. Together with [`MAX_BYTES`] it bounds the stack that evaluating takes.
const MAX_DEPTH: usize = 64;

/// A parsed expression.
pub struct Expression {
    expression: IdedExpr,
    /// What it says, for static checking.
    pub tree: Tree,
    /// Its text.
    pub source: String,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

/// What is wrong with an expression, and at which byte of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Byte offset in the expression.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// What may be meant.
    pub help: Option<String>,
}

/// A node of an expression and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// Byte offset in the expression.
    pub offset: usize,
    /// What it is.
    pub node: Node,
}

/// The kinds of nodes. Operators are calls, named as in the CEL specification (`_==_`).
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A constant.
    Bool,
    /// A whole number.
    Int,
    /// `1u`.
    Uint,
    /// `1.5`.
    Double,
    /// A text constant with its value.
    Text(String),
    /// `null`.
    Null,
    /// `b'…'`.
    Bytes,
    /// A variable.
    Name(String),
    /// `operand.field`, or `has(operand.field)`.
    Select {
        /// What is selected from.
        operand: Box<Tree>,
        /// The field.
        field: String,
        /// Whether it stands in `has()`.
        test: bool,
    },
    /// A function, a method or an operator.
    Call {
        /// Its name.
        name: String,
        /// What a method is called on.
        target: Option<Box<Tree>>,
        /// Its arguments.
        arguments: Vec<Tree>,
    },
    /// `[a, b]`.
    List(Vec<Tree>),
    /// `{k: v}`.
    Map(Vec<(Tree, Tree)>),
    /// What `all`, `exists`, `exists_one`, `map` and `filter` expand to.
    Comprehension(Box<Comprehension>),
    /// Anything that is not accepted.
    Other(&'static str),
}

/// The loop that a macro expands to.
#[derive(Debug, Clone, PartialEq)]
pub struct Comprehension {
    /// What is looped over.
    pub range: Tree,
    /// The loop variable.
    pub variable: String,
    /// The variable in which the result is built.
    pub accumulator: String,
    /// Its first value.
    pub init: Tree,
    /// Whether to go on.
    pub condition: Tree,
    /// Its next value.
    pub step: Tree,
    /// What comes out.
    pub result: Tree,
}

/// What an expression came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A value.
    Value(Value),
    /// A fact that was needed is missing.
    Missing,
    /// It failed for another reason: a division by zero, an index out of bounds.
    Failed(String),
}

/// The variables that an expression may use, converted once for many expressions.
pub struct Scope<'s> {
    context: Context<'s, 's>,
}

impl Scope<'_> {
    /// A scope without variables.
    pub fn new() -> Self {
        let env = Env::stdlib().with_optional_support(false);
        Self { context: Context::with_env(Arc::new(env)) }
    }

    /// Adds or replaces a variable.
    pub fn set(&mut self, name: &str, value: &Value) {
        self.context.add_variable_from_value(name, to_cel(value));
    }

    /// A scope within this one that has a further variable.
    pub fn with<'i>(&'i self, variable: &'i Variable) -> Scope<'i> {
        let mut context = self.context.new_inner_scope();
        context.set_variable_resolver(variable);
        Scope { context }
    }
}

impl Default for Scope<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// A variable as the engine holds it, to be lent to many scopes: converting takes much longer than judging.
#[derive(Debug)]
pub struct Variable {
    name: &'static str,
    /// None for a value that the engine does not know, of which there is none in JSON.
    value: Option<Box<dyn Val>>,
}

impl Variable {
    /// Converts a value.
    pub fn new(name: &'static str, value: &Value) -> Self {
        Self { name, value: to_cel(value).try_into().ok() }
    }
}

impl VariableResolver for Variable {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let value = self.value.as_deref().filter(|_| variable == self.name)?;
        Some(CowVal::Borrowed(value))
    }
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// It is too long, nested too deeply, or no CEL.
    pub fn parse(source: &str) -> Result<Self, Fault> {
        let fault = |offset, message| Fault { offset, message, help: None };
        if source.len() > MAX_BYTES {
            return Err(fault(
                0,
                format!("the expression is {} bytes long; the limit is {MAX_BYTES}", source.len()),
            ));
        }
        check_depth(source)?;
        // Of the engine's two parsers the one that is twenty times as fast; nearly all of loading the checks is parsing.
        let expression = PrattParser::new().parse(source).map_err(|errors| {
            let Some(error) = errors.errors.first() else {
                return fault(0, "the expression is no valid CEL".into());
            };
            let message = error.msg.lines().next().unwrap_or_default().to_owned();
            fault(offset_of(source, error.pos), format!("the expression is no valid CEL: {message}"))
        })?;
        let tree = convert(&expression, &positions(source));
        Ok(Self { expression, tree, source: source.to_owned() })
    }

    /// Evaluates it.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Outcome {
        match CelValue::resolve(&self.expression, &scope.context) {
            Ok(value) => from_cel(&value)
                .map_or_else(|| Outcome::Failed("the result is no plain value".into()), Outcome::Value),
            Err(cel::ExecutionError::NoSuchKey(_)) => Outcome::Missing,
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }
}

/// Where the nodes of a valid expression stand. The parser tells it only beside an error, so one is provoked behind the
/// expression, where it leaves every node as it is.
fn positions(source: &str) -> Arc<SourceInfo> {
    let broken = format!("{source}\n)");
    let errors = PrattParser::new().parse(&broken).err().map(|errors| errors.errors).unwrap_or_default();
    errors.into_iter().find_map(|error| error.source_info).unwrap_or_default()
}

/// Refuses nesting that would exhaust the stack before the parser sees it.
fn check_depth(source: &str) -> Result<(), Fault> {
    let mut depth = 0_usize;
    let mut unary = 0_usize;
    for (offset, c) in source.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        unary = if matches!(c, '!' | '-' | '?') {
            unary + 1
        } else if c.is_whitespace() {
            unary
        } else {
            0
        };
        if depth > MAX_DEPTH || unary > MAX_DEPTH {
            let message = format!("the expression is nested more than {MAX_DEPTH} deep");
            return Err(Fault { offset, message, help: None });
        }
    }
    Ok(())
}

/// The byte offset of the parser's one-based line and column.
fn offset_of(source: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let column = usize::try_from(column).unwrap_or(1).max(1);
    let before: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    (before + column - 1).min(source.len())
}

fn convert(expression: &IdedExpr, source: &SourceInfo) -> Tree {
    let offset = source.offset_for(expression.id).map_or(0, |(start, _)| start as usize);
    let boxed = |inner: &IdedExpr| Box::new(convert(inner, source));
    let node = match &expression.expr {
        Expr::Unspecified => Node::Other("an empty expression"),
        Expr::Literal(literal) => match literal {
            LiteralValue::Boolean(_) => Node::Bool,
            LiteralValue::Int(_) => Node::Int,
            LiteralValue::UInt(_) => Node::Uint,
            LiteralValue::Double(_) => Node::Double,
            LiteralValue::String(text) => Node::Text(text.inner().to_owned()),
            LiteralValue::Null => Node::Null,
            LiteralValue::Bytes(_) => Node::Bytes,
        },
        Expr::Ident(name) => Node::Name(name.clone()),
        Expr::Select(select) => {
            Node::Select { operand: boxed(&select.operand), field: select.field.clone(), test: select.test }
        }
        Expr::Call(call) => Node::Call {
            name: if call.func_name == operators::OPT_SELECT {
                "_?._".into()
            } else {
                call.func_name.clone()
            },
            target: call.target.as_deref().map(boxed),
            arguments: call.args.iter().map(|argument| convert(argument, source)).collect(),
        },
        Expr::List(list) => {
            Node::List(list.elements.iter().map(|element| convert(element, source)).collect())
        }
        Expr::Map(map) => {
            let entries = map.entries.iter().filter_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    Some((convert(&entry.key, source), convert(&entry.value, source)))
                }
                EntryExpr::StructField(_) => None,
            });
            Node::Map(entries.collect())
        }
        Expr::Struct(_) => Node::Other("a typed object"),
        Expr::Comprehension(inner) if inner.iter_var2.is_some() => Node::Other("a loop with two variables"),
        Expr::Comprehension(inner) => Node::Comprehension(Box::new(Comprehension {
            range: convert(&inner.iter_range, source),
            variable: inner.iter_var.clone(),
            accumulator: inner.accu_var.clone(),
            init: convert(&inner.accu_init, source),
            condition: convert(&inner.loop_cond, source),
            step: convert(&inner.loop_step, source),
            result: convert(&inner.result, source),
        })),
    };
    Tree { offset, node }
}

/// JSON into CEL. Every whole number becomes an `int`, so that arithmetic never meets a `uint`.
fn to_cel(value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(value) => CelValue::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => CelValue::Int(int),
            (None, Some(float)) => CelValue::Float(float),
            (None, None) => CelValue::Null,
        },
        Value::String(text) => CelValue::String(Arc::new(text.clone())),
        Value::Array(items) => CelValue::List(Arc::new(items.iter().map(to_cel).collect())),
        Value::Object(map) => {
            #[expect(
                clippy::disallowed_types,
                reason = "the engine's maps are made of one; its order reaches nothing"
            )]
            let map: std::collections::HashMap<String, CelValue> =
                map.iter().map(|(key, value)| (key.clone(), to_cel(value))).collect();
            CelValue::from(map)
        }
    }
}

fn from_cel(value: &CelValue) -> Option<Value> {
    Some(match value {
        CelValue::Null => Value::Null,
        CelValue::Bool(value) => Value::Bool(*value),
        CelValue::Int(int) => Value::from(*int),
        CelValue::UInt(int) => Value::from(*int),
        CelValue::Float(float) => Value::from(*float),
        CelValue::String(text) => Value::String(text.as_str().to_owned()),
        CelValue::List(items) => Value::Array(items.iter().map(from_cel).collect::<Option<_>>()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn evaluate(source: &str) -> Outcome {
        let mut scope = Scope::new();
        scope.set("facts", &json!({"t": true, "f": false, "n": 3, "s": "x", "l": [{"a": 1, "k": true}, {"k": true}], "o": {}}));
        Expression::parse(source).unwrap().evaluate(&scope)
    }

    /// Guards the behaviour that verdicts rest on against a change of the engine.
    #[test]
    fn unknown_facts_follow_three_valued_logic() {
        let (yes, no, unknown) =
            (Outcome::Value(json!(true)), Outcome::Value(json!(false)), Outcome::Missing);
        for (source, expected) in [
            ("facts.u", &unknown),
            ("facts.o.u", &unknown),
            ("!facts.u", &unknown),
            ("facts.u && true", &unknown),
            ("true && facts.u", &unknown),
            ("facts.u && false", &no),
            ("false && facts.u", &no),
            ("facts.u || true", &yes),
            ("true || facts.u", &yes),
            ("facts.u || false", &unknown),
            ("false || facts.u", &unknown),
            ("facts.u == facts.u", &unknown),
            ("facts.u != 1", &unknown),
            ("facts.u > 3", &unknown),
            ("facts.u + 1 > 3", &unknown),
            ("facts.u ? true : true", &unknown),
            ("facts.t ? true : facts.u", &yes),
            ("facts.f ? facts.u : false", &no),
            ("facts.u in [1, 2]", &unknown),
            ("size(facts.u) == 0", &unknown),
            ("facts.s.startsWith(facts.u)", &unknown),
            ("facts.u.startsWith('a')", &unknown),
            ("facts.l.all(i, i.a == 1)", &unknown),
            ("facts.l.all(i, i.a == 2)", &no),
            ("facts.l.all(i, i.k)", &yes),
            ("facts.l.exists(i, i.a == 1)", &yes),
            ("facts.l.exists(i, i.a == 2)", &unknown),
            ("facts.l.exists(i, !i.k)", &no),
            ("facts.l.exists(i, i.u) || facts.t", &yes),
            ("facts.u.all(i, true)", &unknown),
            ("facts.l.filter(i, i.a == 1).size() == 1", &unknown),
            ("facts.l.map(i, i.k).all(k, k)", &yes),
            ("(facts.u || true) && (facts.u && false || true)", &yes),
            ("!(facts.u && false)", &yes),
        ] {
            assert_eq!(&evaluate(source), expected, "{source}");
        }
    }

    /// The engine's own default is its other parser, which is generated from the grammar of the language.
    #[test]
    fn expressions_are_read_as_by_the_grammar() {
        let checks = crate::check::load::builtin().unwrap().checks;
        let used = checks.iter().flat_map(|check| {
            [&check.each, &check.among, &check.applies].into_iter().flatten().chain([&check.pass])
        });
        let others = [
            "-1 - -x.y",
            "a ? b : c ? d : e",
            "!(!a || b) && c && d && e",
            "f.m('a\\n\"', r'\\d')[0] % 2 in [1, 2]",
        ];
        for source in used.map(|used| used.expression.source.as_str()).chain(others) {
            let by_grammar = cel::Program::compile(source).unwrap();
            let ours = PrattParser::new().parse(source).unwrap();
            let bare = |expression| convert(expression, &SourceInfo::default());
            assert_eq!(bare(&ours), bare(by_grammar.expression()), "{source}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_parser(source in r#"([a-z.'"`\\()\[\]{}!?:&|<>=+*/%0-9ux ßπ…\r\n-]|b'|r"|true|facts\.l\.all\(i, ){0,40}"#) {
            if let Err(fault) = Expression::parse(&source) {
                proptest::prop_assert!(fault.offset <= source.len());
            }
        }
    }

    #[test]
    fn nodes_stand_where_they_are_written() {
        let tree = Expression::parse("true ||\n  size(facts.list) == 10").unwrap().tree;
        let Node::Call { arguments, .. } = tree.node else { panic!("{tree:?}") };
        assert_eq!(tree.offset, 5);
        assert_eq!(arguments.iter().map(|argument| argument.offset).collect::<Vec<_>>(), [0, 27]);
    }

    #[test]
    fn plain_expressions_mean_what_they_say() {
        for (source, expected) in [
            ("facts.n * 2 + 1", json!(7)),
            ("facts.n / 2", json!(1)),
            ("facts.n >= 3 && facts.n < 4", json!(true)),
            ("facts.s + 'y'", json!("xy")),
            ("size(facts.l)", json!(2)),
            ("facts.l.map(i, i.k)", json!([true, true])),
            ("'x' in ['x']", json!(true)),
            ("string(facts.n)", json!("3")),
            ("facts.s.matches('^x$')", json!(true)),
            ("facts.n == 3 ? 'a' : 'b'", json!("a")),
        ] {
            assert_eq!(evaluate(source), Outcome::Value(expected), "{source}");
        }
        assert!(matches!(evaluate("facts.n / 0"), Outcome::Failed(_)));
        assert!(matches!(evaluate("[1][5]"), Outcome::Failed(_) | Outcome::Missing));
    }

    #[test]
    fn hostile_expressions_end_in_an_error() {
        let deep = "(".repeat(1000) + "1" + &")".repeat(1000);
        let bangs = "!".repeat(1500) + "true";
        let long = "1+".repeat(3000) + "1";
        for source in [deep.as_str(), &bangs, &long, "", "1 +", "a..b", "'", "\u{0}", "facts.", "))"] {
            assert!(Expression::parse(source).is_err(), "{source:.20}");
        }
        // Left-deep chains within the length limit must evaluate on the stack that checks run on.
        let chain = "1+".repeat(1000) + "1 > 0";
        let run = move || Expression::parse(&chain).map(|expression| expression.evaluate(&Scope::new()));
        let outcome = super::super::limits::on_big_stack(run);
        assert_eq!(outcome, Ok(Outcome::Value(json!(true))));
    }
}
