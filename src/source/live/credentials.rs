//! Certificates, tokens and plugins as a kubeconfig names them, checked before anything is sent.

#[expect(
    clippy::disallowed_types,
    reason = "the settings of an auth-provider are one in kube's types; only looked up"
)]
use std::collections::HashMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster, ExecConfig, KubeconfigError, LoadDataError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;

use super::certificate;
use super::error::{LiveError, setting};
use super::wording::one_line;

/// The certificate authorities of a cluster in DER; none if it names none, which means those of the system.
pub(super) fn authorities(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, LiveError> {
    let name = "certificate-authority of the cluster";
    let advice = "it should be certificates in PEM";
    let loaded =
        ExecAuthCluster::try_from(cluster).map_err(|error| setting(name, data_error(&error), advice))?;
    let Some(pem) = loaded.certificate_authority_data else { return Ok(None) };
    let bundle: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(&pem)
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|_| setting(name, "it is damaged", advice))?;
    if bundle.is_empty() {
        Err(setting(name, "there is no certificate in it", advice))
    } else {
        Ok(Some(bundle))
    }
}

/// What is wrong with data of a kubeconfig, without the data.
fn data_error(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::LoadCertificateAuthority(error)
        | KubeconfigError::LoadClientCertificate(error)
        | KubeconfigError::LoadClientKey(error) => match error {
            LoadDataError::DecodeBase64(_) => "it is not base64".into(),
            LoadDataError::ReadFile(error, path) => {
                format!("{}: {}", path.display(), one_line(&error.to_string()))
            }
            LoadDataError::NoBase64DataOrFile => "it is missing".into(),
        },
        other => one_line(&other.to_string()),
    }
}

/// Turns what stands for a token into the token.
pub(super) fn settle(user: &mut AuthInfo) -> Result<(), LiveError> {
    if let Some(provider) = user.auth_provider.take() {
        user.token = Some(id_token(&provider.config, Timestamp::now())?.into());
    }
    // A run is too short for the token to change. kube takes the file as it is, and a line break at its end makes a
    // header that cannot be sent.
    if let Some(path) = user.token_file.take().filter(|_| user.token.is_none()) {
        let token = std::fs::read_to_string(&path).map_err(|error| {
            let what = format!("{path}: {}", one_line(&error.to_string()));
            setting("the token file", what, "log in again, or give --token")
        })?;
        user.token = Some(token.trim().to_owned().into());
    }
    Ok(())
}

/// The ID token of the auth-provider `oidc`.
///
/// It is never refreshed here: many issuers give a new refresh token with it and void the old one, and unlike kubectl
/// this program does not write the kubeconfig.
#[expect(clippy::disallowed_types, reason = "kube's type")]
fn id_token(provider: &HashMap<String, String>, now: Timestamp) -> Result<String, LiveError> {
    let wrong = |what: &str| {
        setting("the OpenID Connect token of the kubeconfig", what, "`kubectl get --raw /version` renews it")
    };
    let token =
        provider.get("id-token").filter(|token| !token.is_empty()).ok_or_else(|| wrong("it is missing"))?;
    match expiry(token) {
        Some(expiry) if expiry < now => Err(wrong(&format!("it expired at {expiry}"))),
        // Whatever else is wrong with it, the server knows better.
        _ => Ok(token.clone()),
    }
}

/// The claim `exp` of a JWT.
fn expiry(token: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        exp: i64,
    }
    let mut payload = token.split('.').nth(1)?.replace('-', "+").replace('_', "/");
    while !payload.len().is_multiple_of(4) {
        payload.push('=');
    }
    let claims: Claims = serde_json::from_slice(&base64(&payload)?).ok()?;
    Timestamp::from_second(claims.exp).ok()
}

