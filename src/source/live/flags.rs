//! kubectl's flags laid over a cluster and a user of the kubeconfig.

use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster};

use super::connection::Connection;

/// The flags with empty values taken as not given.
pub(super) struct Flags<'a> {
    pub context: Option<&'a str>,
    pub cluster: Option<&'a str>,
    pub user: Option<&'a str>,
    pub server: Option<&'a str>,
    pub token: Option<&'a str>,
    pub impersonate: Option<&'a str>,
    pub groups: Vec<String>,
    pub uid: Option<&'a str>,
    pub certificate_authority: Option<&'a Path>,
    pub client_certificate: Option<&'a Path>,
    pub client_key: Option<&'a Path>,
    pub insecure: Option<bool>,
    pub tls_server_name: Option<&'a str>,
    pub disable_compression: Option<bool>,
}

impl<'a> Flags<'a> {
    /// The flags of a connection.
    pub(super) fn of(connection: &'a Connection) -> Self {
        fn text(flag: Option<&String>) -> Option<&str> {
            flag.map(String::as_str).filter(|value| !value.is_empty())
        }
        fn path(flag: Option<&PathBuf>) -> Option<&Path> {
            flag.map(PathBuf::as_path).filter(|path| !path.as_os_str().is_empty())
        }
        Self {
            context: text(connection.context.as_ref()),
            cluster: text(connection.cluster.as_ref()),
            user: text(connection.user.as_ref()),
            server: text(connection.server.as_ref()),
            token: text(connection.token.as_ref()),
            impersonate: text(connection.as_user.as_ref()),
            groups: connection.as_group.iter().filter(|group| !group.is_empty()).cloned().collect(),
            uid: text(connection.as_uid.as_ref()),
            certificate_authority: path(connection.certificate_authority.as_ref()),
            client_certificate: path(connection.client_certificate.as_ref()),
            client_key: path(connection.client_key.as_ref()),
            insecure: connection.insecure_skip_tls_verify,
            tls_server_name: text(connection.tls_server_name.as_ref()),
            disable_compression: connection.disable_compression,
        }
    }

    /// Whether they bring credentials of their own.
    pub(super) fn have_credentials(&self) -> bool {
        self.token.is_some() || self.client_certificate.is_some()
    }

    /// Lays them over a cluster.
    pub(super) fn apply_to_cluster(&self, cluster: &mut Cluster) {
        if let Some(server) = self.server {
            cluster.server = Some(server.to_owned());
            // The name was for the certificate of the other server.
            cluster.tls_server_name = None;
        }
        if let Some(name) = self.tls_server_name {
            cluster.tls_server_name = Some(name.to_owned());
        }
        if self.insecure == Some(true) || self.certificate_authority.is_some() {
            cluster.certificate_authority_data = None;
            cluster.certificate_authority = self.certificate_authority.map(display);
            cluster.insecure_skip_tls_verify = None;
        }
        if let Some(insecure) = self.insecure {
            cluster.insecure_skip_tls_verify = Some(insecure);
        }
        if let Some(disable) = self.disable_compression {
            cluster.disable_compression = Some(disable);
        }
    }

    /// Lays them over a user.
    pub(super) fn apply_to_user(&self, user: &mut AuthInfo) {
        if self.have_credentials() {
            *user = AuthInfo {
                token: self.token.map(|token| token.to_owned().into()),
                client_certificate: self.client_certificate.map(display),
                // The key may be the kubeconfig's.
                client_key: user.client_key.take().filter(|_| self.client_certificate.is_some()),
                client_key_data: user.client_key_data.take().filter(|_| self.client_certificate.is_some()),
                impersonate: user.impersonate.take(),
                impersonate_uid: user.impersonate_uid.take(),
                impersonate_groups: user.impersonate_groups.take(),
                impersonate_user_extra: user.impersonate_user_extra.take(),
                ..AuthInfo::default()
            };
        }
        if let Some(key) = self.client_key {
            user.client_key = Some(display(key));
            user.client_key_data = None;
        }
        if let Some(name) = self.impersonate {
            user.impersonate = Some(name.to_owned());
        }
        if let Some(uid) = self.uid {
            user.impersonate_uid = Some(uid.to_owned());
        }
        if !self.groups.is_empty() {
            user.impersonate_groups = Some(self.groups.clone());
        }
    }
}

fn display(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
