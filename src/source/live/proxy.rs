//! Which proxy leads to a server, as kubectl decides it: `proxy-url` of the kubeconfig, else the environment.
//!
//! `NO_PROXY` is about where a request goes, as in Go's `golang.org/x/net/http/httpproxy`. (kube 5 asks whether it
//! names the proxy.) It does not apply to `proxy-url`.

use std::net::IpAddr;

use http::Uri;

/// Looks up an environment variable.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<std::ffi::OsString>;

/// The proxy for a server; none to go straight to it.
///
/// # Errors
/// The setting that names the proxy, and what is wrong with it.
pub(super) fn choose(
    configured: Option<&str>,
    server: &Uri,
    environment: Environment<'_>,
) -> Result<Option<Uri>, (&'static str, String)> {
    if let Some(proxy) = configured {
        return parse(proxy).map(Some).map_err(|what| ("proxy-url in the kubeconfig", what));
    }
    let names = if server.scheme_str() == Some("http") {
        [("HTTP_PROXY", "HTTP_PROXY"), ("HTTP_PROXY", "http_proxy")]
    } else {
        [("HTTPS_PROXY", "HTTPS_PROXY"), ("HTTPS_PROXY", "https_proxy")]
    };
    let text = |name: &str| {
        environment(name).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
    };
    let Some((setting, proxy)) = names.iter().find_map(|(setting, name)| Some((*setting, text(name)?)))
    else {
        return Ok(None);
    };
    let exceptions = text("NO_PROXY").or_else(|| text("no_proxy")).unwrap_or_default();
    if goes_straight(server, &exceptions) {
        return Ok(None);
    }
    parse(&proxy).map(Some).map_err(|what| (setting, what))
}

fn parse(proxy: &str) -> Result<Uri, String> {
    let proxy = proxy.trim();
    let with_scheme = match proxy.split_once("://") {
        // The SOCKS client lets the proxy resolve names, which is all that `socks5h` says beyond `socks5`.
        Some(("socks5h", rest)) => format!("socks5://{rest}"),
        Some(_) => proxy.to_owned(),
        None => format!("http://{proxy}"),
    };
    let uri: Uri = with_scheme.parse().map_err(|_| "it is not a URL".to_owned())?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        Some("http" | "https" | "socks5") => Err("it names no host".into()),
        scheme => Err(format!("proxies of the kind {:?} are not supported", scheme.unwrap_or_default())),
    }
}

fn goes_straight(server: &Uri, exceptions: &str) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    exceptions
        .split(',')
        .map(|entry| entry.trim().to_ascii_lowercase())
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            if entry == "*" {
                return true;
            }
            if let (Some((network, bits)), Some(address)) = (entry.split_once('/'), address) {
                return in_network(address, network, bits);
            }
            let (name, wanted_port) = split_port(&entry);
            if wanted_port.is_some_and(|wanted| wanted != port) {
                return false;
            }
            if let Ok(wanted) = name.parse::<IpAddr>() {
                return address == Some(wanted);
            }
            let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
            match name.strip_prefix('.') {
                // `.example.com` is for what lies below it, `example.com` also for itself.
                Some(_) => host.ends_with(name),
                None => host == name || host.strip_suffix(name).is_some_and(|above| above.ends_with('.')),
            }
        })
}

/// `name:port`, where an IPv6 address with a port is in brackets.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((address, rest)) = entry.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return (address, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match entry.split_once(':') {
        Some((name, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn in_network(address: IpAddr, network: &str, bits: &str) -> bool {
    let Ok(bits) = bits.parse::<u32>() else { return false };
    let prefix = |value: u128, width: u32| value.checked_shr(width.saturating_sub(bits)).unwrap_or(0);
    match (address, network.parse()) {
        (IpAddr::V4(address), Ok(IpAddr::V4(network))) if bits <= 32 => {
            prefix(u32::from(address).into(), 32) == prefix(u32::from(network).into(), 32)
        }
        (IpAddr::V6(address), Ok(IpAddr::V6(network))) if bits <= 128 => {
            prefix(address.into(), 128) == prefix(network.into(), 128)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chosen(
        configured: Option<&str>,
        server: &str,
        variables: &[(&str, &str)],
    ) -> Result<Option<String>, String> {
        let environment = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| std::ffi::OsString::from(*value))
        };
        choose(configured, &server.parse().unwrap(), &environment)
            .map(|proxy| proxy.map(|uri| uri.to_string()))
            .map_err(|(setting, what)| format!("{setting}: {what}"))
    }

    #[test]
    fn the_kubeconfig_comes_before_the_environment() {
        let environment = [("HTTPS_PROXY", "http://e:1"), ("NO_PROXY", "*")];
        assert_eq!(
            chosen(Some("socks5h://k:1"), "https://s", &environment),
            Ok(Some("socks5://k:1/".into()))
        );
        assert_eq!(chosen(None, "https://s", &environment), Ok(None));
        assert_eq!(chosen(None, "https://s", &environment[..1]), Ok(Some("http://e:1/".into())));
        assert_eq!(chosen(None, "http://s", &environment[..1]), Ok(None));
        assert_eq!(
            chosen(None, "https://s", &[("https_proxy", "e:3128")]),
            Ok(Some("http://e:3128/".into()))
        );
        assert_eq!(chosen(None, "https://127.0.0.1:6443", &environment[..1]), Ok(None));
    }

    #[test]
    fn unusable_proxies_are_named() {
        assert!(
            chosen(Some("ftp://k"), "https://s", &[]).unwrap_err().contains("proxy-url in the kubeconfig: ")
        );
        assert!(
            chosen(None, "https://s", &[("https_proxy", "http://")]).unwrap_err().contains("HTTPS_PROXY")
        );
    }

    #[test]
    fn exceptions_are_about_the_server() {
        for (server, exceptions, expected) in [
            ("https://api.example.com:6443", "example.com", true),
            ("https://api.example.com:6443", ".example.com", true),
            ("https://api.example.com:6443", "*.example.com", true),
            ("https://example.com", ".example.com", false),
            ("https://example.com", "example.com", true),
            ("https://badexample.com", "example.com", false),
            ("https://API.Example.com", " x , api.EXAMPLE.com:443,", true),
            ("https://api.example.com", "api.example.com:6443", false),
            ("https://10.1.2.3:6443", "10.0.0.0/8", true),
            ("https://11.1.2.3:6443", "10.0.0.0/8", false),
            ("https://10.1.2.3:6443", "0.0.0.0/0", true),
            ("https://10.1.2.3:6443", "10.1.2.3", true),
            ("https://[fd00::1]:6443", "fd00::/8", true),
            ("https://[fd00::1]:6443", "[fd00::1]:6443", true),
            ("https://[fd00::1]:6443", "fd00::1", true),
            ("https://10.1.2.3", "10.0.0.0/x,10.0.0.0/99,,", false),
        ] {
            assert_eq!(
                goes_straight(&server.parse().unwrap(), exceptions),
                expected,
                "{server} {exceptions}"
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_settings_never_panic(proxy in "\\PC{0,20}", exceptions in "[a-z0-9.:/*,\\[\\] ]{0,30}") {
            let _ = chosen(Some(&proxy), "https://10.0.0.1", &[]);
            let _ = chosen(None, "https://[fd00::1]", &[("HTTPS_PROXY", &proxy), ("NO_PROXY", &exceptions)]);
        }
    }
}
