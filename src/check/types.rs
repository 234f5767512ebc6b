//! The types of facts and parameters, for static checking.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// The type of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `double`.
    Double,
    /// `string`.
    Text,
    /// `null`.
    Null,
    /// A list.
    List(Arc<Type>),
    /// An object with known fields.
    Object(Arc<BTreeMap<String, Type>>),
    /// Not decided yet: the items of an empty list.
    Any,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Double => f.write_str("double"),
            Self::Text => f.write_str("string"),
            Self::Null => f.write_str("null"),
            Self::List(item) => write!(f, "list of {item}"),
            Self::Object(_) => f.write_str("object"),
            Self::Any => f.write_str("any"),
        }
    }
}

impl Type {
    /// The type that a JSON Schema describes.
    ///
    /// # Errors
    /// The schema says something that expressions cannot be checked against.
    pub fn of_schema(schema: &Value) -> Result<Self, String> {
        if let Some(variants) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array)
        {
            let types: Vec<Self> = variants.iter().map(Self::of_schema).collect::<Result<_, _>>()?;
            return match types.split_first() {
                Some((first, rest)) if rest.iter().all(|other| other == first) => Ok(first.clone()),
                _ => Err(format!("variants of different types: {schema}")),
            };
        }
        if schema.get("const").or_else(|| schema.get("enum")).is_some() && schema.get("type").is_none() {
            return Ok(Self::Text);
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("boolean") => Ok(Self::Bool),
            Some("integer") => match schema.get("format").and_then(Value::as_str) {
                Some("int64") => Ok(Self::Int),
                format => Err(format!("whole numbers must be int64, not {format:?}")),
            },
            Some("number") => Ok(Self::Double),
            Some("string") => Ok(Self::Text),
            Some("array") => {
                let items = schema.get("items").ok_or("an array without items")?;
                Ok(Self::List(Arc::new(Self::of_schema(items)?)))
            }
            Some("object") => {
                let properties = schema
                    .get("properties")
                    .and_then(Value::as_object)
                    .ok_or("an object without properties")?;
                let fields =
                    properties.iter().map(|(name, schema)| Ok((name.clone(), Self::of_schema(schema)?)));
                Ok(Self::Object(Arc::new(fields.collect::<Result<_, String>>()?)))
            }
            other => Err(format!("the type {other:?}")),
        }
    }

    /// The type of a parameter's default value.
    ///
    /// # Errors
    /// It is neither a boolean, a whole number, a text nor a list of one of these.
    pub fn of_parameter(value: &Value) -> Result<Self, String> {
        match value {
            Value::Bool(_) => Ok(Self::Bool),
            Value::String(_) => Ok(Self::Text),
            Value::Number(number) if number.is_i64() => Ok(Self::Int),
            Value::Array(items) => {
                let mut item = Self::Any;
                for value in items {
                    let next = Self::of_parameter(value)?;
                    item = item.unify(&next).ok_or("a list of values of different types")?;
                }
                Ok(Self::List(Arc::new(item)))
            }
            _ => Err("a parameter must be a boolean, a whole number, a string or a list of these".into()),
        }
    }

    /// The type that holds both, if there is one.
    #[must_use]
    pub fn unify(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, other) => Some(other.clone()),
            (this, Self::Any) => Some(this.clone()),
            (Self::List(left), Self::List(right)) => Some(Self::List(Arc::new(left.unify(right)?))),
            (left, right) if left == right => Some(left.clone()),
            _ => None,
        }
    }

    /// Whether values can be ordered or computed with.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Any)
    }
}
