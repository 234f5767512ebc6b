//! Real configurations of collectors: manifests through the program, loose texts through the readers.

use std::collections::BTreeMap;
use std::path::Path;

use logaudit::analyze::collectors::collector::collectors;
use logaudit::analyze::collectors::config::Config;
use logaudit::analyze::collectors::dialect::{Dialect, Unreadable};
use logaudit::analyze::collectors::model::{Pipeline, Receiver};
use logaudit::source::manifests::read_paths;

use super::{corpus, files, name};
use crate::support::stage::pinned;

/// How many configurations of a product were read, and how many were not.
#[derive(Default)]
struct Count {
    read: usize,
    in_part: usize,
    refused: usize,
}

#[derive(Default)]
struct Table(BTreeMap<String, Count>);

impl Table {
    /// A line about a configuration, and its place in the counts.
    fn add(&mut self, product: &str, outcome: &Result<Pipeline, Unreadable>) -> String {
        let count = self.0.entry(product.to_owned()).or_default();
        match outcome {
            Ok(pipeline) => {
                let what = match pipeline.unread.first() {
                    None => {
                        count.read += 1;
                        "read".to_owned()
                    }
                    Some(unread) => {
                        count.in_part += 1;
                        format!("read in part: {} ({})", unread.why, unread.at)
                    }
                };
                format!("{product}: {what}; ships to {}", receivers(pipeline))
            }
            Err(unreadable) => {
                count.refused += 1;
                format!("{product}: not read: {} ({})", unreadable.why, unreadable.at)
            }
        }
    }
}

fn receivers(pipeline: &Pipeline) -> String {
    let mut found: Vec<String> = pipeline.outputs.iter().map(|output| receiver(&output.receiver)).collect();
    found.sort();
    found.dedup();
    if found.is_empty() { "nothing".into() } else { found.join(", ") }
}

fn receiver(receiver: &Receiver) -> String {
    match receiver {
        Receiver::Service(service) => service.name().into(),
        Receiver::NotLogs(what) => format!("{what} (no logs)"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The language of a text that stands for itself.
fn dialect_of(path: &Path, text: &str) -> Option<Dialect> {
    match path.extension()?.to_str()? {
        "toml" => Some(Dialect::Vector),
        "conf" if name(path).contains("logstash") => Some(Dialect::Logstash),
        "conf" if text.contains("<source>") || text.contains("<match") || text.contains("@include") => {
            Some(Dialect::Fluentd)
        }
        "conf" => Some(Dialect::FluentBit),
        _ => None,
    }
}

#[test]
fn real_collectors_are_read_or_refused_with_a_reason() {
    let Some(corpus) = corpus() else { return };
    let (mut table, mut given, mut without, mut refused) = (Table::default(), 0, 0, 0);
    for folder in ["collectors", "collectors-broken"] {
        for file in files(&corpus.join(folder)) {
            given += 1;
            println!("{folder}/{}", name(&file));
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
            if let Some(dialect) = dialect_of(&file, &text) {
                let outcome = dialect.read(&Config::of_text(&format!("/etc/{}", name(&file)), "text", &text));
                println!("    {}", table.add(dialect.name(), &outcome));
                continue;
            }
            let output = pinned().args(["run", "-o", "json", "-f"]).args([file.as_os_str()]).run();
            assert!(!output.stderr.contains("internal fault"), "{output:#?}");
            match output.code {
                Some(0 | 1) => {
                    let snapshot = read_paths(std::slice::from_ref(&file)).unwrap();
                    let found = collectors(&snapshot);
                    without += usize::from(found.is_empty());
                    for collector in &found {
                        println!(
                            "    {}, {}",
                            collector.name,
                            table.add(&collector.product, &collector.pipeline)
                        );
                    }
                    println!("    {} findings", output.report().findings().count());
                }
                Some(2) => {
                    refused += 1;
                    assert!(output.stderr.starts_with("error"), "{output:#?}");
                    println!("    refused: {}", output.stderr.lines().next().unwrap_or_default());
                }
                _ => panic!("{output:#?}"),
            }
        }
    }
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/corpus.md")).unwrap();
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rows = vec![format!(
        "{given} real files, {without} of which hold no collector and {refused} of which are refused as a whole"
    )];
    for (product, Count { read, in_part, refused }) in &table.0 {
        rows.push(format!("| {product} | {read} | {in_part} | {refused} |"));
    }
    println!("{}", rows.join("\n"));
    let missing: Vec<&String> = rows.iter().filter(|row| !words.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "docs/corpus.md does not say {missing:#?}");
}
