//! A cluster through its API.
use crate::snapshot::*;
/// x
#[derive(clap::Args, Clone, Default, Debug)]
pub struct Connection {
    /// ns
    #[arg(short = 'n', long, global = true)]
    pub namespace: Option<String>,
    /// v
    #[arg(short = 'v', long, global = true)]
    pub verbosity: Option<u8>,
}
/// x
pub struct Options {
    /// t
    pub timeout: std::time::Duration,
    /// c
    pub captured_at: jiff::Timestamp,
}
/// x
pub fn read(_c: &Connection, _o: &Options, _p: &(dyn Fn(&str) + Sync)) -> anyhow::Result<(Snapshot, String)> {
    anyhow::bail!("stub")
}
/// x
pub struct Subject;
impl Subject {
    /// x
    pub fn named(_n: &str, _ns: &str) -> Self {
        Self
    }
}
/// x
pub fn rbac_yaml(_s: Option<&Subject>) -> String {
    String::new()
}
/// x
pub fn openshift_rbac_yaml(_s: Option<&Subject>) -> String {
    String::new()
}
