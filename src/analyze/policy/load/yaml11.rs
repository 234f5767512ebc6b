//! What a YAML 1.1 scalar means to kube-apiserver.
//!
//! `sigs.k8s.io/yaml` reads with a copy of go-yaml v2 (`resolve.go`, `decode.go`): `y`, `on` and `No` are booleans, `0755`
//! is octal, `0b1` binary, `1_000` a number, a date is text. The crate that splits the text into scalars leaves their
//! meaning open, and its own resolution follows YAML 1.2 in cases where go-yaml does not.

use super::tree::Value;

/// How a scalar is tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// Not, or with `!`: what the words look like decides, if they are not quoted.
    Open,
    /// Quoted without a tag, or `!!str`.
    Str,
    /// `!!bool`.
    Bool,
    /// `!!int`.
    Int,
    /// `!!float`.
    Float,
    /// `!!null`.
    Null,
    /// `!!timestamp`.
    Timestamp,
    /// `!!binary`.
    Binary,
    /// Any other: the text stays as it is.
    Other,
}

impl Tag {
    /// The tag by the word after `!!`.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "str" => Self::Str,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "float" => Self::Float,
            "null" => Self::Null,
            "timestamp" => Self::Timestamp,
            "binary" => Self::Binary,
            _ => Self::Other,
        }
    }
}

/// Why a scalar cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It does not fit its tag.
    Mismatch,
    /// It is not base64.
    Base64,
    /// JSON, into which the server translates the policy, has no infinity.
    NotFinite,
}

