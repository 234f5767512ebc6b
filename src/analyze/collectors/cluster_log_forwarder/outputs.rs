//! Outputs (cluster-logging-operator: api/observability/v1, `output_types.go`; what it makes of `deliveryMode`:
//! `internal/generator/vector/output/common/buffer.go`).

use super::name;
use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::collectors::model::{Buffer, Effect, Output, Receiver, Retry, Step, WhenFull};
use crate::analyze::collectors::service::Service;
use crate::analyze::collectors::vector::field::Field;
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// The limit of an output, which drops what is above it.
pub(super) fn steps(output: &Field<'_>) -> Vec<Step> {
    let rate =
        output.get("rateLimit.maxRecordsPerSecond").or_else(|| output.get("limit.maxRecordsPerSecond"));
    let step = rate.map(|rate| {
        let limit = rate.scalar().unwrap_or_default();
        let effect = if limit == "0" { Effect::DropsAll } else { Effect::Limits };
        Step { at: rate.at(), what: format!("at most {limit} records a second to the output"), effect }
    });
    step.into_iter().collect()
}

/// The store of the older form that pipelines name `default`: the one that a `ClusterLogging` sets up.
pub(super) fn default_store(spec: &Field<'_>) -> Output {
    const WHY: &str = "default is the store that ClusterLogging sets up; how the operator sends to it is not in the \
                       ClusterLogForwarder";
    Output {
        id: "outputs.default".to_owned(),
        at: spec.at(),
        receiver: Receiver::Other("the cluster's own log store".to_owned()),
        hosts: Fact::unknown(WHY),
        tls: Fact::unknown(WHY),
        verified: Some(Fact::unknown(WHY)),
        authenticated: Fact::unknown(WHY),
        buffer: Fact::unknown(WHY),
        retry: Fact::unknown(WHY),
        when_full: Fact::unknown(WHY),
    }
}

/// What an output says. `data_dir` is where buffers are kept.
pub(super) fn output(field: &Field<'_>, data_dir: &str) -> Output {
    let kind = name(field, "type");
    let options = if kind.is_empty() { None } else { field.get(kind) };
    let addresses = addresses(field, options.as_ref(), kind);
    let tls = tls(field, kind, &addresses);
    let delivery = Delivery::of(field, options.as_ref(), kind);
    Output {
        id: format!("outputs.{}", name(field, "name")),
        at: field.at(),
        receiver: receiver(kind, &addresses),
        hosts: hosts(field, kind, &addresses),
        verified: (tls.value() != Some(&false)).then(|| verified(field)),
        authenticated: authenticated(field, options.as_ref(), kind),
        buffer: delivery.buffer(data_dir),
        retry: delivery.retry(),
        when_full: delivery.when_full(),
        tls,
    }
}

/// An address and where it stands.
struct Address {
    at: String,
    endpoint: Option<Endpoint>,
}

/// What is given as `url`, or `brokers` of Kafka; for a `lokiStack` the gateway that the operator of Loki makes.
fn addresses(field: &Field<'_>, options: Option<&Field<'_>>, kind: &str) -> Vec<Address> {
    if kind == "lokiStack" {
        let Some(target) = field.get("lokiStack.target") else { return Vec::new() };
        let (stack, namespace) = (name(&target, "name"), name(&target, "namespace"));
        let host = format!("https://{stack}-gateway-http.{namespace}.svc:8080");
        let is_named = !stack.is_empty() && !namespace.is_empty();
        return vec![Address { at: target.at(), endpoint: Endpoint::parse(&host).filter(|_| is_named) }];
    }
    // The older form has one `url` for all types, above their options.
    let url = options.and_then(|options| options.get("url")).or_else(|| field.get("url"));
    let urls = match options.and_then(|options| options.get("brokers")) {
        Some(brokers) if kind == "kafka" => brokers.items(),
        _ => url.or_else(|| options.and_then(|options| options.get("host"))).into_iter().collect(),
    };
    let address = |url: &Field<'_>| Address { at: url.at(), endpoint: Endpoint::parse(url.text()) };
    urls.iter().filter(|url| !url.raw().is_empty()).map(address).collect()
}

