//! From the output of one collector to the input of another one of the cluster: which pods are behind the name it sends to,
//! which port of them, and whether what listens there speaks as it does.

use super::output::{Left, leaves};
use super::steps::{is_whole, passes};
use super::{Passing, hidden_or, no, no_such_output};
use crate::analyze::collectors::collector::Collector;
use crate::analyze::collectors::endpoint::{Endpoint, service_of};
use crate::analyze::collectors::model::{Input, Listener, Output, Pipeline, Source, Step};
use crate::analyze::fact::Fact;
use crate::snapshot::Workload;
use crate::snapshot::exposure::{Service, TargetPort, is_same_namespace};
use crate::verdict::{Evidence, Rank};

/// What an output sends to.
struct Call<'a> {
    output: &'a Output,
    protocol: &'a str,
    /// The namespace and name of the Service.
    namespace: String,
    name: String,
    port: Option<u16>,
    /// The Service, where it is seen.
    service: Option<&'a Service>,
}

/// The port that was called, and that of the pods it leads to.
struct Arrival<'a> {
    sent: u16,
    pods: u16,
    /// Whether that is seen; otherwise it is the same if nothing says otherwise.
    is_certain: bool,
    /// Where the Service says so.
    by: Option<&'a str>,
}

/// What a collector listens with.
struct Entry<'a> {
    collector: &'a Collector<'a>,
    pipeline: &'a Pipeline,
    input: &'a Input,
    listener: &'a Listener,
    /// Whether it is what the call reaches.
    is_called: Fact<bool>,
}

/// What becomes of what an output sends to other collectors of the cluster.
///
/// # Errors
/// It is not seen that a collector is behind it; the reason, where there is one to tell.
pub(super) fn next_hop(
    passing: &Passing<'_>,
    from: &Collector<'_>,
    output: &Output,
    protocol: &str,
    hops: usize,
) -> Result<Left, Option<String>> {
    let hosts = output.hosts.value().map_or(&[][..], Vec::as_slice);
    let mut all: Option<Left> = None;
    for host in hosts {
        let Some(endpoint) = Endpoint::parse(host) else { continue };
        let Some((namespace, name)) = service_of(&endpoint.host, from.namespace()) else { continue };
        let service = service(passing, &namespace, &name);
        let call = Call { output, protocol, namespace, name, port: endpoint.port, service };
        let left = call.follow(passing, from, hops)?;
        all = Some(match all {
            Some(known) => known.combine(left, agreed),
            None => left,
        });
    }
    all.ok_or(None)
}

/// The Service of a name, or the one that it stands for.
fn service<'a>(passing: &Passing<'a>, namespace: &str, name: &str) -> Option<&'a Service> {
    let named = |namespace: &str, name: &str| {
        let services = passing.snapshot.exposure.services.value()?;
        services.iter().find(|one| one.name == name && is_same_namespace(&one.namespace, namespace))
    };
    let found = named(namespace, name)?;
    match found.stands_for() {
        Some((namespace, name)) => named(namespace, name).or(Some(found)),
        None => Some(found),
    }
}

/// What several ways that share the logs come to together: it is not told which logs take which.
fn agreed(one: Fact<bool>, other: Fact<bool>) -> Fact<bool> {
    match (one.value(), other.value()) {
        (Some(left), Some(right)) if left != right => {
            let lost = if *left { &other } else { &one };
            let Fact::Known(lost) = lost else { return other };
            let shown: Vec<String> =
                lost.evidence.iter().map(|one| format!("{} ({})", one.detail, one.at)).collect();
            Fact::unknown(format!("only some of the ways on lead further: {}", shown.join("; ")))
        }
        (Some(_), Some(_)) => one.and(other),
        (None, _) => one,
        (_, None) => other,
    }
}

impl<'a> Call<'a> {
    fn title(&self) -> String {
        format!("the Service {}/{}", self.namespace, self.name)
    }

    fn unseen(&self, what: &str) -> String {
        let Self { protocol, output, .. } = self;
        format!("logs go on to {} over {protocol}, and {what} ({})", self.title(), output.at)
    }

    fn follow(
        &self,
        passing: &Passing<'a>,
        from: &Collector<'_>,
        hops: usize,
    ) -> Result<Left, Option<String>> {
        let pods = match self.behind(passing, from) {
            Ok(pods) if pods.is_empty() => {
                return Err(Some(self.unseen("what it does with them is not seen")));
            }
            Ok(pods) => pods,
            Err(why) => return Ok(Left::all(Fact::unknown(why))),
        };
        if hops == 0 {
            let why = "they have come through more collectors than are followed";
            return Ok(Left::all(Fact::unknown(self.unseen(why))));
        }
        let ways = pods.iter().map(|collectors| self.into(passing, collectors, hops));
        ways.reduce(|one, other| one.combine(other, agreed)).ok_or(None)
    }

