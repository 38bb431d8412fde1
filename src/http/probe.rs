//! One plain question to a service of the user's: which status does it answer with?

use chrono::TimeDelta;
use reqwest::Url;

use super::address::{Address, Reach};
use super::answer::{Try, broken};
use super::{HiddenUrl, client};
use crate::model::Fault;

/// Checks an address that [`probe`] will ask, with path and query: the rules for hosts are those of [`super::Endpoint`].
pub fn check_probe(url: &str) -> Result<(), String> {
    parse(url).map(|_| ())
}

/// Sends one `GET` without any credential and says which status came back. Reads no body, follows no redirect, tries
/// once.
pub fn probe(url: &str, deadline: TimeDelta) -> Result<u16, Fault> {
    let (url, reach) = parse(url).map_err(Fault::refused)?;
    ask(url, reach, deadline)
}

/// The same for an address that is a secret.
pub fn ping(url: &HiddenUrl, deadline: TimeDelta) -> Result<u16, Fault> {
    ask(url.whole().clone(), url.reach(), deadline)
}

fn ask(url: Url, reach: Reach, deadline: TimeDelta) -> Result<u16, Fault> {
    let request = client::shared(reach)?
        .get(url)
        .timeout(deadline.to_std().unwrap_or_default());
    match request.send() {
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) => match broken(&error, "it", deadline.num_seconds()) {
            Try::No(fault)
            | Try::Later(fault, _)
            | Try::Unclear(fault, _)
            | Try::UnclearForGood(fault) => Err(fault),
            Try::Good(_) => Err(Fault::passing("no answer")),
        },
    }
}

fn parse(text: &str) -> Result<(Url, Reach), String> {
    let url = Url::parse(text).map_err(|_| "not an address".to_owned())?;
    let mut base = url.clone();
    base.set_path("/");
    base.set_query(None);
    base.set_fragment(None);
    Ok((url, Address::parse(base.as_str())?.reach()))
}
