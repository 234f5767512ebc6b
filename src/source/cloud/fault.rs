//! What it means when a provider's command-line tool fails, by what it says.
//!
//! The tools' exit codes say next to nothing: `aws` of version 1 ends with 255, `gcloud` and `az` with 1 for nearly everything.

use crate::snapshot::cloud::{Call, CloudProvider};
use crate::snapshot::{Gap, GapReason, Permission};
use crate::source::wording::one_line;

/// Texts of standard error and what they mean; the first that occurs decides.
type Texts = &'static [(&'static str, GapReason)];

const AWS: Texts = &[
    ("Unable to locate credentials", GapReason::NoCredentials),
    ("config profile", GapReason::NoCredentials),
    ("UnrecognizedClientException", GapReason::NoCredentials),
    ("InvalidClientTokenId", GapReason::NoCredentials),
    ("SignatureDoesNotMatch", GapReason::NoCredentials),
    ("Error loading SSO Token", GapReason::CredentialsExpired),
    ("Token has expired", GapReason::CredentialsExpired),
    ("ExpiredToken", GapReason::CredentialsExpired),
    ("RequestExpired", GapReason::CredentialsExpired),
    ("SSO session associated with this profile has expired", GapReason::CredentialsExpired),
    ("AccessDenied", GapReason::Forbidden),
    ("UnauthorizedOperation", GapReason::Forbidden),
    ("AuthorizationError", GapReason::Forbidden),
    ("is not authorized to perform", GapReason::Forbidden),
    ("ResourceNotFoundException", GapReason::NotFound),
    ("NotFoundException", GapReason::NotFound),
    ("You must specify a region", GapReason::PlaceUnknown),
    ("Throttling", GapReason::Throttled),
    ("TooManyRequests", GapReason::Throttled),
    ("RequestLimitExceeded", GapReason::Throttled),
    ("Could not connect to the endpoint URL", GapReason::Unreachable),
    ("Connect timeout", GapReason::Unreachable),
    ("Connection was closed", GapReason::Unreachable),
    ("Read timeout", GapReason::Timeout),
    ("Invalid choice", GapReason::NotSupported),
    ("Unknown options", GapReason::NotSupported),
    ("UnknownOperationException", GapReason::NotSupported),
];

const AZ: Texts = &[
    ("az login' to setup account", GapReason::NoCredentials),
    ("No subscription found", GapReason::NoCredentials),
    ("AADSTS70043", GapReason::CredentialsExpired),
    ("AADSTS700082", GapReason::CredentialsExpired),
    ("AADSTS50173", GapReason::CredentialsExpired),
    ("ExpiredAuthenticationToken", GapReason::CredentialsExpired),
    ("Interactive authentication is needed", GapReason::CredentialsExpired),
    ("az login", GapReason::NoCredentials),
    ("AuthorizationFailed", GapReason::Forbidden),
    ("LinkedAuthorizationFailed", GapReason::Forbidden),
    ("Forbidden", GapReason::Forbidden),
    ("SubscriptionRequestsThrottled", GapReason::Throttled),
    ("TooManyRequests", GapReason::Throttled),
    ("SubscriptionNotFound", GapReason::PlaceUnknown),
    ("doesn't exist in cloud", GapReason::PlaceUnknown),
    ("ResourceNotFound", GapReason::NotFound),
    ("ResourceGroupNotFound", GapReason::NotFound),
    ("was not found", GapReason::NotFound),
    ("Connection refused", GapReason::Unreachable),
    ("Max retries exceeded", GapReason::Unreachable),
    ("Failed to establish a new connection", GapReason::Unreachable),
    ("is misspelled or not recognized", GapReason::NotSupported),
    ("unrecognized arguments", GapReason::NotSupported),
    ("requires the extension", GapReason::NotSupported),
];

const GCLOUD: Texts = &[
    ("do not currently have an active account", GapReason::NoCredentials),
    ("gcloud auth login", GapReason::NoCredentials),
    ("Reauthentication", GapReason::CredentialsExpired),
    ("invalid_grant", GapReason::CredentialsExpired),
    ("code=401", GapReason::CredentialsExpired),
    ("UNAUTHENTICATED", GapReason::CredentialsExpired),
    ("SERVICE_DISABLED", GapReason::NotSupported),
    ("has not been used in project", GapReason::NotSupported),
    ("code=403", GapReason::Forbidden),
    ("PERMISSION_DENIED", GapReason::Forbidden),
    ("does not have permission", GapReason::Forbidden),
    ("is not permitted to access", GapReason::Forbidden),
    ("required property [project]", GapReason::PlaceUnknown),
    ("code=404", GapReason::NotFound),
    ("NOT_FOUND", GapReason::NotFound),
    ("code=429", GapReason::Throttled),
    ("RESOURCE_EXHAUSTED", GapReason::Throttled),
    ("Connection refused", GapReason::Unreachable),
    ("Max retries exceeded", GapReason::Unreachable),
    ("unable to find the server", GapReason::Unreachable),
    ("Invalid choice", GapReason::NotSupported),
    ("unrecognized arguments", GapReason::NotSupported),
];

/// The gap that a tool's failure leaves.
pub(super) fn of_tool(provider: CloudProvider, call: &Call, stderr: &str) -> Box<Gap> {
    let texts = match provider {
        CloudProvider::Eks => AWS,
        CloudProvider::Aks => AZ,
        CloudProvider::Gke => GCLOUD,
    };
    let reason = texts
        .iter()
        .find(|(text, _)| stderr.contains(text))
        .map_or(GapReason::Malformed, |(_, reason)| *reason);
    let said = masked(&one_line(telling(stderr)));
    let said = match advice(provider, reason) {
        Some(advice) if said.is_empty() => advice.to_owned(),
        Some(advice) => format!("{said}; {advice}"),
        None if said.is_empty() => format!("{} said nothing", provider.tool()),
        None => said,
    };
    gap(call, reason, said)
}

