//! The recorded exchanges under `tests/recordings`, looked up by id.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings/kube-apiserver-1.36");

/// One recorded answer, with the headers the real server sent, so that a test meets what a
/// cluster really says.
pub struct Recording {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Arc<[u8]>,
}

impl Recording {
    /// The body as text, for tests that change one value in it.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("recorded bodies are UTF-8")
    }

    /// The body as JSON, for tests that change a field in it.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("this recorded body is JSON")
    }
}

/// The recording with this id of `index.jsonl`; an id that is not there fails the test.
pub fn recording(id: &str) -> &'static Recording {
    static ALL: OnceLock<HashMap<String, Recording>> = OnceLock::new();
    ALL.get_or_init(load).get(id).unwrap_or_else(|| panic!("no recording {id} in {FOLDER}/index.jsonl"))
}

fn load() -> HashMap<String, Recording> {
    let index =
        fs::read_to_string(Path::new(FOLDER).join("index.jsonl")).expect("the index of the recordings");
    index
        .lines()
        .map(|line| entry(&serde_json::from_str(line).expect("a line of the index is JSON")))
        .collect()
}

fn entry(line: &Value) -> (String, Recording) {
    let response = &line["response"];
    let headers = response["headers"]
        .as_array()
        .expect("headers are a list of pairs")
        .iter()
        .map(|pair| (text(&pair[0]), text(&pair[1])))
        .collect();
    let body = body(&text(&response["bodyFile"]));
    assert_eq!(Some(body.len() as u64), response["bodyBytes"].as_u64(), "recording {}", line["id"]);
    let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    (text(&line["id"]), Recording { status: status.expect("a status code"), headers, body: body.into() })
}

fn body(file: &str) -> Vec<u8> {
    let stored = fs::read(Path::new(FOLDER).join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    if file.ends_with(".zst") {
        zstd::decode_all(stored.as_slice()).unwrap_or_else(|error| panic!("{file}: {error}"))
    } else {
        stored
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text in the index").to_owned()
}