/// Checks that a client certificate can be read, and tells when it expires.
pub(super) fn client_certificate(user: &AuthInfo) -> Result<Option<Timestamp>, LiveError> {
    let wrong = |what: String| {
        setting(
            "client-certificate of the user",
            what,
            "it should be a certificate in PEM; log in again to renew it",
        )
    };
    let pem = if let Some(data) = &user.client_certificate_data {
        base64(data).ok_or_else(|| wrong("it is not base64".into()))?
    } else if let Some(path) = &user.client_certificate {
        std::fs::read(path).map_err(|error| wrong(format!("{path}: {}", one_line(&error.to_string()))))?
    } else {
        return Ok(None);
    };
    if user.client_key.is_none() && user.client_key_data.is_none() {
        return Err(setting(
            "client-key of the user",
            "it is missing",
            "give it with --client-key or in the kubeconfig",
        ));
    }
    Ok(certificate::not_after(&pem))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    serde_json::from_value::<ByteString>(serde_json::Value::String(text.to_owned())).ok().map(|bytes| bytes.0)
}

/// Takes the credential plugin out of a user, if it is what gives the credentials.
///
/// It is run once, by this program: kube would run it twice for every client it makes.
pub(super) fn take_plugin(user: &mut AuthInfo, cluster: &Cluster) -> Result<Option<ExecConfig>, LiveError> {
    let plugin = user.exec.take();
    if let Some(provider) = &user.auth_provider
        && provider.name != "oidc"
    {
        return Err(setting(
            format!("the auth-provider {:?} of the kubeconfig", provider.name),
            "Kubernetes removed it in 1.26",
            "use the credential plugin that replaces it (gke-gcloud-auth-plugin, kubelogin)",
        ));
    }
    // What client-go takes instead of running the plugin.
    let others = user.token.is_some()
        || user.token_file.is_some()
        || user.username.is_some()
        || user.auth_provider.is_some()
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some();
    let Some(mut plugin) = plugin.filter(|_| !others) else { return Ok(None) };
    if plugin.provide_cluster_info {
        plugin.cluster = Some(ExecAuthCluster::try_from(cluster).map_err(|error| {
            setting(
                "certificate-authority of the cluster",
                data_error(&error),
                "it should be certificates in PEM",
            )
        })?);
    }
    Ok(Some(plugin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    /// `{"exp":1000000000}` between two parts that do not matter.
    const TOKEN: &str = "e30.eyJleHAiOjEwMDAwMDAwMDB9.c2ln";

    #[test]
    fn an_expired_id_token_is_named_and_not_refreshed() {
        let settings = |token: &str| [("id-token".to_owned(), token.to_owned())].into_iter().collect();
        let provider = settings(TOKEN);
        let at = |seconds: i64| id_token(&provider, Timestamp::from_second(seconds).unwrap());
        assert_eq!(at(999_999_999).unwrap(), TOKEN);
        let error = at(1_000_000_001).unwrap_err().to_string();
        assert!(error.contains("expired at 2001-09-09T01:46:40Z") && !error.contains(TOKEN), "{error}");
        assert!(id_token(&std::iter::empty().collect(), Timestamp::UNIX_EPOCH).is_err());
        assert!(id_token(&settings("opaque"), Timestamp::now()).is_ok());
    }

    #[test]
    fn a_token_file_is_read_without_its_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "abc\n").unwrap();
        let mut user = AuthInfo { token_file: path.to_str().map(str::to_owned), ..AuthInfo::default() };
        settle(&mut user).unwrap();
        assert_eq!(user.token.unwrap().expose_secret(), "abc");
        let mut user = AuthInfo { token_file: Some("/does/not/exist".into()), ..AuthInfo::default() };
        assert!(settle(&mut user).unwrap_err().to_string().contains("/does/not/exist: No such file"));
    }

    proptest! {
        #[test]
        fn arbitrary_tokens_never_panic(token in "\\PC{0,30}|[a-zA-Z0-9_-]{0,9}\\.[a-zA-Z0-9_-]{0,30}\\.x") {
            let _ = expiry(&token);
        }
    }
}
