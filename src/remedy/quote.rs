//! Names of others in places where characters have a meaning.

/// A word of a POSIX shell: in single quotes, which take everything but themselves.
pub fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A string of HCL, in which `${` and `%{` begin templates.
pub fn hcl(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out.replace("${", "$${").replace("%{", "%%{")
}

/// A part of a file name: what is not plain becomes a dash. It never leads to another folder and never begins with a dot.
pub fn file_name(text: &str) -> String {
    const LONGEST: usize = 80;
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' };
    let mut name: String = text.chars().map(plain).take(LONGEST).collect();
    while name.contains("..") {
        name = name.replace("..", ".");
    }
    let name = name.trim_matches(|c| matches!(c, '.' | '-'));
    if name.is_empty() { "unnamed".into() } else { name.to_owned() }
}

/// Whether a text is one that comments, paths, configurations and commands take as it is.
pub fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:".contains(c))
}

/// A name in a command for people. Names that a cluster takes are plain; in the place of others, which files can hold, `NAME`
/// stands.
pub fn word(text: &str) -> &str {
    if is_plain(text) { text } else { "NAME" }
}
