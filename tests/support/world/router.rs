//! Finds the handler of a request in a vendor's table of endpoints. The tables read like the vendor's reference page.

use super::message::{Reply, Request, decode};
use super::state::State;

/// An endpoint's behaviour. `Err` is a refusal; nothing has changed then.
pub(super) type Handler = fn(&mut State, &Request, &[String]) -> Result<Reply, Reply>;

/// Method, path pattern (`{}` is one segment), label in the log, handler.
pub(super) struct Route(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) Handler,
);

/// A matched endpoint with the decoded values of its `{}`.
pub(super) struct Found {
    pub(super) label: &'static str,
    pub(super) handler: Handler,
    pub(super) arguments: Vec<String>,
}

pub(super) fn find(routes: &'static [Route], request: &Request) -> Option<Found> {
    routes
        .iter()
        .filter(|Route(method, ..)| *method == request.method)
        .find_map(|Route(_, pattern, label, handler)| {
            Some(Found {
                label,
                handler: *handler,
                arguments: fit(pattern, &request.path)?,
            })
        })
}

fn fit(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut arguments = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(arguments),
            (Some("{}"), Some(segment)) if !segment.is_empty() => arguments.push(decode(segment)),
            (Some(want), Some(segment)) if want == segment => {}
            _ => return None,
        }
    }
}
