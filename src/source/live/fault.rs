//! Why a connection could not be made or broke off, read out of the chain of errors of the HTTP and TLS layers.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use jiff::Timestamp;
use kube::client::AuthError;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use super::wording::one_line;

/// The kinds of failure below HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing listens at the address.
    Refused,
    /// The host name has no address.
    Dns(String),
    /// There is no way to the host.
    NoRoute,
    /// No connection within the time limit.
    ConnectTimeout,
    /// The connection broke off.
    Broken(String),
    /// The server's certificate comes from an authority that is not trusted here.
    UnknownAuthority,
    /// The server's certificate is for other names.
    WrongName {
        /// The name that was asked for.
        expected: String,
        /// The names in the certificate.
        presented: Vec<String>,
    },
    /// The server's certificate is out of date or unusable.
    ServerCertificate(String),
    /// The server wants a client certificate, and there is none.
    NoClientCertificate,
    /// The server refused the client certificate.
    ClientCertificate(String),
    /// The port answers, but not with TLS.
    NotTls,
    /// Any other failure of TLS.
    Tls(String),
    /// The proxy could not be used.
    Proxy(String),
    /// The credentials could not be obtained.
    Credentials(String),
    /// Anything else, in the words of the layer that failed.
    Other(String),
}

impl Fault {
    /// Classifies an error of the HTTP client by what lies below it.
    pub fn of(error: &(dyn StdError + 'static)) -> Self {
        let causes = causes(error);
        // A proxy stands in front of everything else: what failed below it failed on the way to it.
        if let Some(fault) = causes.iter().find_map(|cause| proxy(&cause.to_string())) {
            return match (fault, causes.last()) {
                (Self::Proxy(what), Some(last)) if what.is_empty() => {
                    let last = last.to_string();
                    // The SOCKS connector does not tell what lies below.
                    Self::Proxy(if proxy(&last).is_some() {
                        "no connection to it".into()
                    } else {
                        format!("no connection to it: {}", one_line(&last))
                    })
                }
                (fault, _) => fault,
            };
        }
        let find = |classify: fn(&(dyn StdError + 'static)) -> Option<Self>| {
            causes.iter().find_map(|cause| classify(*cause))
        };
        find(tls).or_else(|| find(credentials)).or_else(|| find(dns)).or_else(|| find(socket)).unwrap_or_else(
            || Self::Other(causes.last().map(|cause| one_line(&cause.to_string())).unwrap_or_default()),
        )
    }

    /// Whether another attempt may end otherwise.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Refused | Self::NoRoute | Self::ConnectTimeout | Self::Broken(_) | Self::Other(_)
        )
    }