    /// The collectors behind the name, of each workload; none if what is behind it is not seen.
    ///
    /// # Errors
    /// Which of several it is cannot be told; the reason.
    fn behind(
        &self,
        passing: &Passing<'a>,
        from: &Collector<'_>,
    ) -> Result<Vec<Vec<&'a Collector<'a>>>, String> {
        let in_pods_of = |workload: &Workload| -> Vec<&'a Collector<'a>> {
            let runs = |one: &&Collector<'_>| one.workload.is_some_and(|other| std::ptr::eq(other, workload));
            passing.all.iter().filter(runs).filter(|one| one.name != from.name).collect()
        };
        let workloads = passing.snapshot.workloads.all();
        let Some(service) = self.service else {
            // Pods of another name may be behind a Service, but which they are its name does not tell.
            let is_named =
                |workload: &&Workload| workload.namespace == self.namespace && workload.name == self.name;
            let found: Vec<_> = workloads.filter(is_named).map(in_pods_of).collect();
            let found: Vec<_> = found.into_iter().filter(|collectors| !collectors.is_empty()).collect();
            if let several @ [_, _, ..] = found.as_slice() {
                let names: Vec<&str> = several.iter().flatten().map(|one| one.name.as_str()).collect();
                return Err(self.unseen(&format!("which of {} takes them is not told", names.join(", "))));
            }
            return Ok(found);
        };
        let found: Vec<_> = workloads.filter(|workload| service.selects(workload)).map(in_pods_of).collect();
        Ok(if found.iter().any(Vec::is_empty) { Vec::new() } else { found })
    }

    /// What becomes of it in the pods of one workload.
    fn into(&self, passing: &Passing<'a>, collectors: &[&'a Collector<'a>], hops: usize) -> Left {
        let Some(workload) = collectors.first().and_then(|one| one.workload) else {
            return Left::all(Fact::unknown(format!("what runs behind {} is not seen", self.title())));
        };
        if workload.replicas == Some(0) {
            return Left::all(no(
                &workload.field("spec.replicas"),
                format!("{} has no replicas", workload.title()),
            ));
        }
        let arrival = match self.port {
            Some(port) => self.arrives(port, workload),
            None => Err(Fact::unknown(format!(
                "to which port {} sends is not told ({})",
                self.output.id, self.output.at
            ))),
        };
        if let Err(nowhere) = &arrival
            && nowhere.value() == Some(&false)
        {
            return Left::all(nowhere.clone());
        }
        let mut entries = Vec::new();
        for collector in collectors {
            let pipeline = match &collector.pipeline {
                Ok(pipeline) => pipeline,
                Err(unreadable) => {
                    return Left::all(Fact::unknown(format!("{} ({})", unreadable.why, unreadable.at)));
                }
            };
            for input in &pipeline.inputs {
                let Source::Network { listeners, protocol } = &input.source else { continue };
                entries.extend(listeners.iter().map(|listener| {
                    let is_called = self.calls(workload, listener, protocol, &arrival);
                    Entry { collector, pipeline, input, listener, is_called }
                }));
            }
        }
        let left = self.among(passing, (workload, collectors), &entries, hops);
        // What is not seen of them may listen too.
        let hidden = |fact: Fact<bool>| {
            let pipelines = collectors.iter().filter_map(|one| one.pipeline.as_ref().ok());
            pipelines.fold(fact, |fact, pipeline| {
                fact.and(hidden_or(pipeline, Fact::known(true, Rank::Evaluated, Vec::new())))
            })
        };
        Left { shipped: hidden(left.shipped), off_cluster: hidden(left.off_cluster), whole: left.whole }
    }

