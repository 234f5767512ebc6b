//! Other programs, run with a limit on their time and on what they print.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// How often it is looked whether the program has ended.
const POLL: Duration = Duration::from_millis(10);

/// How long the end of its output is waited for after it has ended: a child of its own may keep the pipe open.
const DRAIN: Duration = Duration::from_millis(500);

/// How a program ended.
pub(super) struct Ended {
    /// None: it did not end in time, and was killed.
    pub(super) status: Option<ExitStatus>,
    /// What it printed, up to the limit, where standard output is a pipe.
    pub(super) stdout: Vec<u8>,
    /// What it said on standard error, likewise.
    pub(super) stderr: Vec<u8>,
    /// Whether it printed more than was kept.
    pub(super) is_cut: bool,
}

/// Why there is no end to tell of.
pub(super) enum Fault {
    /// It could not be started.
    NotStarted(io::Error),
    /// It was started, and the system tells no more of it.
    Lost(io::Error),
}

/// Who else ends where a program is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// What it has started itself as well: many tools are scripts around the real program. It has no terminal then.
    Own,
    /// Nobody: it may ask at the terminal.
    Ours,
}

/// Runs a program to its end, or kills it after `limit`. At most `most` bytes of each stream are kept.
pub(super) fn run(mut program: Command, limit: Duration, most: u64, group: Group) -> Result<Ended, Fault> {
    #[cfg(unix)]
    if group == Group::Own {
        std::os::unix::process::CommandExt::process_group(&mut program, 0);
    }
    let mut child = program.spawn().map_err(Fault::NotStarted)?;
    let stdout = Pipe::of(child.stdout.take(), most);
    let stderr = Pipe::of(child.stderr.take(), most);
    let status = wait(&mut child, limit, group).map_err(Fault::Lost)?;
    if status.is_none() {
        return Ok(Ended { status, stdout: stdout.so_far(), stderr: stderr.so_far(), is_cut: false });
    }
    let (stdout, is_cut) = stdout.whole();
    Ok(Ended { status, stdout, stderr: stderr.whole().0, is_cut })
}

/// Waits for the end; none if it did not come in time, and then the process is killed.
fn wait(child: &mut Child, limit: Duration, group: Group) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() >= limit {
            if cfg!(unix) && group == Group::Own {
                // The whole group has its leader's number.
                let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status();
            }
            child.kill()?;
            // Killed processes end at once; one that cannot be killed must not hold this program up.
            std::thread::sleep(POLL);
            child.try_wait()?;
            return Ok(None);
        }
        std::thread::sleep(POLL);
    }
}

/// A pipe that is read on a thread of its own, so that a process is never held up by a full one.
struct Pipe {
    kept: Arc<Mutex<Kept>>,
    ended: mpsc::Receiver<()>,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Pipe {
    fn of(source: Option<impl Read + Send + 'static>, most: u64) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (end, ended) = mpsc::channel();
        if let Some(mut source) = source {
            let shared = Arc::clone(&kept);
            // Not waited for: where a grandchild keeps the pipe open, it ends with this program.
            std::thread::spawn(move || {
                let mut chunk = [0_u8; 4096];
                while let Ok(size @ 1..) = source.read(&mut chunk) {
                    if let (Ok(mut kept), Some(read)) = (shared.lock(), chunk.get(..size)) {
                        if kept.bytes.len() as u64 + size as u64 <= most {
                            kept.bytes.extend_from_slice(read);
                        } else {
                            kept.is_cut = true;
                        }
                    }
                }
                drop(end);
            });
        }
        Self { kept, ended }
    }

    fn so_far(&self) -> Vec<u8> {
        self.kept.lock().map(|kept| kept.bytes.clone()).unwrap_or_default()
    }

    /// All that was kept once the pipe has ended, and whether there was more.
    fn whole(&self) -> (Vec<u8>, bool) {
        // The sender is dropped at the end of the pipe, which is an error here, or the time is over.
        let _ = self.ended.recv_timeout(DRAIN);
        self.kept.lock().map(|kept| (kept.bytes.clone(), kept.is_cut)).unwrap_or_default()
    }
}
