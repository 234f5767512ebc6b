//! `VictoriaLogs`, by its arguments and by `VLSingle`, `VLCluster` and `VLogs` (docs on retention; operator's `api/operator`).

use super::model::{Storage, Store};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::service::Service;
use crate::analyze::fact::Fact;
use crate::document::scalar;
use crate::snapshot::Resource;
use crate::verdict::Rank;

/// A month, where no unit is given.
const MONTH: i64 = 31 * 24;

/// Whether a container only passes logs on to others that store them, or queries these.
pub fn is_front(arguments: &[String]) -> bool {
    let is_flag = |word: &String| {
        let name = word.trim_start_matches('-');
        word.starts_with('-') && (name == "storageNode" || name.starts_with("storageNode="))
    };
    arguments.iter().any(is_flag)
}

/// Reads the arguments of a container.
pub fn read(arguments: &[String], place: &str) -> Store {
    let set = |word: &&String| word.trim_start_matches('-').starts_with("envflag.enable");
    if let Some(word) = arguments.iter().find(set).filter(|word| !word.ends_with("=false")) {
        let why = format!("{word} lets variables set flags, which are not read");
        return Store::unknown(Service::VictoriaLogs, place, &why);
    }
    from(
        &|name| {
            let mut found = None;
            let mut words = arguments.iter().peekable();
            while let Some(word) = words.next() {
                let Some(flag) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else { continue };
                match flag.split_once('=') {
                    Some((key, value)) if key == name => found = Some(value.to_owned()),
                    None if flag == name => {
                        // A flag without a value is on; a word after it is its value unless it is the next flag.
                        let value = words.peek().filter(|next| !next.starts_with('-'));
                        found = Some(value.map_or_else(|| "true".into(), |value| (*value).clone()));
                    }
                    _ => {}
                }
            }
            found.map(|value| (value, place.to_owned()))
        },
        place,
    )
}

/// Reads a custom resource.
///
/// # Errors
/// It is none of `VictoriaLogs`.
pub fn read_resource(resource: &Resource) -> Result<Store, Unreadable> {
    let spec = Fields::spec(resource);
    let part = match resource.kind.as_str() {
        "VLSingle" | "VLogs" => spec.clone(),
        "VLCluster" => spec.get("vlstorage").unwrap_or_else(|| spec.clone()),
        kind => return Err(Unreadable::new(&*resource.at, format!("it is a {kind}, not of VictoriaLogs"))),
    };
    const FIELDS: [(&str, &str); 2] = [
        ("retentionPeriod", "retentionPeriod"),
        ("retention.maxDiskSpaceUsageBytes", "retentionMaxDiskSpaceUsageBytes"),
    ];
    let extra = part.get("extraArgs");
    let flag = |name: &str| {
        let extra =
            extra.as_ref().and_then(|extra| Some((scalar(extra.get(name)?.value())?, extra.at_key(name))));
        extra.or_else(|| {
            let (_, field) = FIELDS.iter().find(|(flag, _)| *flag == name)?;
            Some((part.text(field)?, part.at_key(field)))
        })
    };
    let mut store = from(&flag, &part.at());
    store.storage = if part.get("storage").is_some_and(|storage| storage.get("emptyDir").is_none()) {
        part.known("storage", Storage::Claimed, "storage is set")
    } else if part.get("storageDataPath").is_some() {
        part.known("storageDataPath", Storage::Filesystem, "storageDataPath is set")
    } else {
        part.known("storage", Storage::Ephemeral, "storage is not set; the default is an emptyDir")
    };
    Ok(store)
}

fn from(flag: &dyn Fn(&str) -> Option<(String, String)>, place: &str) -> Store {
    let mut store = Store::unknown(Service::VictoriaLogs, place, "the arguments do not say");
    store.retention = match flag("retentionPeriod") {
        None => known(Some(7), place, "retentionPeriod is not set; the default is 7 days"),
        Some((text, at)) => match hours(&text) {
            Some(hours) if hours >= 24 => known(Some(hours / 24), &at, &format!("retentionPeriod {text}")),
            _ => Fact::unknown(format!("retentionPeriod at {at} is no duration of a day or more")),
        },
    };
    let limits = ["retention.maxDiskSpaceUsageBytes", "retention.maxDiskUsagePercent"];
    store.evicts = limits.iter().find_map(|name| {
        let (value, at) = flag(name).filter(|(value, _)| value != "0")?;
        Some(known(format!("{name} {value}"), &at, &format!("{name} is set")))
    });
    let on = |name: &str| match flag(name) {
        Some((value, at)) => match value.as_str() {
            "false" | "0" => known(false, &at, &format!("{name} off")),
            _ => known(true, &at, &format!("{name} on")),
        },
        None => known(false, place, &format!("{name} is not set; the default is off")),
    };
    // A cluster offers it at the nodes that select, which may only hand it on to storage that takes it.
    store.deletion_api = on("delete.enable").or(on("internaldelete.enable"));
    store.tls = on("tls");
    store.authentication = match flag("httpAuth.password").or_else(|| flag("httpAuth.username")) {
        Some((_, at)) => known(true, &at, "httpAuth is set"),
        None => known(false, place, "httpAuth is not set"),
    };
    store.deletion_guarded = match (store.deletion_api.value(), flag("deleteAuthKey")) {
        (Some(true), Some((_, at))) => known(true, &at, "deleteAuthKey is set"),
        (Some(true), None) => store.authentication.clone(),
        _ => store.deletion_api.clone().map(|offered| !offered),
    };
    store.storage = if let Some((folder, at)) = flag("storageDataPath") {
        store.folder = Some(folder);
        known(Storage::Filesystem, &at, "storageDataPath is set")
    } else {
        store.folder = Some("/victoria-logs-data".into());
        known(Storage::Filesystem, place, "storageDataPath is not set; the default is victoria-logs-data")
    };
    store.retention_set = known(true, place, "there is always a retention");
    store.retention_applied = store.retention_set.clone();
    store.replicas = Fact::unknown("copies are made by what sends to it, if at all");
    store
}

fn known<T>(value: T, at: &str, detail: &str) -> Fact<T> {
    Fact::at(value, Rank::Configured, at, detail)
}

/// Whole hours: `h`, `d`, `w`, `y`, and months if there is no unit.
fn hours(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" => MONTH,
        "h" => 1,
        "d" => 24,
        "w" => 7 * 24,
        "y" => 365 * 24,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}