    /// What to do next, in one line.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Refused => "nothing listens there: is the address right, and is the control plane running?",
            Self::Dns(_) => "check the server's address in the kubeconfig, and whether a VPN is needed",
            Self::NoRoute | Self::ConnectTimeout => {
                "check the address, and whether a firewall or a missing VPN is in between"
            }
            Self::Broken(_) => {
                "try again; if it stays so, something between here and the server ends connections"
            }
            Self::UnknownAuthority => {
                "give the cluster's CA with --certificate-authority, or as certificate-authority-data in the kubeconfig"
            }
            Self::WrongName { .. } => {
                "use an address that is in the certificate, or name one that is with --tls-server-name"
            }
            Self::ServerCertificate(_) => "the certificate of the server has to be renewed",
            Self::NoClientCertificate => {
                "give one with --client-certificate and --client-key, or in the kubeconfig"
            }
            Self::ClientCertificate(_) => {
                "renew the client certificate (kubeadm: `kubeadm certs renew`), or log in again"
            }
            Self::NotTls => "if it really is plain HTTP, write http:// in the server's address",
            Self::Tls(_) => {
                "something between here and the server may be interfering; `kubectl version` may say more"
            }
            Self::Proxy(_) => "check proxy-url in the kubeconfig, HTTPS_PROXY and NO_PROXY",
            Self::Credentials(_) => "log in again as your provider's documentation says",
            Self::Other(_) => "see whether `kubectl version` reaches the cluster",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::Dns(what) => write!(f, "the host name cannot be resolved ({what})"),
            Self::NoRoute => f.write_str("there is no route to it"),
            Self::ConnectTimeout => f.write_str("no connection within the time limit"),
            Self::Broken(what) => write!(f, "the connection broke off ({what})"),
            Self::UnknownAuthority => {
                f.write_str("its certificate is signed by an authority that is not trusted here")
            }
            Self::WrongName { expected, presented } if presented.is_empty() => {
                write!(f, "its certificate is not for {expected}")
            }
            Self::WrongName { expected, presented } => {
                write!(f, "its certificate is not for {expected} but for {}", presented.join(", "))
            }
            Self::ServerCertificate(what) => write!(f, "its certificate is not valid: {what}"),
            Self::NoClientCertificate => f.write_str("it requires a client certificate"),
            Self::ClientCertificate(what) => write!(f, "it refused the client certificate: {what}"),
            Self::NotTls => f.write_str("it does not speak TLS"),
            Self::Tls(what) => write!(f, "TLS failed: {what}"),
            Self::Proxy(what) => write!(f, "the proxy failed: {what}"),
            Self::Credentials(what) => write!(f, "no credentials: {what}"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// An error and everything below it.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        // Chains have a handful of links; the limit is for a source that leads back to itself.
        if causes.len() >= 32 {
            break;
        }
        // The source of an io::Error is what lies below the error it wraps, which itself would be skipped.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    causes
}

/// The errors of hyper-util's proxy connectors are not public; their texts are how they are known.
fn proxy(text: &str) -> Option<Fault> {
    let what = text.strip_prefix("tunnel error: ").or_else(|| text.strip_prefix("SOCKS error: "))?;
    Some(Fault::Proxy(match what {
        "proxy authorization required" => "it asks for a user name and a password (407)".into(),
        "unsuccessful" => "it refused to connect to the server".into(),
        "unexpected end of file" => "it ended the connection".into(),
        // What lies below says more.
        "failed to create underlying connection" | "io error establishing tunnel" => String::new(),
        other => one_line(other),
    }))
}

fn tls(cause: &(dyn StdError + 'static)) -> Option<Fault> {
    use rustls::Error;
    Some(match cause.downcast_ref::<Error>()? {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(alert) => self::alert(*alert),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => Fault::NotTls,
        other => Fault::Tls(one_line(&other.to_string())),
    })
}

fn certificate(error: &CertificateError) -> Fault {
    let date = |time: &rustls::pki_types::UnixTime| {
        i64::try_from(time.as_secs())
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .map_or_else(|| "an unknown date".to_owned(), |time| time.to_string())
    };
    match error {
        // A signature that does not fit is that of an authority of the same name: kubeadm calls all of them `kubernetes`.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Fault::UnknownAuthority,
        CertificateError::NotValidForName => {
            Fault::WrongName { expected: "the address".into(), presented: Vec::new() }
        }
        CertificateError::NotValidForNameContext { expected, presented } => Fault::WrongName {
            expected: expected.to_str().into_owned(),
            presented: presented.iter().take(8).map(|name| plain_name(name)).collect(),
        },
        CertificateError::Expired => Fault::ServerCertificate("it has expired".into()),
        CertificateError::ExpiredContext { not_after, .. } => {
            Fault::ServerCertificate(format!("it expired at {}", date(not_after)))
        }
        CertificateError::NotValidYet => Fault::ServerCertificate("it is not valid yet".into()),
        CertificateError::NotValidYetContext { not_before, .. } => {
            Fault::ServerCertificate(format!("it is not valid before {}", date(not_before)))
        }
        other => Fault::ServerCertificate(one_line(&other.to_string())),
    }
}

/// rustls presents names as `DnsName("a.example")` and `IpAddress(10.0.0.1)`.
fn plain_name(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    one_line(inner.trim_matches('"'))
}

/// What a server says about a certificate in an alert is about the client's: its own it has already shown.
fn alert(alert: AlertDescription) -> Fault {
    let about_client = match alert {
        AlertDescription::CertificateExpired => "it has expired",
        AlertDescription::CertificateRevoked => "it is revoked",
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            return Fault::NoClientCertificate;
        }
        AlertDescription::UnknownCA => "it comes from an authority that the server does not trust",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => "it is not accepted",
        other => return Fault::Tls(format!("the server ended the handshake with the alert {other:?}")),
    };
    Fault::ClientCertificate(about_client.into())
}

fn credentials(cause: &(dyn StdError + 'static)) -> Option<Fault> {
    Some(Fault::Credentials(match cause.downcast_ref::<AuthError>()? {
        // Its text has the whole output of the command in it.
        AuthError::AuthExecRun { .. } => "the credential command failed".into(),
        AuthError::ReadTokenFile(error, path) => {
            format!("{}: {}", path.display(), one_line(&error.to_string()))
        }
        other => one_line(&other.to_string()),
    }))
}

fn dns(cause: &(dyn StdError + 'static)) -> Option<Fault> {
    // hyper-util's error for it is private and has this text.
    (cause.to_string() == "dns error").then(|| {
        let what = causes(cause).last().map(ToString::to_string).unwrap_or_default();
        let what = what.strip_prefix("failed to lookup address information: ").unwrap_or(&what);
        Fault::Dns(one_line(what))
    })
}

fn socket(cause: &(dyn StdError + 'static)) -> Option<Fault> {
    if cause.to_string().starts_with("connection closed before message completed") {
        return Some(Fault::Broken("it ended before the answer".into()));
    }
    let error = cause.downcast_ref::<io::Error>()?;
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => Fault::Refused,
        io::ErrorKind::TimedOut => Fault::ConnectTimeout,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Fault::NoRoute,
        io::ErrorKind::ConnectionReset => Fault::Broken("reset by the other side".into()),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected => {
            Fault::Broken("closed by the other side".into())
        }
        io::ErrorKind::UnexpectedEof => Fault::Broken("it ended in the middle".into()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<dyn StdError + Send + Sync>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl StdError for Layer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.1.as_ref().map(|source| &**source as _)
        }
    }

    fn layered(text: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Layer {
        Layer(text, Some(source.into()))
    }

    #[test]
    fn tls_errors_are_found_below_nested_io_errors() {
        let tls = |error: rustls::Error| {
            // As hyper-rustls and tokio-rustls wrap it.
            let inner = io::Error::new(io::ErrorKind::InvalidData, error);
            Fault::of(&layered("client error (Connect)", io::Error::other(inner)))
        };
        use rustls::Error::{AlertReceived, InvalidCertificate};
        assert_eq!(tls(InvalidCertificate(CertificateError::UnknownIssuer)), Fault::UnknownAuthority);
        assert_eq!(tls(InvalidCertificate(CertificateError::BadSignature)), Fault::UnknownAuthority);
        assert_eq!(
            tls(InvalidCertificate(CertificateError::NotValidForNameContext {
                expected: rustls::pki_types::ServerName::try_from("a.example").unwrap(),
                presented: vec!["DnsName(\"b.example\")".into(), "IpAddress(10.0.0.1)".into()],
            })),
            Fault::WrongName {
                expected: "a.example".into(),
                presented: vec!["b.example".into(), "10.0.0.1".into()]
            }
        );
        assert_eq!(
            tls(AlertReceived(AlertDescription::CertificateExpired)),
            Fault::ClientCertificate("it has expired".into())
        );
        assert_eq!(tls(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)), Fault::NotTls);
        let expired = tls(InvalidCertificate(CertificateError::ExpiredContext {
            time: rustls::pki_types::UnixTime::now(),
            not_after: rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(86400)),
        }));
        assert_eq!(expired.to_string(), "its certificate is not valid: it expired at 1970-01-02T00:00:00Z");
    }

    #[test]
    fn sockets_names_and_proxies_are_told_apart() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(Fault::of(&layered("tcp connect error", refused())), Fault::Refused);
        assert!(Fault::of(&layered("tcp connect error", refused())).is_transient());
        let name = io::Error::other("failed to lookup address information: Name or service not known");
        assert_eq!(
            Fault::of(&layered("client error (Connect)", layered("dns error", name))),
            Fault::Dns("Name or service not known".into())
        );
        let tunnel = layered("tunnel error: failed to create underlying connection", refused());
        assert_eq!(
            Fault::of(&layered("client error (Connect)", tunnel)),
            Fault::Proxy("no connection to it: connection refused".into())
        );
        assert_eq!(
            Fault::of(&Layer("tunnel error: proxy authorization required", None)),
            Fault::Proxy("it asks for a user name and a password (407)".into())
        );
        assert_eq!(Fault::of(&Layer("something else", None)), Fault::Other("something else".into()));
    }

    #[test]
    fn credentials_never_show_output() {
        let output = std::process::Output {
            status: std::process::ExitStatus::default(),
            stdout: b"hunter2".to_vec(),
            stderr: Vec::new(),
        };
        let error = AuthError::AuthExecRun { cmd: "login hunter2".into(), out: Box::new(output) };
        let fault = Fault::of(&kube::Error::Auth(error));
        assert!(matches!(&fault, Fault::Credentials(_)));
        assert!(!format!("{fault} {fault:?}").contains("hunter2"));
    }
}
