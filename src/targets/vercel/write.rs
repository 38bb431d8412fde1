//! Changing one row: by its id, its value only.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::rows::Scope;
use super::wire::Millis;
use super::{Vercel, codes};
use crate::http::Reply;
use crate::model::{Effect, Fault, FaultKind, SecretValue};
use crate::targets::{Marker, Site, Stored, Written};

impl Vercel {
    pub(super) fn write_row(
        &self,
        project: &str,
        scope: &str,
        site: &Site,
        value: &SecretValue,
    ) -> Effect<Written> {
        if site.stored == Stored::Absent {
            return self.create(project, scope, value);
        }
        let rows = match self.account.rows(&self.account.newest_listing(), project) {
            Ok(rows) => rows,
            Err(fault) => return Effect::NotDone(fault),
        };
        let row = rows.iter().find(|row| {
            row.key == self.config.variable.as_str() && Scope::of(row).as_id() == scope
        });
        match row {
            Some(row) => self.account.set_row(project, &row.id, value).read(written),
            None => Effect::NotDone(Fault::missing("the variable is gone")),
        }
    }

    /// A variable nobody has chosen a type for becomes write-only where Vercel allows that, as its own command line does.
    fn create(&self, project: &str, scope: &str, value: &SecretValue) -> Effect<Written> {
        let (environment, branch) = match scope.split_once('#') {
            Some((environment, branch)) => (environment, Some(branch)),
            None => (scope, None),
        };
        let kind = if environment == "development" {
            "encrypted"
        } else {
            "sensitive"
        };
        let mut body = json!({
            "key": self.config.variable.as_str(),
            "value": value.expose(),
            "type": kind,
        });
        if ["production", "preview", "development"].contains(&environment) {
            body["target"] = json!([environment]);
        } else {
            body["customEnvironmentIds"] = json!([environment]);
        }
        if let Some(branch) = branch {
            body["gitBranch"] = json!(branch);
        }
        refused_inside(self.account.create_row(project, &body)).read(|(reply, body)| {
            let made = match &body["created"] {
                Value::Array(rows) => rows.first().cloned().unwrap_or_default(),
                row => row.clone(),
            };
            Ok(dated(&reply, &made))
        })
    }

    pub(super) fn write_shared(&self, row: &str, value: &SecretValue) -> Effect<Written> {
        refused_inside(self.account.set_shared(row, value)).read(|(reply, body)| {
            let updated = body["updated"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|one| one["id"] == row);
            match updated {
                Some(updated) => Ok(dated(&reply, updated)),
                None => Err(Fault::passing("the answer does not say what was stored")),
            }
        })
    }
}

/// The time and the marker of the change, from the row as it came back.
fn written(reply: Reply) -> Result<Written, Fault> {
    let row = reply.json()?;
    Ok(dated(&reply, &row))
}

fn dated(reply: &Reply, row: &Value) -> Written {
    let updated: Option<Millis> = serde_json::from_value(row["updatedAt"].clone()).ok();
    Written {
        // The header knows seconds only; the next one is surely after the write.
        at: updated
            .and_then(Millis::instant)
            .or(reply.date.map(|date| date + TimeDelta::seconds(1))),
        marker: updated.map(|updated| Marker(updated.marker())),
    }
}

/// A status of success may carry a list of what was not stored.
fn refused_inside(effect: Effect<Reply>) -> Effect<(Reply, Value)> {
    match effect.read(|reply| reply.json().map(|body| (reply, body))) {
        Effect::Done((reply, body)) => match codes::failed(&body) {
            Some(known) => {
                let mut fault = Fault::refused(format!("{} (HTTP {})", known.what, reply.status));
                fault.hint = known.hint.map(str::to_owned);
                fault.kind = known.kind.unwrap_or(FaultKind::Refused);
                Effect::NotDone(fault)
            }
            None => Effect::Done((reply, body)),
        },
        other => other,
    }
}
