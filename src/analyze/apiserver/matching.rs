//! Which Lease belongs to which apiserver.

use std::net::IpAddr;

use crate::snapshot::Lease;

/// What is known of an apiserver's host: the node's name, or the end of a mirror pod's name.
pub(super) struct Host<'a> {
    /// The node's name.
    pub node: Option<&'a str>,
    /// The pod's name.
    pub name: &'a str,
}

impl Host<'_> {
    fn is(&self, host: &str, same: impl Fn(&str, &str) -> bool) -> bool {
        self.node.is_some_and(|node| same(node, host))
            || self.name.strip_prefix("kube-apiserver-").is_some_and(|node| same(node, host))
    }
}

/// The Leases that belong to none of these apiservers, by their index.
///
/// An apiserver writes its own hostname into its Lease, which is the node's name or that name with its domain. Each
/// Lease takes one apiserver at most: by the whole name, then by the name before the first dot where that is nobody
/// else's. Only where no name fits anywhere do hostnames and node names differ throughout, and the numbers decide.
pub(super) fn unmatched(leases: &[&Lease], hosts: &[Host<'_>]) -> Vec<usize> {
    let mut lease_taken = vec![false; leases.len()];
    let mut host_taken = vec![false; hosts.len()];
    let hostname = |lease: &Lease| lease.hostname.as_deref().unwrap_or_default().to_lowercase();
    let whole = |left: &str, right: &str| !right.is_empty() && left.eq_ignore_ascii_case(right);
    let pairs = |same: &dyn Fn(&str, &str) -> bool, lease_taken: &mut [bool], host_taken: &mut [bool]| {
        for (lease, taken) in leases.iter().zip(lease_taken.iter_mut()).filter(|(_, taken)| !**taken) {
            let free = hosts
                .iter()
                .zip(host_taken.iter_mut())
                .find(|(host, taken)| !**taken && host.is(&hostname(lease), same));
            if let Some((_, host_taken)) = free {
                *host_taken = true;
                *taken = true;
            }
        }
    };
    pairs(&whole, &mut lease_taken, &mut host_taken);
    let alone = |host: &str| {
        let short_name = short(host);
        let leases = leases.iter().filter(|lease| short(&hostname(lease)) == short_name).count();
        let hosts =
            hosts.iter().filter(|known| known.is(host, |left, right| short(left) == short(right))).count();
        leases == 1 && hosts == 1
    };
    let by_short_name =
        |left: &str, right: &str| !right.is_empty() && short(left) == short(right) && alone(right);
    pairs(&by_short_name, &mut lease_taken, &mut host_taken);
    let left: Vec<usize> =
        (0..leases.len()).filter(|index| lease_taken.get(*index) == Some(&false)).collect();
    if left.len() == leases.len() {
        // The numbers: as many Leases as there are more of them than of apiservers.
        return left.into_iter().skip(hosts.len()).collect();
    }
    left
}

/// A hostname without its domain; an address is not cut.
fn short(host: &str) -> String {
    if host.parse::<IpAddr>().is_ok() {
        return host.to_owned();
    }
    host.split('.').next().unwrap_or(host).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(leases: &[&str], nodes: &[&str]) -> Vec<usize> {
        let leases: Vec<Lease> = leases
            .iter()
            .map(|host| Lease {
                name: format!("apiserver-{host}"),
                hostname: Some((*host).to_owned()).filter(|host| !host.is_empty()),
                renew_time: None,
                duration_seconds: None,
            })
            .collect();
        let hosts: Vec<Host<'_>> = nodes.iter().map(|node| Host { node: Some(node), name: "pod" }).collect();
        unmatched(&leases.iter().collect::<Vec<_>>(), &hosts)
    }

    #[test]
    fn each_lease_takes_one_apiserver() {
        assert_eq!(left(&["cp1", "cp2", "cp3"], &["cp1", "cp2", "cp3"]), [0_usize; 0]);
        assert_eq!(left(&["cp1", "cp2", "cp3"], &["cp1", "cp2", "cp4"]), [2]);
        assert_eq!(left(&["cp1.example.com", "CP2"], &["cp1", "cp2"]), [0_usize; 0]);
        assert_eq!(left(&["10.0.0.1", "10.0.0.2", "10.0.0.3"], &["10.0.0.1"]), [1, 2]);
        assert_eq!(left(&["master.eu1.x", "master.eu2.x", "master.eu3.x"], &["master.eu1.x"]), [1, 2]);
        assert_eq!(left(&["master.eu1.x", "master.eu2.x"], &["master"]), [1]);
    }

    #[test]
    fn numbers_decide_only_where_no_name_fits() {
        assert_eq!(left(&["a", "b", "c"], &["x", "y"]), [2]);
        assert_eq!(left(&["", "", ""], &["x", "y", "z"]), [0_usize; 0]);
        assert_eq!(left(&["a", "b"], &[]), [0, 1]);
    }
}
