//! `<buffer>`: where records wait, how long, and what happens when there is no room (Fluentd docs:
//! configuration/buffer-section).

use super::section::Section;
use super::value::Setting;
use crate::analyze::collectors::model::{Buffer, Retry, WhenFull};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// The buffer of an output. Parameters of Fluentd 0.12 count only where there is no section.
#[derive(Clone, Copy)]
pub(super) struct Settings<'s, 'a> {
    output: &'s Section<'a>,
    section: Option<&'s Section<'a>>,
}

impl<'s, 'a> Settings<'s, 'a> {
    pub(super) fn of(output: &'s Section<'a>) -> Self {
        Self { output, section: output.section("buffer") }
    }

    fn get(self, key: &str, old: &str) -> Setting<'s> {
        match self.section {
            Some(section) => section.setting(key),
            None => self.output.setting(old),
        }
    }

    fn at(self) -> String {
        self.section.map_or_else(|| self.output.spot.at(), |section| section.spot.at())
    }

    fn is_on(self, key: &str, old: &str) -> Fact<bool> {
        match self.section {
            Some(section) => section.flag(key, false, |on| format!("{key} {on}")),
            None => self.output.flag(old, false, |on| format!("{old} {on}")),
        }
    }

    /// Whether anything about buffering is said.
    pub(super) fn is_given(self) -> bool {
        self.section.is_some() || self.output.param("buffer_type").is_some()
    }

    pub(super) fn buffer(self, default: &Buffer) -> Fact<Buffer> {
        let key = match self.section {
            Some(section) if section.param("@type").is_none() => "type",
            _ => "@type",
        };
        let kind = match self.get(key, "buffer_type") {
            Err(why) => return Fact::unknown(why),
            Ok(kind) => kind,
        };
        match kind {
            None => {
                let named = if *default == Buffer::Memory { "memory" } else { "file" };
                let detail = format!("the type of the buffer is not set; the default is {named}");
                let value =
                    if *default == Buffer::Memory { Buffer::Memory } else { Buffer::Disk(self.folder()) };
                Fact::at(value, Rank::Configured, self.at(), detail)
            }
            Some(("memory", at)) => Fact::at(Buffer::Memory, Rank::Configured, at, "buffer in memory"),
            Some((kind @ ("file" | "file_single"), at)) => {
                Fact::at(Buffer::Disk(self.folder()), Rank::Configured, at, format!("buffer {kind}"))
            }
            Some((_, at)) => Fact::unknown(format!("the type of the buffer at {at} is not one known here")),
        }
    }

    fn folder(self) -> Option<String> {
        self.get("path", "buffer_path").ok().flatten().map(|(path, _)| path.to_owned())
    }

    /// `retry_timeout` is 72 hours and `retry_max_times` without end by default; `retry_forever` puts both aside.
    pub(super) fn retry(self) -> Fact<Retry> {
        self.is_on("retry_forever", "disable_retry_limit").and_then(|forever| {
            if forever { Fact::known(Retry::Forever, Rank::Configured, Vec::new()) } else { self.limited() }
        })
    }

    fn limited(self) -> Fact<Retry> {
        let then =
            if self.output.section("secondary").is_some() { ", then given to <secondary>" } else { "" };
        let times = self.get("retry_max_times", "retry_limit");
        // Fluentd 0.12 had no limit in time that could be set; the default of today holds.
        let timeout = self.section.map_or(Ok(None), |section| section.setting("retry_timeout"));
        let (times, timeout) = match (times, timeout) {
            (Err(why), _) | (_, Err(why)) => return Fact::unknown(why),
            (Ok(times), Ok(timeout)) => (times, timeout),
        };
        let (limit, at, detail) = match (times, timeout) {
            (Some((times, at)), None) => (format!("{times} retries"), at, format!("{times} retries at most")),
            (Some((times, at)), Some((time, _))) => (
                format!("{times} retries or {}", time_shown(time)),
                at,
                format!("{times} retries or {time} at most"),
            ),
            (None, Some((time, at))) => (time_shown(time), at, format!("retry_timeout {time}")),
            (None, None) => (
                "72 hours".to_owned(),
                self.at(),
                "retry_timeout is not set; the default is 72 hours".to_owned(),
            ),
        };
        Fact::at(Retry::Limited(format!("{limit}{then}")), Rank::Configured, at, detail)
    }

    /// `follows` says whether all that is read for this output comes from files, whose reading waits when a buffer refuses.
    pub(super) fn when_full(self, follows: bool, diverted: bool) -> Fact<WhenFull> {
        let action = match self.get("overflow_action", "buffer_queue_full_action") {
            Err(why) => return Fact::unknown(why),
            Ok(action) => action,
        };
        let (name, at, note) = match action {
            Some((name, at)) => (name, at, ""),
            None => ("throw_exception", self.at(), " (the default)"),
        };
        match name {
            "block" => Fact::at(WhenFull::Waits, Rank::Configured, at, "overflow_action block"),
            "drop_oldest_chunk" => {
                Fact::at(WhenFull::Drops, Rank::Configured, at, "overflow_action drop_oldest_chunk")
            }
            "throw_exception" | "exception" if diverted => Fact::at(
                WhenFull::Drops,
                Rank::Configured,
                at,
                format!(
                    "overflow_action throw_exception{note}: what does not fit is given to @ERROR or left out"
                ),
            ),
            "throw_exception" | "exception" if follows => Fact::at(
                WhenFull::Waits,
                Rank::Configured,
                at,
                format!("overflow_action throw_exception{note}: tail stays where it is and tries again"),
            ),
            "throw_exception" | "exception" => Fact::at(
                WhenFull::Drops,
                Rank::Configured,
                at,
                format!(
                    "overflow_action throw_exception{note}: inputs other than tail lose what does not fit"
                ),
            ),
            _ => Fact::unknown(format!("overflow_action at {at} is not one that is known")),
        }
    }
}

/// A time as Fluentd reads it; a bare number is seconds.
fn time_shown(time: &str) -> String {
    if time.bytes().all(|b| b.is_ascii_digit()) { format!("{time} seconds") } else { time.to_owned() }
}