    /// What becomes of it by those of the entries that it reaches.
    fn among(
        &self,
        passing: &Passing<'a>,
        (workload, collectors): (&Workload, &[&'a Collector<'a>]),
        entries: &[Entry<'a>],
        hops: usize,
    ) -> Left {
        let with = |wanted: Option<bool>| -> Vec<&Entry<'a>> {
            entries.iter().filter(|entry| entry.is_called.value().copied() == wanted).collect()
        };
        let mut reached = with(Some(true));
        if reached.is_empty() {
            reached = with(None);
        }
        // It may be called otherwise on that side: then all of them must bring it on.
        let speaks = |entry: &&&Entry<'_>| {
            entry.input.source.protocol().is_some_and(|own| own.eq_ignore_ascii_case(self.protocol))
        };
        let speaking: Vec<_> = reached.iter().filter(speaks).copied().collect();
        if !speaking.is_empty() {
            reached = speaking;
        }
        let ways = reached.iter().map(|entry| {
            let gate = entry.is_called.clone().and(self.agrees_on_tls(entry));
            let left = behind(passing, entry, hops);
            Left {
                shipped: gate.clone().and(left.shipped),
                off_cluster: gate.clone().and(left.off_cluster),
                whole: gate.and(left.whole),
            }
        });
        ways.reduce(|one, other| one.combine(other, agreed))
            .unwrap_or_else(|| Left::all(self.missed(workload, collectors, entries)))
    }

    /// Why nothing takes it in.
    fn missed(
        &self,
        workload: &Workload,
        collectors: &[&'a Collector<'a>],
        entries: &[Entry<'a>],
    ) -> Fact<bool> {
        let Some(first) = entries.first() else {
            let lost =
                format!("{} takes nothing in over {} that it sends on", workload.title(), self.protocol);
            return no(collectors.first().map_or(&workload.at, |one| &one.at), lost);
        };
        let others = workload.containers.iter().find(|container| {
            !entries
                .iter()
                .any(|entry| entry.collector.container.is_some_and(|own| own.name == container.name))
        });
        if let Some(other) = others {
            return Fact::unknown(format!(
                "no input of {} is what {} sends to, and whether the container {} takes it is not read ({})",
                first.collector.name, self.output.id, other.name, self.output.at
            ));
        }
        let each = entries.iter().map(|entry| entry.is_called.clone());
        each.reduce(|one, other| match (one.value(), other.value()) {
            (Some(false), Some(false)) => one.zip(other).map(|_| false),
            (None, _) => one,
            _ => other,
        })
        .unwrap_or_else(|| Fact::unknown("nothing listens"))
    }

    /// Whether the call comes to this listener.
    fn calls(
        &self,
        workload: &Workload,
        listener: &Listener,
        protocol: &str,
        arrival: &Result<Arrival<'_>, Fact<bool>>,
    ) -> Fact<bool> {
        let Self { output, .. } = self;
        let sent = |to: String| Evidence { at: sent_at(output), detail: to };
        if let (Some(own), Some(theirs)) = (family(self.protocol), family(protocol))
            && own != theirs
        {
            let detail =
                format!("{} speaks {}, and what listens speaks {protocol}", output.id, self.protocol);
            return Fact::known(false, Rank::Evaluated, vec![sent(detail)]);
        }
        let Arrival { sent: port, pods: arrives, is_certain, by } = match arrival {
            Ok(arrival) => arrival,
            Err(fact) => return fact.clone(),
        };
        let Fact::Known(own) = &listener.port else {
            return Fact::unknown(listener.port.reason().unwrap_or_default());
        };
        let through = if arrives == port { String::new() } else { format!(", port {arrives} of the pods") };
        if listener.is_local {
            let mut evidence = vec![sent(format!("{} sends to {}", output.id, self.title()))];
            evidence.extend(own.evidence.iter().map(|one| Evidence {
                at: one.at.clone(),
                detail: format!("{} listens for its own pod alone", workload.title()),
            }));
            return Fact::known(false, Rank::Evaluated, evidence);
        }
        let mut evidence = vec![sent(format!("{} sends to port {port}{through}", output.id))];
        evidence.extend(by.filter(|_| arrives != port).map(|at| Evidence {
            at: at.to_owned(),
            detail: format!("{} leads port {port} to {arrives}", self.title()),
        }));
        evidence.extend(own.evidence.iter().map(|one| Evidence {
            at: one.at.clone(),
            detail: format!("{} listens on port {}", workload.title(), own.value),
        }));
        match (own.value == *arrives, is_certain) {
            (true, _) => Fact::known(true, Rank::Evaluated, evidence),
            (false, true) => Fact::known(false, Rank::Evaluated, evidence),
            (false, false) => Fact::unknown(format!(
                "{} sends to port {port}, {} listens on port {} ({}), and to which port {} leads is not seen; show the Service to tell ({})",
                output.id,
                workload.title(),
                own.value,
                own.evidence.first().map_or("", |one| one.at.as_str()),
                self.title(),
                sent_at(output)
            )),
        }
    }

    /// The port of the pods that a port leads to, and whether that is certain; or that it leads nowhere.
    fn arrives(&self, port: u16, workload: &Workload) -> Result<Arrival<'a>, Fact<bool>> {
        let arrival = |pods: u16, is_certain: bool, by| Ok(Arrival { sent: port, pods, is_certain, by });
        let Some(service) = self.service.filter(|service| !service.ports.is_empty()) else {
            let is_headless = self.service.is_some_and(|service| service.headless);
            return arrival(port, is_headless, None);
        };
        // Its name stands for the pods themselves.
        if service.headless {
            return arrival(port, true, None);
        }
        let Some(entry) = service.ports.iter().find(|one| one.port == port) else {
            let ports: Vec<String> = service.ports.iter().map(|one| one.port.to_string()).collect();
            let evidence = vec![
                Evidence {
                    at: sent_at(self.output),
                    detail: format!("{} sends to port {port}", self.output.id),
                },
                Evidence {
                    at: service.at.clone(),
                    detail: format!("{} has no port {port}, but {}", self.title(), ports.join(", ")),
                },
            ];
            return Err(Fact::known(false, Rank::Evaluated, evidence));
        };
        match &entry.target {
            TargetPort::Same => arrival(port, true, Some(&entry.at)),
            TargetPort::Number(number) => arrival(*number, true, Some(&entry.at)),
            TargetPort::Name(name) => {
                let mut numbers = workload.containers.iter().filter_map(|one| one.ports.get(name));
                let why = || {
                    Fact::unknown(format!(
                        "{} leads to the port {name} of the pods, and no container of {} that is seen has one ({})",
                        self.title(),
                        workload.title(),
                        entry.at
                    ))
                };
                numbers.next().map_or_else(|| Err(why()), |number| arrival(*number, true, Some(&entry.at)))
            }
        }
    }

    /// Whether both sides encrypt, or none.
    fn agrees_on_tls(&self, entry: &Entry<'_>) -> Fact<bool> {
        let Self { output, .. } = self;
        let word = |on: bool| if on { "with TLS" } else { "without TLS" };
        match (&output.tls, &entry.listener.tls) {
            (Fact::Known(own), Fact::Known(theirs)) => {
                let sends = own.evidence.iter().map(|one| Evidence {
                    at: one.at.clone(),
                    detail: format!("{} sends {}", output.id, word(own.value)),
                });
                let takes = theirs.evidence.iter().map(|one| Evidence {
                    at: one.at.clone(),
                    detail: format!(
                        "{} of {} listens {}",
                        entry.input.id,
                        entry.collector.name,
                        word(theirs.value)
                    ),
                });
                Fact::known(own.value == theirs.value, Rank::Evaluated, sends.chain(takes).collect())
            }
            (Fact::Unknown(unknown), _) | (_, Fact::Unknown(unknown)) => Fact::unknown(format!(
                "whether {} and {} of {} agree on TLS is not told: {}",
                output.id, entry.input.id, entry.collector.name, unknown.reason
            )),
        }
    }
}

