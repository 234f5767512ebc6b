//! Lines that are longer than the buffer of a file (fluent-bit docs: inputs/tail; `plugins/in_tail/tail_file.c`): they are
//! skipped, or end the reading of their file unless `skip_long_lines` is on.

use crate::analyze::collectors::model::{Effect, Step};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// `buffer_max_size` unless set.
pub(in super::super) const DEFAULT: &str = "32k";

/// The runtime writes lines of at most 16 KiB, with a time and a stream before each.
const CONTAINER_LINE: i64 = 17 * 1024;

/// What is lost of lines that do not fit: the lines alone if `skips`, which is unset where it is not seen. `of_containers`
/// says that only a runtime writes them.
pub(in super::super) fn lost(
    size: Fact<String>,
    at: &str,
    skips: Option<bool>,
    of_containers: bool,
) -> Option<Step> {
    let shown = size.value().map_or("what is not seen", String::as_str);
    let what = match skips {
        Some(true) => format!("lines longer than {shown} are skipped"),
        Some(false) => format!("a line longer than {shown} ends the reading of its file"),
        None => format!("lines longer than {shown} are lost, and what else is not seen"),
    };
    let limit = match size {
        Fact::Unknown(unknown) => Fact::Unknown(unknown),
        Fact::Known(known) => match bytes(&known.value) {
            Some(limit) => Fact::known(limit, Rank::Configured, Vec::new()),
            None => Fact::unknown(format!("the size {} is none that is known ({at})", known.value)),
        },
    };
    let fits = of_containers && limit.value().is_none_or(|limit| *limit >= CONTAINER_LINE);
    let effect = match skips {
        Some(true) => Effect::LongLines(limit),
        Some(false) => Effect::Skips,
        None => Effect::LongLines(Fact::unknown(format!("whether skip_long_lines is on is not seen ({at})"))),
    };
    (!fits).then(|| Step { at: at.to_owned(), what, effect })
}

/// Sizes with a unit: `32k`, `1M`, with or without a `B`, by 1000 (`flb_utils_size_to_bytes`).
fn bytes(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_lost() {
        let limit = |size: &str, of_containers| {
            let size = Fact::known(size.to_owned(), Rank::Configured, Vec::new());
            let step = lost(size, "x:1", Some(true), of_containers)?;
            let Effect::LongLines(limit) = step.effect else { panic!("{step:?}") };
            Some(limit.value().copied())
        };
        for (size, of_files, of_containers) in [
            (DEFAULT, Some(Some(32_000)), None),
            ("4MB", Some(Some(4_000_000)), None),
            ("16k", Some(Some(16_000)), Some(Some(16_000))),
            ("512", Some(Some(512)), Some(Some(512))),
            ("1g", Some(Some(1_000_000_000)), None),
            ("large", Some(None), None),
            ("99999999999999999999k", Some(None), None),
        ] {
            assert_eq!((limit(size, false), limit(size, true)), (of_files, of_containers), "{size}");
        }
        let size = || Fact::known("4MB".to_owned(), Rank::Configured, Vec::new());
        assert_eq!(lost(size(), "x:1", Some(false), false).unwrap().effect, Effect::Skips);
        assert!(lost(size(), "x:1", None, true).is_none());
        let Effect::LongLines(limit) = lost(size(), "x:1", None, false).unwrap().effect else { panic!() };
        assert!(limit.reason().unwrap().contains("skip_long_lines"));
    }
}
