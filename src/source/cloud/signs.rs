//! What a kubeconfig tells of the provider and its cluster.
//!
//! Each provider's tool writes names and a credential plugin of its own form, and has hosts of its own.

use crate::snapshot::cloud::{CloudProvider, CloudSign};

/// What of a kubeconfig is looked at: the server, names, and the credential plugin of the user.
#[derive(Debug, Clone, Default)]
pub struct Kubeconfig {
    /// The server's URL.
    pub server: String,
    /// The name of the cluster's entry.
    pub cluster: String,
    /// The name of the user's entry.
    pub user: String,
    /// The plugin's command.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
}

impl Kubeconfig {
    /// What it tells.
    pub fn signs(&self) -> Vec<CloudSign> {
        let mut signs: Vec<CloudSign> = Vec::new();
        signs.extend(host(&self.server));
        signs.extend([&self.cluster, &self.user].into_iter().find_map(|name| eks_arn(name)));
        signs.extend([&self.cluster, &self.user].into_iter().find_map(|name| gke_name(name)));
        signs.extend(aks_user(&self.user, &self.cluster));
        signs.extend(self.plugin());
        signs
    }

    /// The variables with which the provider's tool acts as the same person as the plugin.
    pub fn login(&self) -> Vec<(String, String)> {
        const NAMES: [&str; 3] = ["AWS_", "CLOUDSDK_", "AZURE_"];
        let is_of_tool = |(name, _): &&(String, String)| NAMES.iter().any(|prefix| name.starts_with(prefix));
        let mut login: Vec<(String, String)> = self.env.iter().filter(is_of_tool).cloned().collect();
        if let (Some("aws"), Some(profile)) = (self.program(), self.argument(&["--profile"])) {
            login.push(("AWS_PROFILE".into(), profile.into()));
        }
        login
    }

    /// The plugin's file name without folder and ending.
    fn program(&self) -> Option<&str> {
        let name = self.command.rsplit(['/', '\\']).next()?;
        let name = name.strip_suffix(".exe").or_else(|| name.strip_suffix(".cmd")).unwrap_or(name);
        (!name.is_empty()).then_some(name)
    }

    /// The value of one of these options.
    fn argument(&self, names: &[&str]) -> Option<&str> {
        let mut words = self.args.iter();
        while let Some(word) = words.next() {
            for name in names {
                if word == name {
                    return words.next().map(String::as_str);
                }
                if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                    return Some(value);
                }
            }
        }
        None
    }

    fn plugin(&self) -> Option<CloudSign> {
        let at = "kubeconfig: exec";
        let has = |word: &str| self.args.iter().any(|argument| argument == word);
        match self.program()? {
            "aws" if has("eks") && has("get-token") => Some(CloudSign {
                is_sure: true,
                cluster: self.argument(&["--cluster-name", "--cluster-id"]).map(str::to_owned),
                location: self.argument(&["--region"]).map(str::to_owned),
                ..CloudSign::new(CloudProvider::Eks, at, "aws eks get-token")
            }),
            "aws-iam-authenticator" | "heptio-authenticator-aws" => Some(CloudSign {
                cluster: self.argument(&["-i", "--cluster-id"]).map(str::to_owned),
                ..CloudSign::new(CloudProvider::Eks, at, "aws-iam-authenticator")
            }),
            // Entra's application for the servers of AKS.
            "kubelogin"
                if self.argument(&["--server-id"]) == Some("6dae42f8-4368-4678-94ff-3960e28e3630") =>
            {
                Some(CloudSign {
                    is_sure: true,
                    ..CloudSign::new(CloudProvider::Aks, at, "kubelogin for the servers of AKS")
                })
            }
            "gke-gcloud-auth-plugin" => Some(CloudSign {
                is_sure: true,
                ..CloudSign::new(CloudProvider::Gke, at, "gke-gcloud-auth-plugin")
            }),
            _ => None,
        }
    }
}

