//! Sinks (Vector docs: reference/configuration/sinks).
//!
//! | module | does |
//! | --- | --- |
//! | [`kinds`] | what each type of sink speaks to and how |
//! | [`address`] | hosts and encryption |
//! | [`delivery`] | identity, buffers, retries |

mod address;
mod delivery;
mod kinds;

use super::graph::Component;
use crate::analyze::collectors::model::Output;
use crate::analyze::fact::Fact;

/// What a sink says.
pub(super) fn output(sink: &Component<'_>, data_dir: &Fact<String>) -> Output {
    let kind = kinds::kind(sink);
    let addresses = address::addresses(&sink.field, &kind);
    let tls = address::tls(&sink.field, &kind, &addresses);
    Output {
        id: format!("sinks.{}", sink.id),
        at: sink.field.at(),
        receiver: address::receiver(kind.receiver.clone(), &addresses),
        hosts: address::hosts(&sink.field, &kind, &addresses),
        verified: address::verified(&sink.field, &kind, &addresses, &tls),
        authenticated: delivery::authenticated(&sink.field, &kind, &addresses),
        buffer: delivery::buffer(sink, data_dir),
        retry: delivery::retry(&sink.field, &kind),
        when_full: delivery::when_full(sink),
        tls,
    }
}
