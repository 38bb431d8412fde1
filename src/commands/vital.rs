//! Signs of life around a run: a heartbeat at its beginning and its end, and the metrics it leaves. Silence is an alarm,
//! so both happen also when nothing was due; neither ever fails a run.

use chrono::TimeDelta;

use crate::error::Result;
use crate::exit::Exit;
use crate::http::{self, HiddenUrl};
use crate::model::Fault;
use crate::run::Run;

use super::joined::Joined;
use super::metrics;

/// One try takes no longer. There are two.
const DEADLINE: TimeDelta = TimeDelta::seconds(5);

/// Does it, and lets those know who listen for silence.
pub(super) fn around(
    run: &mut Run,
    joined: &Joined,
    verb: &'static str,
    act: impl FnOnce(&mut Run) -> Result<Exit>,
) -> Result<Exit> {
    beat(run, joined, Some("start"));
    let result = act(run);
    let exit = result
        .as_ref()
        .map_or_else(|error| error.exit(), |exit| *exit);
    let exit = run.so_far(exit);
    metrics::write(run, joined, verb, exit);
    let part = match exit {
        // That something is due is an answer, not a failure.
        Exit::Done | Exit::Due => None,
        exit => Some(exit.code().to_string()),
    };
    beat(run, joined, part.as_deref());
    result
}

/// Calls the address as healthchecks.io has it: `/start`, nothing for success, `/<exit code>`. The address is a secret.
fn beat(run: &mut Run, joined: &Joined, part: Option<&str>) {
    let Some(url) = &joined.hearing.heartbeat else {
        return;
    };
    let call = || -> Result<(), Fault> {
        let url = HiddenUrl::parse(url.value()?.expose())
            .map_err(|why| Fault::refused(format!("{}: {why}", url.source())))?;
        let url = part.map_or(url.clone(), |part| url.child(part));
        let status = http::ping(&url, DEADLINE).or_else(|_| http::ping(&url, DEADLINE))?;
        match status {
            200..300 => Ok(()),
            status => Err(Fault::refused(format!("answered with HTTP {status}"))),
        }
    };
    if let Err(fault) = call() {
        run.ui.insist(&format!("warning: heartbeat: {fault}"));
    }
}
