//! Values of expressions, as far as they can be told without running the program.

use super::functions::call;
use super::syntax::{Access, Expr};
use super::world::World;
use crate::analyze::collectors::config::{Lookup, resolve};

/// How long a text may become.
const MAX_TEXT: usize = 64 * 1024;

/// How many references may lead from one to the next.
const MAX_DEPTH: usize = 40;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
    /// What a component exports, by its index and the names behind it: `receiver`.
    Part(usize, Vec<String>),
    /// It is not known; the reason.
    Unknown(String),
}

impl Value {
    /// It as text: the program turns numbers and booleans into text where it needs one.
    pub(super) fn text(&self) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Bool(flag) => Ok(flag.to_string()),
            Self::Number(number) => Ok(number.to_string()),
            Self::Null => Ok(String::new()),
            Self::Unknown(why) => Err(why.clone()),
            Self::Part(..) => Err("it is what a component finds out when it runs".into()),
            Self::List(_) | Self::Object(_) => Err("it is no text".into()),
        }
    }

    /// Its items, if it is a list whose items are known to be all.
    pub(super) fn texts(&self) -> Result<Vec<String>, String> {
        match self {
            Self::List(items) => items.iter().map(Self::text).collect(),
            Self::Null => Ok(Vec::new()),
            Self::Unknown(why) => Err(why.clone()),
            _ => Err("it is no list".into()),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::Number(number) => *number == 0.0,
            Self::Bool(flag) => !flag,
            Self::List(items) => items.is_empty(),
            Self::Object(fields) => fields.is_empty(),
            Self::Part(..) | Self::Unknown(_) => false,
        }
    }

    /// The first that is not empty, as `coalesce` has it.
    pub(super) fn first_set(values: Vec<Self>) -> Self {
        let last = values.last().cloned().unwrap_or(Self::Null);
        values.into_iter().find(|value| !value.is_empty()).unwrap_or(last)
    }
}

