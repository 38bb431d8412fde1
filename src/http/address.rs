//! Addresses: which hosts may be given a token, and what may stand in a path.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// The checked base of an API.
pub(super) struct Address {
    base: String,
    reach: Reach,
}

/// Whether requests leave this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Over TLS, through the proxy of the environment if there is one.
    Network,
    /// To this machine; never through a proxy, which would see the token in the clear.
    Loopback,
}

impl Address {
    /// Takes `https://host[:port][/prefix]`, or plain http where the host is this machine.
    ///
    /// Link-local addresses are refused because instance metadata services live there. A name that resolves to one
    /// gains nothing: it would have to show a certificate for that name before it is sent a token.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| "not an address".to_owned())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("credentials do not belong in an address".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("ends before `?` and `#`".to_owned());
        }
        let host = url.host_str().unwrap_or_default();
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        if ip.is_some_and(is_link_local) || host.eq_ignore_ascii_case("metadata.google.internal") {
            return Err("link-local and metadata addresses are refused".to_owned());
        }
        let loopback = host == "localhost" || ip.is_some_and(|ip| ip.to_canonical().is_loopback());
        let reach = match (url.scheme(), loopback) {
            ("https", false) => Reach::Network,
            ("https" | "http", true) => Reach::Loopback,
            ("http", false) => return Err("must be https; plain http is for loopback".to_owned()),
            _ => return Err("must be https".to_owned()),
        };
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            reach,
        })
    }

    pub(super) fn reach(&self) -> Reach {
        self.reach
    }

    /// The whole address, or `None` where the path could lead somewhere else than it says.
    pub(super) fn join(&self, path: &str, query: &[(String, String)]) -> Option<Url> {
        if !is_plain_path(path) {
            return None;
        }
        let mut text = format!("{}{path}", self.base);
        for (number, (key, value)) in query.iter().enumerate() {
            let mark = if number == 0 { '?' } else { '&' };
            text.push(mark);
            text.push_str(&segment(key));
            text.push('=');
            text.push_str(&segment(value));
        }
        Url::parse(&text).ok()
    }
}

/// Whether rotakey may send a token to this address; else why not, as a fragment.
pub fn check_address(text: &str) -> Result<(), String> {
    Address::parse(text).map(drop)
}

/// Text made safe as one part of a path: everything but letters, digits, `-`, `.`, `_` and `~` is percent-encoded.
pub fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// A project named `..` must not turn a call for one project into a call for all of them.
fn is_plain_path(path: &str) -> bool {
    let Some(parts) = path.strip_prefix('/') else {
        return false;
    };
    parts
        .split('/')
        .all(|part| !part.is_empty() && !is_dots(part) && part.bytes().all(is_path_byte))
}

/// Parsers of addresses take `%2e` for a dot when they resolve `..`.
fn is_dots(part: &str) -> bool {
    matches!(
        part.to_ascii_lowercase().replace("%2e", ".").as_str(),
        "." | ".."
    )
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\' | b'"' | b'<' | b'>')
}

fn is_link_local(ip: IpAddr) -> bool {
    const AWS_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    const ALIBABA_METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified() || v4 == ALIBABA_METADATA,
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6 == AWS_METADATA,
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Reach, segment};

    fn refused(text: &str) -> String {
        Address::parse(text).err().unwrap_or_default()
    }

    #[test]
    fn only_tls_leaves_the_machine() {
        assert_eq!(
            refused("http://api.vercel.com"),
            "must be https; plain http is for loopback"
        );
        assert_eq!(refused("ftp://api.vercel.com"), "must be https");
        assert_eq!(refused("api.vercel.com"), "not an address");
        for (text, reach) in [
            ("https://api.vercel.com", Reach::Network),
            ("https://10.0.0.7:8443/gateway", Reach::Network),
            ("http://127.0.0.1:4000", Reach::Loopback),
            ("http://localhost:4000", Reach::Loopback),
            ("http://[::1]:4000", Reach::Loopback),
        ] {
            let address = Address::parse(text).ok();
            assert_eq!(address.map(|a| a.reach()), Some(reach), "{text}");
        }
    }

    #[test]
    fn addresses_with_credentials_or_a_query_are_refused() {
        assert_eq!(
            refused("https://user:pass@api.vercel.com"),
            "credentials do not belong in an address"
        );
        assert_eq!(
            refused("https://api.vercel.com/?a=b"),
            "ends before `?` and `#`"
        );
    }

    #[test]
    fn metadata_services_are_refused() {
        for text in [
            "https://169.254.169.254",
            "https://2852039166",
            "https://[fe80::1]",
            "https://[::ffff:169.254.169.254]",
            "https://[fd00:ec2::254]",
            "https://100.100.100.200",
            "https://0.0.0.0",
            "https://metadata.google.internal",
        ] {
            assert_eq!(
                refused(text),
                "link-local and metadata addresses are refused",
                "{text}"
            );
        }
    }

    #[test]
    fn a_path_goes_where_it_says() {
        let address = Address::parse("https://api.render.com/v1/").expect("a good address");
        let url = address.join(
            "/services/srv-1/env-vars/A%20B",
            &[("cursor".to_owned(), "a&b=c".to_owned())],
        );
        assert_eq!(
            url.map(String::from).as_deref(),
            Some("https://api.render.com/v1/services/srv-1/env-vars/A%20B?cursor=a%26b%3Dc")
        );
        for path in [
            "services",
            "/services//deploys",
            "/services/../users",
            "/services/%2e%2E/users",
            "/services/./x",
            "/a?b=c",
            "/a#b",
            "/a\\b",
            "/a b",
            "/ä",
        ] {
            assert!(address.join(path, &[]).is_none(), "{path}");
        }
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(segment("a/b?c#d%2e\u{e4}"), "a%2Fb%3Fc%23d%252e%C3%A4");
    }
}