/// Services whose address is known without being given, and whose identity is always shown.
fn is_cloud(kind: &str) -> bool {
    matches!(kind, "azureLogsIngestion" | "azureMonitor" | "cloudwatch" | "googleCloudLogging" | "s3")
}

fn hosts(field: &Field<'_>, kind: &str, addresses: &[Address]) -> Fact<Vec<String>> {
    if addresses.is_empty() && is_cloud(kind) {
        return Fact::at(
            Vec::new(),
            Rank::Configured,
            field.at(),
            "no url is set; that of the service is used",
        );
    }
    let known: Option<Vec<(String, String)>> =
        addresses.iter().map(|one| Some((one.at.clone(), one.endpoint.as_ref()?.shown()))).collect();
    match known {
        Some(known) if !known.is_empty() => {
            let evidence = known
                .iter()
                .map(|(at, host)| Evidence { at: at.clone(), detail: format!("sends to {host}") })
                .collect();
            Fact::known(known.into_iter().map(|(_, host)| host).collect(), Rank::Configured, evidence)
        }
        _ => Fact::unknown(format!("the output at {} has no url that can be read", field.at())),
    }
}

fn receiver(kind: &str, addresses: &[Address]) -> Receiver {
    let endpoint = addresses.first().and_then(|one| one.endpoint.as_ref());
    let by_host = endpoint.and_then(|endpoint| Service::of_host(&endpoint.host));
    let by_kind = match kind {
        "azureLogsIngestion" | "azureMonitor" => Receiver::Service(Service::AzureMonitor),
        "cloudwatch" => Receiver::Service(Service::CloudWatchLogs),
        "elasticsearch" => Receiver::Service(Service::Elasticsearch),
        "googleCloudLogging" => Receiver::Service(Service::GoogleCloudLogging),
        "kafka" => Receiver::Service(Service::Kafka),
        "loki" | "lokiStack" => Receiver::Service(Service::Loki),
        "s3" => Receiver::Service(Service::S3),
        "splunk" => Receiver::Service(Service::Splunk),
        "http" => Receiver::Http,
        "otlp" => Receiver::Collector("otlp".to_owned()),
        "fluentdForward" => Receiver::Collector("forward".to_owned()),
        "syslog" => Receiver::Syslog(endpoint.map_or("", |endpoint| &endpoint.scheme).to_owned()),
        "" => Receiver::Other("an output whose type is not given".to_owned()),
        kind => Receiver::Other(kind.to_owned()),
    };
    by_host.map_or(by_kind, Receiver::Service)
}

/// Whether it encrypts, by the scheme of its addresses.
fn tls(field: &Field<'_>, kind: &str, addresses: &[Address]) -> Fact<bool> {
    let one = |address: &Address| match &address.endpoint {
        Some(endpoint) if !endpoint.scheme.is_empty() => {
            let is_on = matches!(endpoint.scheme.as_str(), "https" | "tls");
            Fact::at(
                is_on,
                Rank::Configured,
                address.at.clone(),
                format!("the scheme is {}", endpoint.scheme),
            )
        }
        Some(_) if is_cloud(kind) => {
            Fact::at(true, Rank::Configured, address.at.clone(), "the service is reached over https")
        }
        _ => Fact::unknown(format!("the address at {} has no scheme", address.at)),
    };
    match addresses.iter().map(one).reduce(Fact::and) {
        Some(fact) => fact,
        None if is_cloud(kind) => {
            Fact::at(true, Rank::Configured, field.at(), "no url is set; that of the service is https")
        }
        None => Fact::unknown(format!("the output at {} has no url", field.at())),
    }
}