/// What the host of a server tells.
fn host(server: &str) -> Option<CloudSign> {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.split_once(':').map_or(authority, |(host, _)| host).to_ascii_lowercase();
    let found = |provider, location: Option<&str>, account: Option<&str>| CloudSign {
        is_sure: true,
        location: location.map(str::to_owned),
        account: account.map(str::to_owned),
        ..CloudSign::new(provider, "kubeconfig: server", host.clone())
    };
    let last = |text: &str| text.rsplit('.').next().map(str::to_owned);
    let eks = host.strip_suffix(".cn").unwrap_or(&host);
    if let Some(before) = eks.strip_suffix(".eks.amazonaws.com") {
        return Some(found(CloudProvider::Eks, last(before).as_deref(), None));
    }
    if let Some((_, region)) =
        host.strip_suffix(".api.aws").and_then(|before| before.split_once(".eks-cluster."))
    {
        return Some(found(CloudProvider::Eks, Some(region), None));
    }
    if let Some((before, _)) = host.split_once(".azmk8s.") {
        return Some(found(CloudProvider::Aks, last(before).as_deref(), None));
    }
    if let Some(before) = host.strip_suffix(".gke.goog") {
        return Some(found(CloudProvider::Gke, last(before).as_deref(), None));
    }
    if host.ends_with("connectgateway.googleapis.com") {
        let mut parts = path.split('/').skip_while(|part| *part != "projects");
        return Some(found(CloudProvider::Gke, None, parts.nth(1)));
    }
    None
}

