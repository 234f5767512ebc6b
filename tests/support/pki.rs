//! Throwaway certificates: one authority per server, made anew for every test.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;

use super::routes::Identity;

/// A client certificate with its key, for kubeconfig files that log in without a token.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    pub cert_pem: String,
    pub key_pem: String,
    der: CertificateDer<'static>,
}

/// A certificate authority with a client certificate for each identity.
pub struct Pki {
    authority: CertifiedIssuer<'static, KeyPair>,
    clients: Vec<(Identity, ClientCertificate)>,
}

impl Default for Pki {
    fn default() -> Self {
        Self::new()
    }
}

impl Pki {
    /// A fresh authority that nobody else trusts.
    pub fn new() -> Self {
        let mut params = named("kubernetes");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = CertifiedIssuer::self_signed(params, key()).expect("a self-signed authority");
        let clients = [Identity::Admin, Identity::Viewer, Identity::Nobody]
            .map(|identity| (identity, client(&authority, identity)))
            .into();
        Self { authority, clients }
    }

    /// The authority's certificate, as a kubeconfig's `certificate-authority-data` holds it.
    pub fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// The authority's certificate as a root store, for a client that verifies the server.
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).expect("the authority is a valid root");
        roots
    }

    /// The certificate with which this identity logs in.
    pub fn client_certificate(&self, identity: Identity) -> &ClientCertificate {
        let found = self.clients.iter().find(|(whose, _)| *whose == identity);
        &found.unwrap_or_else(|| panic!("{identity:?} has no certificate")).1
    }

    /// Who holds this certificate.
    pub fn identify(&self, certificate: &CertificateDer<'_>) -> Option<Identity> {
        self.clients.iter().find(|(_, own)| own.der == *certificate).map(|(identity, _)| *identity)
    }

    /// A server configuration for these host names and addresses, asking for (but not
    /// insisting on) a client certificate, as kube-apiserver does.
    pub fn server_config(&self, names: &[&str]) -> Arc<ServerConfig> {
        let key = key();
        let mut params = named("kube-apiserver");
        params.subject_alt_names =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
                .expect("valid names for a certificate")
                .subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.authority).expect("a signed server certificate");
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()
                .expect("a verifier for client certificates");
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the ring provider speaks TLS 1.2 and 1.3")
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.der().clone()], private(&key))
            .expect("the certificate belongs to its key");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

fn client(authority: &CertifiedIssuer<'static, KeyPair>, identity: Identity) -> ClientCertificate {
    let key = key();
    let mut params = named(identity.user());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, authority).expect("a signed client certificate");
    ClientCertificate {
        cert_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
        der: certificate.der().clone(),
    }
}

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a new key")
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}
