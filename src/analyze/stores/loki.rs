//! Loki, by its configuration (grafana/loki: `pkg/validation/limits.go`, `pkg/compactor/config.go`, docs on retention).

use super::model::{Override, Storage, Store};
use crate::analyze::collectors::config::{Config, File, Lookup, MAX_BYTES};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::model::Unread;
use crate::analyze::collectors::service::Service;
use crate::analyze::fact::Fact;
use crate::document::{Document, yaml};
use crate::snapshot::redact::REDACTED;

/// Reads a configuration.
///
/// # Errors
/// It is not seen, or no YAML mapping.
pub fn read(config: &Config) -> Result<Store, Unreadable> {
    let file = match config.file(&config.main) {
        Lookup::Seen(file) => file,
        Lookup::Hidden(why) => return Err(Unreadable::new(&*config.main, why)),
    };
    let document = parse(file)?;
    let root = Fields::document(&document);
    let mut store = Store::unknown(Service::Loki, file.place(1), "it is not read");
    let compactor = root.get("compactor").unwrap_or_else(|| root.clone());
    let limits = root.get("limits_config").unwrap_or_else(|| root.clone());
    let deletes = compactor.flag_or("retention_enabled", false);
    retention(&root, &limits, &deletes, &mut store);
    let mut deletion = deletion_mode(&limits).unwrap_or_else(|| {
        limits.known("", true, "deletion_mode is not set; the default is filter-and-delete")
    });
    if deletes.value() != Some(&false) {
        store.overrides = streams(&limits, "");
        let of_tenants = runtime(config, &root, &mut store);
        deletion = of_tenants.into_iter().fold(deletion, Fact::or);
        if let Some(unread) = store.unread.first().filter(|_| deletion.value() == Some(&false)) {
            deletion = Fact::unknown(unread.why.clone());
        }
    }
    store.deletion_api = deletes.and(deletion);
    // A tenant that is named is not shown to be that tenant.
    store.authentication = match root.flag_or("auth_enabled", true) {
        Fact::Known(known) if known.value => Fact::unknown(
            "auth_enabled makes Loki ask for a tenant; who asks, a proxy before it has to check",
        ),
        other => other,
    };
    let certificate =
        root.at_path(&["server", "http_tls_config"]).filter(|tls| tls.get("cert_file").is_some());
    store.tls = match certificate {
        Some(tls) => tls.known("cert_file", true, "cert_file is set"),
        None => {
            root.known("server", false, "server.http_tls_config has no cert_file; the default is plain HTTP")
        }
    };
    store.deletion_guarded = store.deletion_api.clone().and_then(|offered| {
        if offered { store.authentication.clone() } else { store.deletion_api.clone().map(|_| true) }
    });
    store.storage = storage(&root);
    store.folder = folder(&root);
    store.replicas = replicas(&root);
    Ok(store)
}

/// Whether its ruler tells anything to somebody: an Alertmanager, or a system that takes the metrics it records. What rules
/// there are is kept where no API of the cluster shows it (docs on alerting; `pkg/ruler/base/ruler.go`).
pub fn ruler(config: &Config) -> Fact<bool> {
    if let Some(word) = config.args.iter().find(|word| word.trim_start_matches('-').starts_with("ruler.")) {
        return Fact::unknown(format!("the argument {word} at {} configures its ruler", config.args_at));
    }
    if config.args.iter().any(|word| word == REDACTED) {
        return Fact::unknown(format!("the container at {} is started by a script", config.args_at));
    }
    let document = match config.file(&config.main) {
        Lookup::Seen(file) => {
            parse(file).map_err(|unreadable| format!("{} ({})", unreadable.why, unreadable.at))
        }
        Lookup::Hidden(why) => Err(why),
    };
    let document = match document {
        Ok(document) => document,
        Err(why) => return Fact::unknown(why),
    };
    let root = Fields::document(&document);
    let of_tenant = |limits: &Fields<'_>| {
        let set = limits.get("ruler_alertmanager_config")?;
        Some(set.known("", true, "tenants have an Alertmanager"))
    };
    let own = root.get("ruler").unwrap_or_else(|| root.clone());
    if own.text("alertmanager_url").is_some_and(|url| !url.is_empty()) {
        return own.known("alertmanager_url", true, "alertmanager_url is set");
    }
    if let Some(remote) = own.get("remote_write").filter(|remote| remote.flag("enabled") != Some(false)) {
        return remote.known("", true, "remote_write is set");
    }
    if let Some(told) = root.get("limits_config").as_ref().and_then(of_tenant) {
        return told;
    }
    for (path, at) in runtime_files(&root) {
        let document = match config.file(&path) {
            Lookup::Seen(file) => parse(file).map_err(|unreadable| unreadable.why),
            Lookup::Hidden(why) => Err(why),
        };
        let document = match document {
            Ok(document) => document,
            Err(why) => return Fact::unknown(format!("{path} is not seen: {why} ({at})")),
        };
        let tenants = Fields::document(&document).get("overrides");
        let mut tenants = tenants.map(|tenants| tenants.entries()).unwrap_or_default().into_iter();
        if let Some(told) = tenants.find_map(|(_, limits)| of_tenant(&limits)) {
            return told;
        }
    }
    own.known("", false, "ruler.alertmanager_url is not set, so that its rules tell nobody")
}

