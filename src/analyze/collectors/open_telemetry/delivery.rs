//! Queues and retries of exporters, which most of them have in common (core: exporter/exporterhelper).

use super::exporters::Wire;
use super::kind_of;
use crate::analyze::collectors::model::{Buffer, Retry, WhenFull};
use crate::analyze::collectors::settings::Setting;
use crate::analyze::fact::Fact;

/// Where the extension `file_storage` keeps queues unless told.
const DEFAULT_STORAGE: &str = "/var/lib/otelcol/file_storage";

/// Where records wait until they are sent.
pub(super) fn buffer(queue: &Setting<'_>, local: bool, root: &Setting<'_>) -> Fact<Buffer> {
    let storage = queue.get("storage");
    if queue.get("enabled").flag(true).value() == Some(&false) {
        return queue.get("enabled").fact(Buffer::Memory, "sending_queue.enabled false");
    }
    match storage.text() {
        Err(why) => Fact::unknown(why),
        Ok(None) if local => queue.fact(Buffer::Memory, "there is no queue"),
        Ok(None) => storage.fact(Buffer::Memory, "sending_queue.storage is not set; the queue is in memory"),
        Ok(Some(extension)) => {
            let directory = root.get("extensions").get(&extension).get("directory");
            match directory.text() {
                Err(why) => Fact::unknown(why),
                Ok(_) if kind_of(&extension) != "filestorage" => {
                    storage.fact(Buffer::Disk(None), format!("sending_queue.storage {extension}"))
                }
                Ok(path) => {
                    let path = path.unwrap_or_else(|| DEFAULT_STORAGE.to_owned());
                    storage.fact(Buffer::Disk(Some(path)), format!("sending_queue.storage {extension}"))
                }
            }
        }
    }
}

/// Five minutes unless told, then what could not be sent is dropped (core: exporterhelper).
pub(super) fn retry(kind: &str, setting: &Setting<'_>, wire: Wire) -> Fact<Retry> {
    if wire == Wire::Local {
        return setting.fact(Retry::Never, "there is nothing to retry");
    }
    if kind == "elasticsearch" {
        return elasticsearch_retry(setting);
    }
    let section = setting.get("retry_on_failure");
    let elapsed = section.get("max_elapsed_time");
    match section.get("enabled").flag(true) {
        Fact::Unknown(unknown) => return Fact::unknown(unknown.reason),
        Fact::Known(known) if !known.value => {
            return section.get("enabled").fact(Retry::Never, "retry_on_failure.enabled false");
        }
        Fact::Known(_) => {}
    }
    match elapsed.text() {
        Err(why) => Fact::unknown(why),
        Ok(Some(time)) if is_zero(&time) => {
            elapsed.fact(Retry::Forever, "retry_on_failure.max_elapsed_time 0")
        }
        Ok(Some(time)) => {
            elapsed.fact(Retry::Limited(time.clone()), format!("retry_on_failure.max_elapsed_time {time}"))
        }
        Ok(None) if !section.is_set() && (wire == Wire::Unknown || OWN_RETRY.contains(&kind)) => {
            Fact::unknown(format!("how the exporter at {} retries is not known here", setting.place()))
        }
        Ok(None) => elapsed.fact(
            Retry::Limited("5 minutes".to_owned()),
            "retry_on_failure.max_elapsed_time is not set; the default is 300s",
        ),
    }
}

/// Exporters that leave retries to a client of their service.
const OWN_RETRY: [&str; 8] = [
    "googlecloud",
    "azuremonitor",
    "azuredataexplorer",
    "azureblob",
    "awss3",
    "googlecloudstorage",
    "chronicle",
    "alibabacloudlogservice",
];

/// Its own section, with two retries unless told (contrib: exporter/elasticsearchexporter).
fn elasticsearch_retry(setting: &Setting<'_>) -> Fact<Retry> {
    let section = setting.get("retry");
    if section.get("enabled").flag(true).value() == Some(&false) {
        return section.get("enabled").fact(Retry::Never, "retry.enabled false");
    }
    let set = ["max_retries", "max_requests"].map(|key| section.get(key)).into_iter().find(Setting::is_set);
    match set {
        Some(number) => match number.text() {
            Err(why) => Fact::unknown(why),
            Ok(text) => {
                let text = text.unwrap_or_default();
                number.fact(
                    Retry::Limited(format!("{} {text}", number.name())),
                    format!("retry.{} {text}", number.name()),
                )
            }
        },
        None => section
            .fact(Retry::Limited("2 retries".to_owned()), "retry.max_retries is not set; the default is 2"),
    }
}

fn is_zero(time: &str) -> bool {
    time.chars().any(|c| c == '0') && time.chars().all(|c| c == '0' || c.is_ascii_alphabetic())
}

/// A full queue refuses unless it is told to block; without a queue the pipeline waits for the exporter.
pub(super) fn when_full(kind: &str, queue: &Setting<'_>, wire: Wire) -> Fact<WhenFull> {
    if wire == Wire::Local {
        return queue.fact(WhenFull::Waits, "there is no queue");
    }
    let block = queue.get("block_on_overflow");
    match queue.get("enabled").flag(true) {
        Fact::Unknown(unknown) => return Fact::unknown(unknown.reason),
        Fact::Known(known) if !known.value => {
            return queue
                .get("enabled")
                .fact(WhenFull::Waits, "sending_queue.enabled false: nothing is queued");
        }
        Fact::Known(_) => {}
    }
    if !block.is_set() && (kind == "elasticsearch" || wire == Wire::Unknown) {
        return Fact::unknown(format!(
            "whether the queue of the exporter at {} blocks depends on the collector's version: set \
             sending_queue.block_on_overflow",
            queue.place()
        ));
    }
    block.flag(false).map(|blocks| if blocks { WhenFull::Waits } else { WhenFull::Drops })
}