fn verified(field: &Field<'_>) -> Fact<bool> {
    match field.get("tls.insecureSkipVerify") {
        Some(skip) => match skip.flag() {
            Fact::Known(known) => Fact::at(
                !known.value,
                Rank::Configured,
                skip.at(),
                format!("insecureSkipVerify {}", known.value),
            ),
            unknown @ Fact::Unknown(_) => unknown,
        },
        None => Fact::at(
            true,
            Rank::Configured,
            field.at(),
            "tls.insecureSkipVerify is not set; the default is to verify",
        ),
    }
}

/// `authentication`, a client certificate, or in the older form a Secret that holds either.
fn authenticated(field: &Field<'_>, options: Option<&Field<'_>>, kind: &str) -> Fact<bool> {
    let authentication = options.and_then(|options| options.get("authentication"));
    let certificate = field.get("tls.certificate");
    let set = authentication.filter(|set| !set.entries().is_empty()).or(certificate);
    if let Some(set) = set {
        return Fact::at(true, Rank::Configured, set.at(), format!("{} is set", set.key()));
    }
    if let Some(secret) = field.get("secret.name") {
        return Fact::unknown(format!(
            "the Secret at {} may hold a token, a password, a client certificate or only a certificate authority",
            secret.at()
        ));
    }
    let at = field.at();
    if is_cloud(kind) {
        return Fact::at(true, Rank::Configured, at, "the service takes nothing without credentials");
    }
    Fact::at(false, Rank::Configured, at, "no authentication or client certificate is set")
}

/// `tuning.deliveryMode`: on disk and waiting for `AtLeastOnce`, in memory and dropping for `AtMostOnce`.
struct Delivery<'a> {
    field: &'a Field<'a>,
    kind: &'a str,
    mode: Option<Field<'a>>,
}

impl<'a> Delivery<'a> {
    fn of(field: &'a Field<'a>, options: Option<&Field<'a>>, kind: &'a str) -> Self {
        let mode = options.and_then(|options| options.get("tuning.deliveryMode"));
        // In the later releases of the older form it stands above the options, as `tuning.delivery`.
        Self { field, kind, mode: mode.or_else(|| field.get("tuning.delivery")) }
    }

    fn value<T>(&self, unset: T, at_least_once: T, at_most_once: T) -> Fact<T> {
        let Some(mode) = &self.mode else {
            let detail = "deliveryMode is not set; the default is a buffer in memory that blocks when full";
            return Fact::at(unset, Rank::Configured, self.field.at(), detail);
        };
        let detail = || format!("deliveryMode {}", mode.text());
        match mode.text() {
            "AtLeastOnce" => Fact::at(at_least_once, Rank::Configured, mode.at(), detail()),
            "AtMostOnce" => Fact::at(at_most_once, Rank::Configured, mode.at(), detail()),
            _ => Fact::unknown(format!("the deliveryMode at {} is not one that is known", mode.at())),
        }
    }

    fn buffer(&self, data_dir: &str) -> Fact<Buffer> {
        self.value(Buffer::Memory, Buffer::Disk(Some(data_dir.to_owned())), Buffer::Memory)
    }

    fn when_full(&self) -> Fact<WhenFull> {
        self.value(WhenFull::Waits, WhenFull::Waits, WhenFull::Drops)
    }

    /// The operator sets no number of attempts, so Vector's defaults hold.
    fn retry(&self) -> Fact<Retry> {
        let is_udp = self.kind == "syslog"
            && [self.field.get("syslog.url"), self.field.get("url")]
                .iter()
                .flatten()
                .any(|url| url.text().starts_with("udp:"));
        let (retry, detail) = match self.kind {
            "kafka" => {
                (Retry::Limited("300 seconds".to_owned()), "Kafka's client tries for 300 seconds by default")
            }
            _ if is_udp => (Retry::Never, "datagrams are sent once"),
            _ => (Retry::Forever, "attempts are without limit by default"),
        };
        Fact::at(retry, Rank::Configured, self.field.at(), detail)
    }
}