/// A gap of a call.
pub(super) fn gap(call: &Call, reason: GapReason, detail: impl Into<String>) -> Box<Gap> {
    let gap = Gap::new(reason, format!("{} ({})", call.what, call.command), detail);
    Box::new(match reason {
        GapReason::Forbidden => gap.with_grant(Permission::Cloud { action: call.permission.to_owned() }),
        _ => gap,
    })
}

/// What to do about it, where the tool's own words do not say it.
fn advice(provider: CloudProvider, reason: GapReason) -> Option<&'static str> {
    match (reason, provider) {
        (GapReason::NoCredentials | GapReason::CredentialsExpired, CloudProvider::Eks) => {
            Some("log in with `aws sso login` or `aws configure`, or name a profile with AWS_PROFILE")
        }
        (GapReason::NoCredentials | GapReason::CredentialsExpired, CloudProvider::Aks) => {
            Some("log in with `az login`")
        }
        (GapReason::NoCredentials | GapReason::CredentialsExpired, CloudProvider::Gke) => {
            Some("log in with `gcloud auth login`")
        }
        (GapReason::NotFound, _) => Some(
            "wrong name, account or region? --cluster-name, --region, --resource-group, --subscription and --project name others",
        ),
        (GapReason::PlaceUnknown, CloudProvider::Eks) => Some("name it with --region"),
        (GapReason::PlaceUnknown, CloudProvider::Aks) => {
            Some("name it with --subscription and --resource-group")
        }
        (GapReason::PlaceUnknown, CloudProvider::Gke) => Some("name it with --project and --region"),
        (GapReason::NotSupported, _) => Some("a newer version of the tool may offer it"),
        _ => None,
    }
}

/// The line that tells most: the one with the error, else the last.
fn telling(stderr: &str) -> &str {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_error = |line: &&str| line.contains("ERROR") || line.contains("An error occurred");
    lines().find(is_error).or_else(|| lines().next_back()).unwrap_or_default()
}

/// Without e-mail addresses, which name people.
fn masked(text: &str) -> String {
    let is_mail = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
    };
    let words = text.split(' ').map(|word| if is_mail(word) { "(somebody)" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::cloud::call;

    #[test]
    fn what_the_tools_say_is_understood() {
        use CloudProvider::{Aks, Eks, Gke};
        use GapReason::{
            CredentialsExpired, Forbidden, Malformed, NoCredentials, NotFound, PlaceUnknown, Throttled,
            Unreachable,
        };
        for (provider, stderr, reason) in [
            (
                Eks,
                "Unable to locate credentials. You can configure credentials by running \"aws configure\".",
                NoCredentials,
            ),
            (Eks, "The config profile (nosuch) could not be found", NoCredentials),
            (Eks, "Error loading SSO Token: Token for s does not exist", CredentialsExpired),
            (
                Eks,
                "Error when retrieving token from sso: Token has expired and refresh failed",
                CredentialsExpired,
            ),
            (
                Eks,
                "An error occurred (ExpiredTokenException) when calling the DescribeCluster operation: x",
                CredentialsExpired,
            ),
            (
                Eks,
                "An error occurred (AccessDeniedException) when calling the DescribeCluster operation: User: arn:aws:iam::111122223333:user/dev is not authorized",
                Forbidden,
            ),
            (
                Eks,
                "An error occurred (ResourceNotFoundException) when calling the DescribeCluster operation: No cluster found for name: nope.",
                NotFound,
            ),
            (
                Eks,
                "You must specify a region. You can also configure your region by running \"aws configure\".",
                PlaceUnknown,
            ),
            (
                Eks,
                "An error occurred (TooManyRequestsException) when calling the X operation (reached max retries: 4): Rate exceeded",
                Throttled,
            ),
            (
                Eks,
                "An error occurred (502) when calling the DescribeCluster operation (reached max retries: 4): Bad Gateway",
                Malformed,
            ),
            (Eks, "Could not connect to the endpoint URL: \"https://x\"", Unreachable),
            (Aks, "ERROR: Please run 'az login' to setup account.", NoCredentials),
            (Aks, "ERROR: (SubscriptionRequestsThrottled) Number of requests exceeded the limit.", Throttled),
            (
                Aks,
                "ERROR: (ResourceNotFound) The Resource 'x' under resource group 'rg' was not found.",
                NotFound,
            ),
            (
                Gke,
                "ERROR: (gcloud.container.clusters.describe) ResponseError: code=429, message=Quota exceeded",
                Throttled,
            ),
            (
                Gke,
                "ERROR: (gcloud.container.clusters.describe) ResponseError: code=401, message=Request had invalid authentication credentials.",
                CredentialsExpired,
            ),
            (Gke, "ERROR: (gcloud.x) The required property [project] is not currently set.", PlaceUnknown),
        ] {
            let first = provider.calls().first().unwrap();
            assert_eq!(of_tool(provider, first, stderr).reason, reason, "{stderr}");
        }
    }

    #[test]
    fn a_denial_names_the_permission_and_nobody() {
        let stderr = "ERROR: (AuthorizationFailed) The client 'dev@example.com' with object id '2' does not have authorization";
        let gap = of_tool(CloudProvider::Aks, call("aks/show").unwrap(), stderr).to_string();
        assert!(gap.contains("grant `Microsoft.ContainerService/managedClusters/read`"), "{gap}");
        assert!(!gap.contains("example.com"), "{gap}");
    }
}