impl World<'_> {
    /// The value of an expression in a scope.
    pub(super) fn value(&self, expr: &Expr, scope: usize) -> Value {
        self.eval(expr, scope, 0)
    }

    fn eval(&self, expr: &Expr, scope: usize, depth: usize) -> Value {
        let fuel = self.fuel.get();
        if fuel == 0 || depth > MAX_DEPTH {
            return Value::Unknown("it is computed in more steps than are followed".into());
        }
        self.fuel.set(fuel - 1);
        match expr {
            Expr::Null => Value::Null,
            Expr::Bool(flag) => Value::Bool(*flag),
            Expr::Number(number) => number
                .parse()
                .map_or_else(|_| Value::Unknown("a number that is not read".into()), Value::Number),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::List(items) => {
                Value::List(items.iter().map(|item| self.eval(item, scope, depth)).collect())
            }
            Expr::Object(fields) => Value::Object(
                fields.iter().map(|(key, value)| (key.clone(), self.eval(value, scope, depth))).collect(),
            ),
            Expr::Name(name) => self.access(name, &[], scope, depth),
            Expr::Access(base, accesses) => match &**base {
                Expr::Name(name) => self.access(name, accesses, scope, depth),
                base => self.pick(self.eval(base, scope, depth), accesses, scope, depth),
            },
            Expr::Unary(sign, inner) => match (*sign, self.eval(inner, scope, depth)) {
                ("!", Value::Bool(flag)) => Value::Bool(!flag),
                ("-", Value::Number(number)) => Value::Number(-number),
                (_, Value::Unknown(why)) => Value::Unknown(why),
                _ => Value::Unknown("an operator on something it is not made for".into()),
            },
            Expr::Binary(sign, sides) => {
                binary(sign, self.eval(&sides.0, scope, depth), self.eval(&sides.1, scope, depth))
            }
        }
    }

    /// What a name and what follows it stand for: a component, an argument, a function.
    fn access(&self, name: &str, accesses: &[Access], scope: usize, depth: usize) -> Value {
        const LONGEST: usize = 6;
        let mut path = vec![name];
        for access in accesses.iter().take(LONGEST) {
            let Access::Field(field) = access else { break };
            path.push(field);
        }
        let after = |count: usize| accesses.get(count..).unwrap_or_default();
        let Some(here) = self.scopes.get(scope) else { return Value::Null };
        if let ["argument", argument, "value", ..] = path.as_slice() {
            return self.pick(self.argument(argument, scope, depth), after(2), scope, depth);
        }
        for count in (1..=path.len()).rev() {
            let full = path.get(..count).unwrap_or_default().join(".");
            if let Some(component) = here.names.get(&full) {
                let fields = path.get(count..).unwrap_or_default();
                return self.pick(
                    self.export(*component, fields, depth),
                    after(path.len() - 1),
                    scope,
                    depth,
                );
            }
        }
        let function = path.join(".");
        if let Some(Access::Call(arguments)) = accesses.get(path.len() - 1) {
            let arguments = arguments.iter().map(|argument| self.eval(argument, scope, depth)).collect();
            return self.pick(call(self, &function, arguments), after(path.len()), scope, depth);
        }
        match function.as_str() {
            "constants.os" => Value::Text("linux".into()),
            "constants.hostname" => Value::Unknown("it is the name of the host".into()),
            _ => Value::Unknown(format!(
                "{} is not in this configuration",
                super::super::loki::brief(&function)
            )),
        }
    }

    fn argument(&self, name: &str, scope: usize, depth: usize) -> Value {
        let given = self.scopes.get(scope).and_then(|here| {
            let component = self.components.get(here.of?)?;
            Some((component.block.body.get(name)?, component.scope))
        });
        if let Some((attribute, outer)) = given {
            return self.eval(&attribute.value, outer, depth + 1);
        }
        match self.scopes.get(scope).and_then(|here| here.arguments.get(name)) {
            Some(Some(default)) => self.eval(default, scope, depth + 1),
            _ => Value::Unknown(format!("the argument {} is not given", super::super::loki::brief(name))),
        }
    }

    fn export(&self, index: usize, fields: &[&str], depth: usize) -> Value {
        let Some(component) = self.components.get(index) else { return Value::Null };
        let rest =
            || fields.iter().skip(1).map(|field| Access::Field((*field).to_owned())).collect::<Vec<_>>();
        if let Some(inner) = component.inner {
            let scope = self.scopes.get(inner);
            return match fields.first().and_then(|name| scope?.exports.get(name)) {
                Some(value) => {
                    let value = self.eval(value, inner, depth + 1);
                    self.pick(value, &rest(), inner, depth)
                }
                None => Value::Part(index, Vec::new()),
            };
        }
        if component.kind == "local.file" && fields == ["content"] {
            let path = component
                .block
                .body
                .get("filename")
                .map(|path| self.eval(&path.value, component.scope, depth + 1));
            return match path.map(|path| path.text()) {
                Some(Ok(path)) => match self.config.file(&resolve(&self.config.main, &path)) {
                    Lookup::Seen(file) => Value::Text(file.text.clone()),
                    Lookup::Hidden(why) => Value::Unknown(format!("the file {path} is not seen: {why}")),
                },
                Some(Err(why)) => Value::Unknown(why),
                None => Value::Null,
            };
        }
        Value::Part(index, fields.iter().map(|field| (*field).to_owned()).collect())
    }

    fn pick(&self, value: Value, accesses: &[Access], scope: usize, depth: usize) -> Value {
        accesses.iter().fold(value, |value, access| {
            let key = match access {
                Access::Field(field) => Value::Text(field.clone()),
                Access::Index(index) => self.eval(index, scope, depth),
                Access::Call(_) => return Value::Unknown("it is no function that is known".into()),
            };
            match (value, key) {
                (Value::Object(fields), Value::Text(key)) => {
                    fields.into_iter().find(|(name, _)| *name == key).map_or(Value::Null, |(_, value)| value)
                }
                (Value::List(items), Value::Number(number)) => items
                    .into_iter()
                    .enumerate()
                    .find(|(index, _)| index.to_string() == number.to_string())
                    .map_or(Value::Null, |(_, value)| value),
                (Value::Unknown(why), _) => Value::Unknown(why),
                (Value::Part(index, _), _) => {
                    let id = self.components.get(index).map_or("", |component| component.id.as_str());
                    Value::Unknown(format!("it comes from {id}, which is not seen"))
                }
                _ => Value::Unknown("a part of a value that has none".into()),
            }
        })
    }
}

fn binary(sign: &str, left: Value, right: Value) -> Value {
    use Value::{Bool, List, Number, Text, Unknown};
    match (sign, left, right) {
        ("&&", Bool(false), _) | ("&&", _, Bool(false)) => Bool(false),
        ("||", Bool(true), _) | ("||", _, Bool(true)) => Bool(true),
        (_, Unknown(why), _) | (_, _, Unknown(why)) => Unknown(why),
        ("==", left, right) => Bool(left == right),
        ("!=", left, right) => Bool(left != right),
        ("&&", Bool(left), Bool(right)) => Bool(left && right),
        ("||", Bool(left), Bool(right)) => Bool(left || right),
        ("+", Text(left), Text(right)) if left.len() + right.len() <= MAX_TEXT => Text(left + &right),
        ("+", List(mut left), List(right)) => {
            left.extend(right);
            List(left)
        }
        ("+", Number(left), Number(right)) => Number(left + right),
        ("-", Number(left), Number(right)) => Number(left - right),
        ("*", Number(left), Number(right)) => Number(left * right),
        ("/", Number(left), Number(right)) => Number(left / right),
        _ => Unknown("an operation that is not computed here".into()),
    }
}
