//! The reqwest clients of the process, built when the first request is sent.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::blocking::{Client, ClientBuilder};
use reqwest::{Certificate, redirect, retry};

use super::address::Reach;
use crate::model::Fault;

const CONNECT: Duration = Duration::from_secs(10);

/// Shorter than the idle time of the load balancers in front of the vendors (60 s is common): a request written to a
/// connection that the other side is closing is a lost reply, and a lost reply to a create costs a person's attention.
const IDLE: Duration = Duration::from_secs(15);

/// The client for that reach; the same one for all accounts, so that connections are shared.
pub(super) fn shared(reach: Reach) -> Result<&'static Client, Fault> {
    static NETWORK: OnceLock<Result<Client, Fault>> = OnceLock::new();
    static LOOPBACK: OnceLock<Result<Client, Fault>> = OnceLock::new();
    let built = match reach {
        Reach::Network => NETWORK.get_or_init(build_network),
        Reach::Loopback => LOOPBACK.get_or_init(build_loopback),
    };
    built.as_ref().map_err(Clone::clone)
}

fn builder() -> ClientBuilder {
    // Somebody else in the process may have chosen a provider already; then theirs stays.
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder()
        .user_agent(concat!("rotakey/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        // Retries are decided by `call`, which knows what may be repeated.
        .retry(retry::never())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
}

/// Trusts what the machine trusts. A machine that trusts nobody (a container without `ca-certificates`) gets
/// Mozilla's roots, unless its owner named a bundle: then an unusable bundle is an error, not a reason to trust more.
fn build_network() -> Result<Client, Fault> {
    let own = builder().https_only(true).build();
    let own_bundle =
        std::env::var_os("SSL_CERT_FILE").is_some() || std::env::var_os("SSL_CERT_DIR").is_some();
    match own {
        Ok(client) => Ok(client),
        Err(_) if own_bundle => Err(Fault::refused(
            "the certificates named by SSL_CERT_FILE or SSL_CERT_DIR cannot be used",
        )
        .hint("let SSL_CERT_FILE name a readable PEM bundle, or unset it")),
        Err(_) => builder()
            .https_only(true)
            .tls_certs_only(mozilla_roots())
            .build()
            .map_err(|_| no_client()),
    }
}

fn build_loopback() -> Result<Client, Fault> {
    builder()
        .no_proxy()
        .build()
        .or_else(|_| builder().no_proxy().tls_certs_only(mozilla_roots()).build())
        .map_err(|_| no_client())
}

fn mozilla_roots() -> impl Iterator<Item = Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok())
}

fn no_client() -> Fault {
    Fault::refused("TLS cannot be set up on this machine")
        .hint("install the package `ca-certificates`")
}
