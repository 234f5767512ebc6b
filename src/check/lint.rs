//! Static checking of expressions: what is written in a check must mean something before any cluster is judged by it.
//!
//! The engine finds a misspelt field only when it evaluates it, and then not where `||` absorbs the error; here every
//! name, field, function, number of arguments and type is checked against the schema of the facts. What remains of
//! errors at run time can then only be an unknown fact.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expr::{Comprehension, Fault, Node, Tree};
use super::types::Type;
use crate::suggest::nearest;

/// Loops may stand in each other only so deep: each level multiplies the work.
const MAX_LOOPS: usize = 2;

/// A checked expression's type, and the paths of the facts it uses, with `[*]` for any item of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The type of its result.
    pub result: Type,
    /// For example `item.audit.policySet` or `facts.apiServers[*].name`.
    pub uses: Vec<String>,
}

/// Checks an expression against the types of the variables it may use.
///
/// # Errors
/// The first thing in it that is wrong.
pub fn check(tree: &Tree, variables: &BTreeMap<String, Type>) -> Result<Checked, Fault> {
    let scope = variables
        .iter()
        .map(|(name, r#type)| (name.clone(), Typed { r#type: r#type.clone(), path: Some(name.clone()) }))
        .collect();
    let mut linter = Linter { scope, uses: Vec::new(), loops: 0 };
    let typed = linter.used(tree)?;
    Ok(Checked { result: typed.r#type, uses: linter.uses })
}

#[derive(Debug, Clone)]
struct Typed {
    r#type: Type,
    path: Option<String>,
}

impl Typed {
    fn value(r#type: Type) -> Self {
        Self { r#type, path: None }
    }
}

struct Linter {
    scope: Vec<(String, Typed)>,
    uses: Vec<String>,
    loops: usize,
}

fn fault<T>(tree: &Tree, message: String) -> Result<T, Fault> {
    Err(Fault { offset: tree.offset, message, help: None })
}

fn fault_with_help<T>(offset: usize, message: String, near: Option<&str>) -> Result<T, Fault> {
    Err(Fault { offset, message, help: near.map(|near| format!("did you mean `{near}`?")) })
}

impl Linter {
    /// The type of a tree whose value is used as it is, so that the path it stands for is a fact in use.
    fn used(&mut self, tree: &Tree) -> Result<Typed, Fault> {
        let typed = self.infer(tree)?;
        if let Some(path) = &typed.path
            && !self.uses.contains(path)
        {
            self.uses.push(path.clone());
        }
        Ok(typed)
    }

    fn infer(&mut self, tree: &Tree) -> Result<Typed, Fault> {
        match &tree.node {
            Node::Bool => Ok(Typed::value(Type::Bool)),
            Node::Int => Ok(Typed::value(Type::Int)),
            Node::Double => Ok(Typed::value(Type::Double)),
            Node::Text(_) => Ok(Typed::value(Type::Text)),
            Node::Uint => {
                fault(tree, "unsigned numbers are not used here; write the number without `u`".into())
            }
            Node::Bytes => fault(tree, "byte strings are not used here; write the text without `b`".into()),
            Node::Null => {
                fault(tree, "`null` is not used here: facts are known or unknown, never null".into())
            }
            Node::Other(what) => fault(tree, format!("{what} is not accepted here")),
            Node::Name(name) => self.name(tree, name),
            Node::Select { test: true, .. } => fault(
                tree,
                "`has()` would take an unknown fact for an absent one; use the fact itself".into(),
            ),
            Node::Select { operand, field, test: false } => self.select(tree, operand, field),
            Node::Call { name, target, arguments } => self.call(tree, name, target.as_deref(), arguments),
            Node::List(items) => {
                let mut item_type = Type::Any;
                for item in items {
                    let next = self.used(item)?.r#type;
                    item_type = match item_type.unify(&next) {
                        Some(both) => both,
                        None => return fault(item, format!("a list of {item_type} cannot hold a {next}")),
                    };
                }
                Ok(Typed::value(Type::List(Arc::new(item_type))))
            }
            Node::Map(_) => fault(tree, "maps are not used here".into()),
            Node::Comprehension(inner) => self.comprehension(tree, inner),
        }
    }

    fn name(&self, tree: &Tree, name: &str) -> Result<Typed, Fault> {
        if let Some((_, typed)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            return Ok(typed.clone());
        }
        let known = self.scope.iter().map(|(known, _)| known.as_str());
        fault_with_help(tree.offset, format!("there is no variable `{name}`"), nearest(name, known))
    }

    fn select(&mut self, tree: &Tree, operand: &Tree, field: &str) -> Result<Typed, Fault> {
        let inner = self.infer(operand)?;
        match &inner.r#type {
            Type::Object(fields) => {
                if let Some(r#type) = fields.get(field) {
                    let path = inner.path.map(|path| format!("{path}.{field}"));
                    Ok(Typed { r#type: r#type.clone(), path })
                } else {
                    let owner = inner.path.as_deref().unwrap_or("this object");
                    let near = nearest(field, fields.keys().map(String::as_str));
                    // The offset is that of the dot; the caret belongs under the field.
                    fault_with_help(tree.offset + 1, format!("{owner} has no field `{field}`"), near)
                }
            }
            Type::List(_) => {
                fault(tree, format!("`.{field}` is asked of a list; use `all`, `exists` or an index"))
            }
            other => fault(tree, format!("`.{field}` is asked of a {other}")),
        }
    }

    fn comprehension(&mut self, tree: &Tree, inner: &Comprehension) -> Result<Typed, Fault> {
        let range = self.used(&inner.range)?;
        let Type::List(item) = &range.r#type else {
            return fault(
                &inner.range,
                format!("only lists can be looped over, and this is a {}", range.r#type),
            );
        };
        self.loops += 1;
        if self.loops > MAX_LOOPS {
            return fault(tree, format!("loops are nested more than {MAX_LOOPS} deep"));
        }
        let init = self.used(&inner.init)?;
        let variable = Typed { r#type: (**item).clone(), path: range.path.map(|path| format!("{path}[*]")) };
        let depth = self.scope.len();
        self.scope.push((inner.accumulator.clone(), init.clone()));
        self.scope.push((inner.variable.clone(), variable));
        let condition = self.used(&inner.condition)?;
        let step = self.used(&inner.step)?;
        let Some(result) = init.r#type.unify(&step.r#type) else {
            return fault(
                &inner.step,
                format!("the loop's body must be a {}, and it is a {}", init.r#type, step.r#type),
            );
        };
        if condition.r#type.unify(&Type::Bool).is_none() {
            return fault(
                &inner.condition,
                format!("the condition is a {}, and must be a bool", condition.r#type),
            );
        }
        self.scope.truncate(depth);
        self.scope.push((inner.accumulator.clone(), Typed::value(result)));
        let result = self.used(&inner.result)?;
        self.scope.truncate(depth);
        self.loops -= 1;
        Ok(result)
    }

    fn call(
        &mut self,
        tree: &Tree,
        name: &str,
        target: Option<&Tree>,
        arguments: &[Tree],
    ) -> Result<Typed, Fault> {
        let mut operands = Vec::new();
        for operand in target.into_iter().chain(arguments) {
            operands.push((self.used(operand)?, operand));
        }
        let types: Vec<Type> = operands.iter().map(|(typed, _)| typed.r#type.clone()).collect();
        let value = |r#type| Ok(Typed::value(r#type));
        match (name, types.as_slice()) {
            ("_&&_" | "_||_", [_, _]) | ("!_" | "@not_strictly_false" | "__not_strictly_false__", [_]) => {
                for (typed, operand) in &operands {
                    if typed.r#type.unify(&Type::Bool).is_none() {
                        return fault(
                            operand,
                            format!("a bool is needed here, and this is a {}", typed.r#type),
                        );
                    }
                }
                value(Type::Bool)
            }
            ("_?_:_", [condition, left, right]) => match (condition.unify(&Type::Bool), left.unify(right)) {
                (None, _) => {
                    fault(tree, format!("the condition before `?` is a {condition}, and must be a bool"))
                }
                (_, None) => fault(tree, format!("the two sides of `:` differ: {left} and {right}")),
                (_, Some(both)) => value(both),
            },
            ("_==_" | "_!=_", [left, right]) => {
                if left.unify(right).is_some() || left.is_number() && right.is_number() {
                    return value(Type::Bool);
                }
                fault(tree, format!("a {left} is compared with a {right}"))
            }
            ("_<_" | "_<=_" | "_>_" | "_>=_", [left, right]) => {
                if left.is_number() && right.is_number() || (left, right) == (&Type::Text, &Type::Text) {
                    return value(Type::Bool);
                }
                fault(tree, format!("a {left} cannot be ordered against a {right}"))
            }
            ("_+_", [left, right]) if matches!(left, Type::Text | Type::List(_)) => match left.unify(right) {
                Some(both) => value(both),
                None => fault(tree, format!("a {right} cannot be added to a {left}")),
            },
            ("_+_" | "_-_" | "_*_" | "_/_" | "_%_", [left, right]) => {
                match left.unify(right).filter(Type::is_number) {
                    Some(both) => value(both),
                    None => fault(tree, format!("this cannot be computed from a {left} and a {right}")),
                }
            }
            ("-_", [operand]) if operand.is_number() => value(operand.clone()),
            ("@in" | "_in_", [item, Type::List(items)]) => match item.unify(items) {
                Some(_) => value(Type::Bool),
                None => fault(tree, format!("a {item} is looked for in a list of {items}")),
            },
            ("@in" | "_in_", [_, other]) => fault(tree, format!("`in` needs a list, and this is a {other}")),
            ("_[_]", [Type::List(item), index]) if index.is_number() => {
                let path = operands.first().and_then(|(typed, _)| typed.path.clone());
                Ok(Typed { r#type: (**item).clone(), path: path.map(|path| format!("{path}[*]")) })
            }
            ("_[_]", [other, _]) => fault(tree, format!("an index is used on a {other}")),
            ("size", [Type::List(_) | Type::Text]) => value(Type::Int),
            ("startsWith" | "endsWith" | "contains", [Type::Text, Type::Text]) if target.is_some() => {
                value(Type::Bool)
            }
            ("matches", [Type::Text, Type::Text]) if target.is_some() => {
                let Some(Tree { node: Node::Text(pattern), .. }) = arguments.first() else {
                    return fault(tree, "the pattern of `matches` must be a constant".into());
                };
                match regex::Regex::new(pattern) {
                    Ok(_) => value(Type::Bool),
                    Err(error) => fault(tree, format!("the pattern is no valid regular expression: {error}")),
                }
            }
            ("string", [Type::Text | Type::Int | Type::Double | Type::Bool]) => value(Type::Text),
            ("int", [Type::Text | Type::Int | Type::Double]) => value(Type::Int),
            ("double", [Type::Text | Type::Int | Type::Double]) => value(Type::Double),
            (known, types) if FUNCTIONS.contains(&known) => {
                let types: Vec<String> = types.iter().map(ToString::to_string).collect();
                fault(tree, format!("`{known}` cannot be used with ({})", types.join(", ")))
            }
            (operator, types) if !operator.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                let types: Vec<String> = types.iter().map(ToString::to_string).collect();
                fault(
                    tree,
                    format!(
                        "the operator `{}` cannot be used with ({})",
                        operator.replace('_', ""),
                        types.join(", ")
                    ),
                )
            }
            (unknown, _) => fault_with_help(
                tree.offset,
                format!("there is no function `{unknown}`"),
                nearest(unknown, FUNCTIONS),
            ),
        }
    }
}

/// The functions that an expression may use, the macros included.
const FUNCTIONS: [&str; 13] = [
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "string",
    "int",
    "double",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
];

#[cfg(test)]
mod tests {
    use super::super::expr::Expression;
    use super::*;

    fn variables() -> BTreeMap<String, Type> {
        let rule = Type::Object(Arc::new([("level".into(), Type::Text), ("count".into(), Type::Int)].into()));
        let facts = Type::Object(Arc::new(
            [
                ("rules".into(), Type::List(Arc::new(rule.clone()))),
                ("on".into(), Type::Bool),
                ("n".into(), Type::Int),
            ]
            .into(),
        ));
        [("facts".into(), facts), ("item".into(), rule)].into()
    }

    fn lint(source: &str) -> Result<Checked, Fault> {
        check(&Expression::parse(source)?.tree, &variables())
    }

    #[test]
    fn what_is_wrong_is_found_where_it_stands() {
        for (source, offset, message) in [
            ("facs.on", 0, "no variable `facs`"),
            ("facts.onn", 6, "has no field `onn`"),
            ("true || facts.rules.exists(r, r.levle == 'None')", 32, "has no field `levle`"),
            ("facts.rules.level == 'x'", 11, "asked of a list"),
            ("has(facts.on)", 3, "`has()`"),
            ("facts.n + 'x' == 'y'", 8, "cannot be computed"),
            ("facts.on > 1", 9, "cannot be ordered"),
            ("facts.n == 'x'", 8, "is compared with"),
            ("facts.n.startsWith('x')", 18, "cannot be used with"),
            ("facts.rules.exsts(r, true)", 20, ""),
            ("strlen(item.level)", 6, "no function `strlen`"),
            ("size()", 4, "cannot be used with"),
            ("item.level.matches('(')", 18, "no valid regular expression"),
            ("facts.n == null", 11, "`null`"),
            ("1u == 1u", 0, "unsigned"),
            ("facts.rules.all(a, facts.rules.all(b, facts.rules.all(c, true)))", 53, "nested more than"),
            ("facts.rules.all(r, r.count)", 16, ""),
            ("facts.on ? 1 : 'x'", 9, "differ"),
        ] {
            let fault = lint(source).expect_err(source);
            assert!(fault.message.contains(message), "{source}: {fault:?}");
            assert!(fault.offset.abs_diff(offset) <= 6, "{source}: {fault:?}");
        }
        assert_eq!(lint("facts.onn").unwrap_err().help.as_deref(), Some("did you mean `on`?"));
        assert_eq!(lint("true || facts.rules.exists(r, r.levle == 'None')").unwrap_err().offset, 32);
    }

    #[test]
    fn types_and_uses_follow_through_loops() {
        let checked =
            lint("facts.rules.filter(r, r.count > 1).all(r, r.level == item.level) && size(facts.rules) > 0")
                .unwrap();
        assert_eq!(checked.result, Type::Bool);
        assert_eq!(checked.uses, ["facts.rules", "facts.rules[*].count", "facts.rules[*]", "item.level"]);
        assert_eq!(lint("facts.rules.map(r, r.level)").unwrap().result, Type::List(Arc::new(Type::Text)));
        assert_eq!(lint("facts.rules[0].count + facts.n").unwrap().result, Type::Int);
    }
}
