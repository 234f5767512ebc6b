//! Where the log settings of a managed cluster come from: saved answers, the provider's command-line tool, or nowhere.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::ValueEnum;

use super::output;
use crate::analyze::cloud::provider::identity;
use crate::config::{Settings, Told};
use crate::snapshot::Snapshot;
use crate::snapshot::cloud::{CloudProvider, CloudSign};
use crate::source::cloud::{self, file};
use crate::source::live::{Connection, provider_signs};

/// The options on the provider.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct CloudArgs {
    /// Whether to ask the cloud provider for its log settings: with its command-line tool (aws, az, gcloud), or not;
    /// auto asks if the provider is sure and its tool is there [default: auto]
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Cloud provider")]
    cloud: Option<How>,
    /// Take saved answers of the provider, as JSON: files, folders, or - for standard input; may be given several times
    #[arg(long, value_name = "FILE", help_heading = "Cloud provider")]
    pub(crate) cloud_file: Vec<PathBuf>,
    /// Save what was read of the provider, for --cloud-file
    #[arg(long, value_name = "FILE", help_heading = "Cloud provider")]
    cloud_dump: Option<PathBuf>,
    /// Read no cluster: judge only what --cloud-file holds or --cloud cli is told
    #[arg(long, conflicts_with_all = ["snapshot", "filename"], help_heading = "Cloud provider")]
    pub(crate) no_cluster: bool,
    /// The provider, where the cluster does not show it
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Cloud provider")]
    provider: Option<CloudProvider>,
    /// The cluster's name at the provider
    #[arg(long, value_name = "NAME", help_heading = "Cloud provider")]
    cluster_name: Option<String>,
    /// Its region or zone
    #[arg(long, value_name = "NAME", help_heading = "Cloud provider")]
    region: Option<String>,
    /// Its project (GKE)
    #[arg(long, value_name = "ID", help_heading = "Cloud provider")]
    project: Option<String>,
    /// Its subscription (AKS)
    #[arg(long, value_name = "ID", conflicts_with = "project", help_heading = "Cloud provider")]
    subscription: Option<String>,
    /// Its resource group (AKS)
    #[arg(long, value_name = "NAME", help_heading = "Cloud provider")]
    resource_group: Option<String>,
}

/// Whether and how the provider is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum How {
    /// If it is sure which it is and its tool is there; never for files and snapshots
    #[default]
    Auto,
    /// With its command-line tool
    Cli,
    /// Not at all
    Off,
}

impl CloudArgs {
    /// What the options say of settings.
    pub(crate) fn settings(&self) -> Settings {
        let name = |how: How| how.to_possible_value().map(|value| value.get_name().to_owned());
        Settings {
            cloud: self.cloud.and_then(name).map(|name| Told::new(name, "--cloud")),
            ..Settings::default()
        }
    }

    /// Takes what was settled on.
    pub(crate) fn settle(&mut self, settings: &Settings) {
        if let Some(Told { value, .. }) = &settings.cloud {
            self.cloud = How::from_str(value, false).ok();
        }
    }

    /// What was given of the cluster's place.
    fn given(&self) -> Vec<CloudSign> {
        let sign = |flag: &str, value: &str| CloudSign {
            provider: None,
            at: flag.to_owned(),
            detail: value.to_owned(),
            is_sure: false,
            cluster: None,
            location: None,
            account: None,
            group: None,
        };
        let mut signs = Vec::new();
        if let Some(provider) = self.provider {
            signs.push(CloudSign {
                provider: Some(provider),
                is_sure: true,
                ..sign("--provider", provider.as_str())
            });
        }
        let text = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        if let Some(name) = text(&self.cluster_name) {
            signs.push(CloudSign { cluster: Some(name.clone()), ..sign("--cluster-name", &name) });
        }
        if let Some(name) = text(&self.region) {
            signs.push(CloudSign { location: Some(name.clone()), ..sign("--region", &name) });
        }
        for (flag, value) in [("--project", &self.project), ("--subscription", &self.subscription)] {
            if let Some(name) = text(value) {
                signs.push(CloudSign { account: Some(name.clone()), ..sign(flag, &name) });
            }
        }
        if let Some(name) = text(&self.resource_group) {
            signs.push(CloudSign { group: Some(name.clone()), ..sign("--resource-group", &name) });
        }
        // A value that begins with a dash would be an option of the provider's tool.
        signs.retain(|sign| !sign.detail.starts_with('-'));
        signs
    }

    /// Adds to a snapshot what is known of the provider. `connection` is how the cluster was read, if it was.
    pub(crate) fn read(
        &self,
        snapshot: &mut Snapshot,
        connection: Option<&Connection>,
        timeout: Duration,
        progress: &dyn Fn(&str),
    ) -> anyhow::Result<()> {
        let how = self.cloud.unwrap_or_default();
        if self.no_cluster && self.cloud_file.is_empty() && how != How::Cli {
            bail!(
                "--no-cluster leaves nothing to judge; give the provider's answers with --cloud-file, or ask it with --cloud cli"
            );
        }
        let kubeconfig = connection.map(provider_signs);
        let mut signs = self.given();
        signs.extend(kubeconfig.iter().flat_map(cloud::signs::Kubeconfig::signs));
        signs.append(&mut snapshot.cloud.signs);
        snapshot.cloud.signs = signs;
        if !self.cloud_file.is_empty() {
            file::read(&self.cloud_file, snapshot)?;
        }
        let asks = match how {
            How::Auto => connection.is_some() && self.cloud_file.is_empty(),
            How::Cli => true,
            How::Off => false,
        };
        if asks {
            let login = kubeconfig.map(|kubeconfig| kubeconfig.login()).unwrap_or_default();
            let options = cloud::Options { login, timeout, insist: how == How::Cli };
            cloud::ask(snapshot, &options, progress);
        } else if how == How::Off {
            snapshot.cloud.not_asked = Some("--cloud off".into());
        }
        if let (true, Some(name)) = (self.no_cluster, identity(snapshot).cluster) {
            snapshot.cluster.name = name;
        }
        crate::snapshot::redact::redact(snapshot);
        if let Some(path) = &self.cloud_dump {
            if snapshot.cloud.answers.is_empty() {
                bail!("--cloud-dump: nothing was read of a provider that could be saved");
            }
            output::write_file(path, &file::dump(snapshot)?)?;
        }
        Ok(())
    }
}
