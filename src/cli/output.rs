//! Where output goes: reports whole to standard output or a file, everything else to standard error.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::report::style::{self, Color};

/// Options on output that several subcommands share.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct OutputArgs {
    /// Write to this file instead of standard output, whole or not at all
    #[arg(long, value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
    /// Leave column headings out of tables
    #[arg(long)]
    pub(crate) no_headers: bool,
    /// When to use colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,
}

impl OutputArgs {
    /// Decides on colour; before anything is rendered.
    pub(crate) fn prepare(&self) {
        style::decide(self.color, self.output_file.is_none() && io::stdout().is_terminal());
    }

    /// Writes a whole report.
    pub(crate) fn emit(&self, bytes: &[u8]) -> anyhow::Result<()> {
        if let Some(path) = &self.output_file {
            return write_file(path, bytes);
        }
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            // Whoever closed the pipe has read enough; how the command ends does not depend on it.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }
}

/// Writes a file whole or not at all: into a new file beside it, which then takes its place.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_files(&[(path, bytes)])
}

/// Writes files, each whole or not at all, and none of them where one cannot be written.
pub(crate) fn write_files(files: &[(&Path, &[u8])]) -> anyhow::Result<()> {
    // A pipe or device cannot be replaced; it is written to as it is.
    let is_special =
        |path: &Path| std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    let (special, plain): (Vec<_>, Vec<_>) = files.iter().partition(|(path, _)| is_special(path));
    let prepared: Vec<_> =
        plain.into_iter().map(|(path, bytes)| prepare(path, bytes)).collect::<anyhow::Result<_>>()?;
    for (path, bytes) in special {
        std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    for (file, path) in prepared {
        file.persist(path).with_context(|| cannot_write(path))?;
    }
    Ok(())
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}; does the folder exist, and may you write there?", path.display())
}

/// A new file beside the one whose place it is to take.
fn prepare<'p>(path: &'p Path, bytes: &[u8]) -> anyhow::Result<(tempfile::NamedTempFile, &'p Path)> {
    if path.is_dir() {
        anyhow::bail!("cannot write {}: it is a folder", path.display());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let hint = || cannot_write(path);
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // Without the name of the new file, which nobody asked for.
    let plain = |error: io::Error| {
        let text = error.to_string();
        let cause = text.rsplit_once(" at path ").map_or(text.as_str(), |(cause, _)| cause);
        anyhow::anyhow!(cause.to_owned()).context(hint())
    };
    let mut file = builder.prefix(".logaudit-").tempfile_in(folder).map_err(plain)?;
    file.write_all(bytes).map_err(plain)?;
    file.as_file().sync_all().with_context(hint)?;
    Ok((file, path))
}

/// A line on standard error. Nobody may be listening there.
pub(crate) fn warn(text: &str) {
    // Texts quote input; only their own line breaks and tabs stay.
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| line.split('\t').map(style::visible).collect::<Vec<_>>().join("\t"))
        .collect();
    let _ = writeln!(io::stderr().lock(), "{}", lines.join("\n"));
}

/// Says why the job could not be done.
pub(crate) fn complain(error: &anyhow::Error) {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // Some errors already say what is behind them.
        if !text.contains(&cause) {
            let colon = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{colon}{cause}");
        }
    }
    if !text.starts_with("error") {
        text = format!("error: {text}");
    }
    warn(&text);
}

/// Whether nobody reads the output any more, which is no failure.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