fn parse(file: &File) -> Result<Document, Unreadable> {
    if file.text.len() > MAX_BYTES {
        return Err(Unreadable::new(file.place(1), "it is larger than a configuration can be"));
    }
    let (mut documents, faults) = yaml::nested(&file.text, &file.at);
    if let Some(fault) = faults.into_iter().next() {
        let line = usize::try_from(fault.line).unwrap_or(1);
        return Err(Unreadable::new(file.place(line), fault.message));
    }
    let first = if documents.is_empty() { None } else { Some(documents.swap_remove(0)) };
    first
        .filter(|document| document.value.is_object())
        .ok_or_else(|| Unreadable::new(file.place(1), "a configuration of Loki is a mapping"))
}

/// Whether a tenant may have logs deleted, where its limits say so.
fn deletion_mode(limits: &Fields<'_>) -> Option<Fact<bool>> {
    let mode = limits.text("deletion_mode")?;
    Some(match mode.as_str() {
        "disabled" => limits.known("deletion_mode", false, "deletion_mode disabled"),
        "filter-only" | "filter-and-delete" => {
            limits.known("deletion_mode", true, format!("deletion_mode {mode}"))
        }
        _ => Fact::unknown(format!(
            "deletion_mode at {} is none that is known",
            limits.at_key("deletion_mode")
        )),
    })
}

/// Nothing is deleted unless the compactor, or the table manager before it, is told to.
fn retention(root: &Fields<'_>, limits: &Fields<'_>, deletes: &Fact<bool>, store: &mut Store) {
    let legacy = root.get("table_manager");
    let by_tables = legacy.as_ref().filter(|tables| tables.flag("retention_deletes_enabled") == Some(true));
    store.retention_applied = match by_tables {
        Some(tables) => deletes.clone().or(tables.known("retention_deletes_enabled", true, "it is on")),
        None => deletes.clone(),
    };
    let period = [Some(limits), legacy.as_ref()]
        .into_iter()
        .flatten()
        .find(|fields| fields.text("retention_period").is_some_and(|text| seconds(&text) != Some(0)));
    let streams = limits.get("retention_stream").filter(|list| !list.elements().is_empty());
    store.retention_set = match (period, streams) {
        (Some(fields), _) => fields.known("retention_period", true, "retention_period is set"),
        (None, Some(list)) => list.known("", true, "retention_stream is set"),
        (None, None) => limits.known("", false, "neither retention_period nor retention_stream is set"),
    };
    store.retention = match deletes {
        Fact::Unknown(unknown) => Fact::unknown(unknown.reason.clone()),
        Fact::Known(known) if known.value => match limits.get("retention_period") {
            Some(_) => days(limits, "retention_period"),
            None => limits.known("", None, "retention_period is not set; the default keeps logs for ever"),
        },
        Fact::Known(_) => match legacy {
            Some(tables) if tables.flag("retention_deletes_enabled") == Some(true) => {
                days(&tables, "retention_period")
            }
            _ => deletes.clone().map(|_| None),
        },
    };
}

fn streams(limits: &Fields<'_>, tenant: &str) -> Vec<Override> {
    let list = limits.items("retention_stream").into_iter();
    list.map(|stream| Override {
        at: stream.at(),
        whom: format!("{tenant}stream {}", stream.text("selector").unwrap_or_default()),
        days: days(&stream, "period"),
    })
    .collect()
}

/// The files in which tenants have limits of their own, and where they are named.
fn runtime_files(root: &Fields<'_>) -> Vec<(String, String)> {
    let named = |section: &str, key: &str| {
        let section = root.get(section)?;
        Some((section.text(key)?, section.at_key(key)))
    };
    let files =
        named("runtime_config", "file").or_else(|| named("limits_config", "per_tenant_override_config"));
    let Some((paths, at)) = files else { return Vec::new() };
    paths.split(',').map(|path| (path.trim().to_owned(), at.clone())).collect()
}

