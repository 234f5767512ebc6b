//! Elasticsearch and `OpenSearch` that run as plain workloads, by their variables and configuration file.

use super::model::Store;
use super::resources::inside;
use super::workloads::Part;
use crate::analyze::collectors::config::{Config, Lookup, Variable};
use crate::analyze::collectors::products::Product;
use crate::analyze::collectors::resolve;
use crate::analyze::collectors::service::Service;
use crate::analyze::collectors::settings::Settings;
use crate::analyze::fact::Fact;
use crate::snapshot::Snapshot;
use crate::verdict::Rank;

/// Reads what the containers of one store say.
pub(super) fn read(
    snapshot: &Snapshot,
    parts: &[Part<'_>],
    product: &'static Product,
    service: Service,
) -> Store {
    let place = parts.first().map(Part::at).unwrap_or_default();
    let mut store = inside(service, &place);
    store.retention_applied =
        Fact::unknown("which policies are applied to which indexes, the store itself says");
    store.deletion_api =
        Fact::at(true, Rank::Documented, &*place, "indexes can be deleted by whoever has the right to");
    let of_parts = |key: Key| {
        let facts = parts.iter().map(|part| {
            let config = resolve::config(snapshot, part.workload, part.container, product);
            setting(&config, service, &key).unwrap_or_else(|| {
                Fact::unknown(format!("neither a variable nor {} at {} says so", key.file, part.at()))
            })
        });
        facts.reduce(Fact::and).unwrap_or_else(|| Fact::unknown("no container of it is seen"))
    };
    let (security, tls) = match service {
        Service::OpenSearch => (
            Key { file: "plugins.security.disabled", variable: "DISABLE_SECURITY_PLUGIN", means: false },
            Key { file: "plugins.security.ssl.http.enabled", variable: "", means: true },
        ),
        _ => (
            Key { file: "xpack.security.enabled", variable: "", means: true },
            Key { file: "xpack.security.http.ssl.enabled", variable: "", means: true },
        ),
    };
    store.authentication = of_parts(security);
    // Without security there is no TLS either.
    store.tls = of_parts(tls).and(store.authentication.clone());
    store.deletion_guarded = store.authentication.clone();
    store.folder = Some(format!("/usr/share/{}/data", product.name.to_ascii_lowercase()));
    let is_plain = |part: &Part<'_>| {
        part.container.image.to_ascii_lowercase().contains("bitnami")
            || part.container.env.iter().any(|variable| variable.name == "path.data")
    };
    if parts.iter().any(is_plain) {
        store.folder = None;
        store.storage = Fact::unknown("the image keeps logs in a folder of its own");
    }
    store
}

/// A setting, as the file and a variable call it, and what its being on means.
struct Key {
    file: &'static str,
    variable: &'static str,
    means: bool,
}

fn setting(config: &Config, service: Service, key: &Key) -> Option<Fact<bool>> {
    let names = [key.file, key.variable].into_iter().filter(|name| !name.is_empty());
    for name in names {
        match config.env.variables.get(name) {
            Some(Variable::Seen(value, at)) => {
                let on = match value.as_str() {
                    "true" => true,
                    "false" => false,
                    _ => return Some(Fact::unknown(format!("{name} at {at} is neither true nor false"))),
                };
                return Some(Fact::at(
                    on == key.means,
                    Rank::Configured,
                    at.clone(),
                    format!("{name} {value}"),
                ));
            }
            Some(Variable::Hidden(why, at)) => {
                return Some(Fact::unknown(format!("{name} at {at} is {why}")));
            }
            None => {}
        }
    }
    let name = service.name().to_ascii_lowercase();
    let Lookup::Seen(file) = config.file(&format!("/usr/share/{name}/config/{name}.yml")) else {
        return None;
    };
    let mut settings = Settings::of_text(&file.text, &file.at).ok()?;
    settings.split_dotted_keys();
    let root = settings.root();
    let value = key.file.split('.').fold(root, |value, part| value.get(part));
    if !value.is_set() {
        return None;
    }
    let flag = value.flag(false);
    Some(flag.map(|on| on == key.means))
}