/// The value of a scalar.
///
/// # Errors
/// The server refuses a text with such a scalar.
pub(super) fn resolve(tag: Tag, text: &str) -> Result<Value, Unreadable> {
    let text_as_is = || Ok(Value::Text(text.to_owned()));
    match tag {
        Tag::Str | Tag::Other => text_as_is(),
        Tag::Binary => decode_base64(text).map(Value::Text).ok_or(Unreadable::Base64),
        Tag::Open => finite(plain(text)),
        Tag::Timestamp => {
            if looks_like_date(text) {
                text_as_is()
            } else {
                Err(Unreadable::Mismatch)
            }
        }
        Tag::Bool | Tag::Int | Tag::Float | Tag::Null => match (tag, plain(text)) {
            (Tag::Bool, Plain::Bool(flag)) => Ok(Value::Bool(flag)),
            (Tag::Null, Plain::Null) => Ok(Value::Null),
            (Tag::Int, value @ Plain::Int(_)) | (Tag::Float, value @ (Plain::Int(_) | Plain::Float(_))) => {
                finite(value)
            }
            _ => Err(Unreadable::Mismatch),
        },
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Plain {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
}

fn finite(value: Plain) -> Result<Value, Unreadable> {
    Ok(match value {
        Plain::Null => Value::Null,
        Plain::Bool(flag) => Value::Bool(flag),
        Plain::Int(number) => {
            Value::Number { text: number.to_string(), integer: i64::try_from(number).is_ok() }
        }
        Plain::Float(number) if !number.is_finite() => return Err(Unreadable::NotFinite),
        // Go writes a whole float without a fraction; from 1e21 on it writes an exponent, which no integer has.
        Plain::Float(number) => Value::Number {
            text: number.to_string(),
            integer: number.fract() == 0.0 && number.abs() < 9_223_372_036_854_775_807.0,
        },
        Plain::Text(text) => Value::Text(text),
    })
}

fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Plain::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Plain::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Plain::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Plain::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Plain::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match text.as_bytes().first() {
        Some(b'.') => float(text),
        Some(b'0'..=b'9' | b'+' | b'-') if !looks_like_date(text) => {
            let text = text.replace('_', "");
            integer(&text).map(Plain::Int).or_else(|| float(&text))
        }
        _ => None,
    };
    number.unwrap_or_else(|| Plain::Text(text.to_owned()))
}

/// As Go's `strconv.ParseInt` with base 0, or else `ParseUint`, which knows no sign.
fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1, text.get(1..)?),
        Some(b'+') => (1, text.get(1..)?),
        _ => (1, text),
    };
    let base = |prefix: &str| digits.get(..2).filter(|start| start.eq_ignore_ascii_case(prefix));
    let (radix, digits) = if base("0x").is_some() {
        (16, digits.get(2..)?)
    } else if base("0b").is_some() {
        (2, digits.get(2..)?)
    } else if base("0o").is_some() {
        (8, digits.get(2..)?)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, digits.get(1..)?)
    } else {
        (10, digits)
    };
    // Rust would take a second sign.
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let number = sign * i128::from_str_radix(digits, radix).ok()?;
    let signed = i64::try_from(number).is_ok();
    (signed || (u64::try_from(number).is_ok() && text.starts_with(|c: char| c.is_ascii_digit())))
        .then_some(number)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`; a number too large for a float stays text.
fn float(text: &str) -> Option<Plain> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(cut) => (unsigned.get(..cut)?, unsigned.get(cut + 1..)),
        None => (unsigned, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    let exponent_fits =
        exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)));
    if !fits || !exponent_fits {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Plain::Float)
}

/// A date is text, and a `!!timestamp` must be one: four digits, a dash, a month, a dash, a day, perhaps a time.
fn looks_like_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let number = |part: Option<&str>, lengths: std::ops::RangeInclusive<usize>| {
        part.is_some_and(|part| lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    if !number(parts.next(), 4..=4) || !number(parts.next(), 1..=2) {
        return false;
    }
    let rest = parts.next().unwrap_or_default();
    let day = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let time = rest.get(day..).unwrap_or_default();
    (1..=2).contains(&day) && (time.is_empty() || time.starts_with(['T', 't', ' ']))
}

/// Standard base64 with padding; line ends are skipped, as Go does. Bytes that are no UTF-8 are replaced.
fn decode_base64(text: &str) -> Option<String> {
    let sextet = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut bytes = Vec::new();
    let (mut bits, mut held, mut count, mut padding) = (0u32, 0u32, 0usize, 0usize);
    for byte in text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        count += 1;
        if byte == b'=' {
            padding += 1;
            continue;
        }
        if padding > 0 {
            return None;
        }
        bits = (bits << 6) | u32::from(sextet(byte)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    (count.is_multiple_of(4) && padding <= 2).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_read_as_go_yaml_reads_them() {
        for (text, expected) in [
            ("y", Plain::Bool(true)),
            ("Off", Plain::Bool(false)),
            ("yEs", Plain::Text("yEs".into())),
            ("~", Plain::Null),
            ("0755", Plain::Int(493)),
            ("0o17", Plain::Int(15)),
            ("08", Plain::Float(8.0)),
            ("0b101", Plain::Int(5)),
            ("-0x10", Plain::Int(-16)),
            ("1_000", Plain::Int(1000)),
            ("+1", Plain::Int(1)),
            ("--1", Plain::Text("--1".into())),
            ("18446744073709551615", Plain::Int(u64::MAX.into())),
            ("+18446744073709551615", Plain::Float(18_446_744_073_709_551_615.0)),
            ("1.", Plain::Float(1.0)),
            ("1e3", Plain::Float(1000.0)),
            ("1e999", Plain::Text("1e999".into())),
            (".5", Plain::Float(0.5)),
            ("2024-01-01", Plain::Text("2024-01-01".into())),
            ("190:20:30", Plain::Text("190:20:30".into())),
            ("<<", Plain::Text("<<".into())),
            ("infinity", Plain::Text("infinity".into())),
            ("", Plain::Null),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    #[test]
    fn tags_must_fit() {
        assert!(matches!(resolve(Tag::Int, "1"), Ok(Value::Number { integer: true, .. })));
        assert!(matches!(resolve(Tag::Float, "1"), Ok(Value::Number { .. })));
        assert_eq!(resolve(Tag::Int, "a").unwrap_err(), Unreadable::Mismatch);
        assert_eq!(resolve(Tag::Timestamp, "a").unwrap_err(), Unreadable::Mismatch);
        assert_eq!(resolve(Tag::Open, ".inf").unwrap_err(), Unreadable::NotFinite);
        assert!(
            matches!(resolve(Tag::Binary, "TWV0YWRhdGE=\n"), Ok(Value::Text(text)) if text == "Metadata")
        );
        for broken in ["TWV0", "TQ==", ""] {
            assert!(resolve(Tag::Binary, broken).is_ok(), "{broken}");
        }
        for broken in ["TWV", "TQ=a", "T===", "a b="] {
            assert_eq!(resolve(Tag::Binary, broken).unwrap_err(), Unreadable::Base64, "{broken}");
        }
    }
}
