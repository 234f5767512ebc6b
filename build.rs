//! Packs everything below `checks/` into one compressed file that is compiled in. Data that needs no places is parsed here, so that
//! the program reads JSON instead of YAML: that is quicker, and faults of form end the build.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The folder of data, beside the files that lie in `checks/` itself.
const DATA: &str = "policies";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=checks");
    println!("cargo::rerun-if-changed=build.rs");
    let mut files = Vec::new();
    collect(Path::new("checks"), &mut files)?;
    files.sort();
    let mut pack = String::new();
    for path in files {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let inside: Vec<&str> = path.iter().skip(1).filter_map(|part| part.to_str()).collect();
        let is_data = inside.len() == 1 || inside.first() == Some(&DATA);
        let text = if is_data && path.extension().is_some_and(|extension| extension == "yaml") {
            let value: serde_json::Value =
                serde_yaml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            value.to_string()
        } else {
            text
        };
        if text.contains('\0') {
            return Err(format!("{}: holds a NUL character", path.display()).into());
        }
        for part in [&inside.join("/"), &text] {
            pack.push_str(part);
            pack.push('\0');
        }
    }
    let packed = zstd::encode_all(pack.as_bytes(), 19)?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("checks.zst"), packed)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