/// Where an output says to whom it sends.
fn sent_at(output: &Output) -> String {
    match &output.hosts {
        Fact::Known(known) => known.evidence.first().map_or(&output.at, |one| &one.at).clone(),
        Fact::Unknown(_) => output.at.clone(),
    }
}

/// What protocols are one, whatever a program calls them. Those of others, such as HTTP, may be what they are used for.
fn family(protocol: &str) -> Option<&'static str> {
    Some(match protocol.to_ascii_lowercase().as_str() {
        "forward" | "fluent" | "fluentforward" => "forward",
        "otlp" | "opentelemetry" => "otlp",
        "lumberjack" | "beats" | "elastic_agent" => "lumberjack",
        "vector" => "vector",
        "relp" => "relp",
        "syslog" => "syslog",
        _ => return None,
    })
}

/// What becomes of what an entry takes in.
fn behind(passing: &Passing<'_>, entry: &Entry<'_>, hops: usize) -> Left {
    let Entry { collector, pipeline, input, .. } = entry;
    let Fact::Known(routes) = &input.routes else {
        return Left::all(Fact::unknown(format!("where {} leads to is not told ({})", input.id, input.at)));
    };
    let ways = routes.value.iter().map(|route| {
        let Some(output) = pipeline.outputs.get(route.output) else {
            return Left::all(no_such_output(input));
        };
        let steps: Vec<&Step> = input.steps.iter().chain(&route.steps).collect();
        let passed = passes(&steps, passing.namespace, passing.exact);
        let left = leaves(passing, collector, output, hops - 1);
        Left {
            shipped: passed.clone().and(left.shipped),
            off_cluster: passed.and(left.off_cluster),
            whole: is_whole(&steps).and(left.whole),
        }
    });
    ways.reduce(|one, other| one.combine(other, Fact::or))
        .unwrap_or_else(|| Left::all(no(&input.at, format!("{} reaches no output", input.id))))
}