/// The parts of a cluster's ARN: `arn:aws:eks:eu-west-1:111122223333:cluster/demo`.
pub(super) fn arn(text: &str) -> Option<(&str, &str, &str)> {
    let mut parts = text.splitn(6, ':');
    let (scheme, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let name = resource.strip_prefix("cluster/")?;
    (scheme == "arn" && partition.starts_with("aws") && service == "eks").then_some((region, account, name))
}

fn eks_arn(name: &str) -> Option<CloudSign> {
    let (region, account, cluster) = arn(name)?;
    Some(CloudSign {
        is_sure: true,
        cluster: Some(cluster.to_owned()),
        location: Some(region.to_owned()),
        account: Some(account.to_owned()),
        ..CloudSign::new(CloudProvider::Eks, "kubeconfig: name of the cluster", name)
    })
}

/// `gke_PROJECT_LOCATION_NAME`: none of the parts has an underscore.
fn gke_name(name: &str) -> Option<CloudSign> {
    let parts: Vec<&str> = name.split('_').collect();
    let ["gke", project, location, cluster] = *parts.as_slice() else { return None };
    if [project, location, cluster].contains(&"") {
        return None;
    }
    Some(CloudSign {
        is_sure: true,
        cluster: Some(cluster.to_owned()),
        location: Some(location.to_owned()),
        account: Some(project.to_owned()),
        ..CloudSign::new(CloudProvider::Gke, "kubeconfig: name of the cluster", name)
    })
}

/// `clusterUser_GROUP_NAME`. Both may have underscores; the name of the cluster's entry tells where one ends.
fn aks_user(user: &str, cluster: &str) -> Option<CloudSign> {
    let rest = user.strip_prefix("clusterUser_").or_else(|| user.strip_prefix("clusterAdmin_"))?;
    // With administrator's rights the entry is called NAME-admin, the cluster's is not.
    let known = rest.strip_suffix(cluster).and_then(|before| before.strip_suffix('_'));
    let parts = match known {
        Some(group) if !cluster.is_empty() && !group.is_empty() => Some((group, cluster)),
        _ => rest.split_once('_').filter(|(_, name)| !name.contains('_')),
    };
    Some(CloudSign {
        cluster: parts.map(|(_, name)| name.to_owned()),
        group: parts.map(|(group, _)| group.to_owned()),
        ..CloudSign::new(CloudProvider::Aks, "kubeconfig: name of the user", user)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_host(server: &str) -> Option<(CloudProvider, Option<String>)> {
        host(server).map(|sign| (sign.provider.unwrap(), sign.location))
    }

    #[test]
    fn hosts_tell_the_provider_and_the_region() {
        use CloudProvider::{Aks, Eks, Gke};
        for (server, provider, location) in [
            ("https://0A1B2C3D4E5F60718293A4B5C6D7E8F9.gr7.eu-west-1.eks.amazonaws.com", Eks, "eu-west-1"),
            ("https://x.yl4.cn-north-1.eks.amazonaws.com.cn", Eks, "cn-north-1"),
            ("https://x.eks-cluster.us-east-2.api.aws", Eks, "us-east-2"),
            ("https://demo-rg-prod-000000-abcd1234.hcp.westeurope.azmk8s.io:443", Aks, "westeurope"),
            ("https://demo-1.0a1b.privatelink.westeurope.azmk8s.io:443", Aks, "westeurope"),
            ("https://gke-0123-111122223333.europe-west1.gke.goog", Gke, "europe-west1"),
        ] {
            assert_eq!(of_host(server), Some((provider, Some(location.to_owned()))), "{server}");
        }
        let gateway =
            host("https://connectgateway.googleapis.com/v1/projects/11/locations/global/memberships/m");
        assert_eq!(gateway.unwrap().account.as_deref(), Some("11"));
        for server in
            ["https://34.76.10.20", "https://eks.amazonaws.com.example.com", "https://10.0.0.1:6443", ""]
        {
            assert_eq!(of_host(server), None, "{server}");
        }
    }

    #[test]
    fn names_are_taken_apart() {
        let sign = eks_arn("arn:aws-us-gov:eks:us-gov-west-1:111122223333:cluster/prod").unwrap();
        assert_eq!(
            (sign.cluster.as_deref(), sign.location.as_deref(), sign.account.as_deref()),
            (Some("prod"), Some("us-gov-west-1"), Some("111122223333"))
        );
        assert_eq!(eks_arn("arn:aws:iam::111122223333:role/x"), None);
        let sign = gke_name("gke_example.com:acme-prod_europe-west1-b_demo").unwrap();
        assert_eq!(sign.account.as_deref(), Some("example.com:acme-prod"));
        assert_eq!(gke_name("gke_a_b"), None);
        let parts = |user: &str, cluster: &str| {
            let sign = aks_user(user, cluster).unwrap();
            (sign.group, sign.cluster)
        };
        let both = |group: &str, name: &str| (Some(group.to_owned()), Some(name.to_owned()));
        assert_eq!(parts("clusterUser_rg-prod_demo", "demo"), both("rg-prod", "demo"));
        assert_eq!(parts("clusterUser_my_rg_the_demo", "the_demo"), both("my_rg", "the_demo"));
        assert_eq!(parts("clusterUser_rg-prod_demo", "alias"), both("rg-prod", "demo"));
        // Where the group ends cannot be told.
        assert_eq!(parts("clusterUser_my_rg_the_demo", "alias"), (None, None));
    }

    #[test]
    fn plugins_tell_the_cluster_and_the_login() {
        let kubeconfig = Kubeconfig {
            command: "/usr/local/bin/aws".into(),
            args: ["--region", "us-east-1", "eks", "get-token", "--cluster-name", "demo", "--profile=audit"]
                .map(str::to_owned)
                .to_vec(),
            env: vec![("AWS_STS_REGIONAL_ENDPOINTS".into(), "regional".into()), ("HOME".into(), "/x".into())],
            ..Kubeconfig::default()
        };
        let sign = kubeconfig.plugin().unwrap();
        assert_eq!((sign.cluster.as_deref(), sign.location.as_deref()), (Some("demo"), Some("us-east-1")));
        let login = kubeconfig.login();
        assert_eq!(login.len(), 2);
        assert!(login.contains(&("AWS_PROFILE".into(), "audit".into())));
    }
}