/// What those files say of retention and deletion.
///
/// What comes back is whether tenants may have logs deleted, of those of which it is said.
fn runtime(config: &Config, root: &Fields<'_>, store: &mut Store) -> Vec<Fact<bool>> {
    let mut deletion = Vec::new();
    for (path, at) in runtime_files(root) {
        let document = match config.file(&path) {
            Lookup::Seen(file) => parse(file).map_err(|error| error.why),
            Lookup::Hidden(why) => Err(why),
        };
        match document {
            Ok(document) => {
                let tenants = Fields::document(&document).get("overrides");
                for (name, limits) in tenants.map(|tenants| tenants.entries()).unwrap_or_default() {
                    if limits.get("retention_period").is_some() {
                        store.overrides.push(Override {
                            at: limits.at_key("retention_period"),
                            whom: format!("tenant {name}"),
                            days: days(&limits, "retention_period"),
                        });
                    }
                    store.overrides.extend(streams(&limits, &format!("tenant {name}, ")));
                    deletion.extend(deletion_mode(&limits));
                }
            }
            Err(why) => store.unread.push(Unread {
                at: at.clone(),
                why: format!("the limits of tenants in {path} are not seen: {why}"),
            }),
        }
    }
    deletion
}

/// Durations as Prometheus writes them; nothing and zero keep logs for ever.
fn days(fields: &Fields<'_>, key: &str) -> Fact<Option<i64>> {
    let text = fields.text(key).unwrap_or_default();
    match seconds(&text) {
        Some(0) => fields.known(key, None, format!("{key} {text} keeps logs for ever")),
        Some(seconds) => fields.known(key, Some(seconds / 86_400), format!("{key} {text}")),
        None => Fact::unknown(format!("{key} at {} is no duration", fields.at_key(key))),
    }
}

fn seconds(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let (mut total, mut rest) = (0_i64, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let factor = match unit {
            "y" => 365 * 86_400,
            "w" => 7 * 86_400,
            "d" => 86_400,
            "h" => 3600,
            "m" => 60,
            "s" => 1,
            "ms" => 0,
            _ => return None,
        };
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(factor)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

/// The object store of the newest schema, or what `common.storage` names.
fn storage(root: &Fields<'_>) -> Fact<Storage> {
    const OBJECT_STORES: [&str; 9] =
        ["s3", "aws", "s3express", "gcs", "azure", "swift", "cos", "bos", "alibabacloud"];
    let kind = |name: &str| match name {
        "filesystem" => Some(Storage::Filesystem),
        other => OBJECT_STORES.contains(&other).then(|| Storage::ObjectStore(other.to_owned())),
    };
    // A store may have a name of its own, below its kind.
    let named = |name: &str| {
        let all = root.at_path(&["storage_config", "named_stores"])?.entries();
        let (of, _) = all.into_iter().find(|(_, stores)| stores.get(name).is_some())?;
        kind(of)
    };
    let schemas = root.get("schema_config").map(|schema| schema.items("configs")).unwrap_or_default();
    let newest = schemas.iter().max_by_key(|schema| schema.text("from").unwrap_or_default());
    if let Some((schema, name)) = newest.and_then(|schema| Some((schema, schema.text("object_store")?))) {
        return match named(&name).or_else(|| kind(&name)) {
            Some(kind) => schema.known("object_store", kind, format!("object_store {name}")),
            None => Fact::unknown(format!(
                "object_store at {} is none that is known",
                schema.at_key("object_store")
            )),
        };
    }
    let common = root.at_path(&["common", "storage"]);
    let first = common.as_ref().and_then(|storage| storage.entries().into_iter().next());
    match first.and_then(|(name, fields)| Some((kind(name)?, name, fields))) {
        Some((kind, name, fields)) => fields.known("", kind, format!("common.storage.{name}")),
        None => Fact::unknown("neither schema_config nor common.storage names where logs are kept"),
    }
}

/// The folder of chunks, where they are kept in a filesystem.
fn folder(root: &Fields<'_>) -> Option<String> {
    let given = [
        (&["storage_config", "filesystem"][..], "directory"),
        (&["common", "storage", "filesystem"][..], "chunks_directory"),
    ];
    let given = given.iter().find_map(|(path, key)| root.at_path(path)?.text(key));
    let below = || Some(format!("{}/chunks", root.get("common")?.text("path_prefix")?));
    given.or_else(below).filter(|folder| folder.starts_with('/') && !folder.contains("${"))
}

fn replicas(root: &Fields<'_>) -> Fact<i64> {
    let rings = [&["ingester", "lifecycler", "ring"][..], &["common"][..]];
    for ring in rings.iter().filter_map(|path| root.at_path(path)) {
        if let Some(factor) = ring.text("replication_factor") {
            return match factor.parse() {
                Ok(factor) => ring.known("replication_factor", factor, "replication_factor is set"),
                Err(_) => Fact::unknown(format!("replication_factor at {} is no number", ring.at())),
            };
        }
    }
    root.known("", 3, "replication_factor is not set; the default is 3")
}
