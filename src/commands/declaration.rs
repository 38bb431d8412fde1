//! What the configuration says, as the audit log keeps it: enough to tell later whose a key was and when it was due.

use crate::ledger::{Declaration, Facts, Running};
use crate::model::sanitise;
use crate::rotation::Secret;

use super::joined::{About, Joined};

/// The whole configuration of that run.
pub(super) fn of(joined: &Joined) -> Declaration {
    let facts = |secret: &Secret| facts(secret, &joined.about[&secret.name]);
    Declaration {
        running: Running {
            config: joined.digest().to_owned(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
        },
        secrets: joined
            .secrets
            .iter()
            .map(|(name, secret)| (name.clone(), facts(secret)))
            .collect(),
    }
}

fn facts(secret: &Secret, about: &About) -> Facts {
    let policy = &secret.policy;
    let mut facts = vec![
        ("every", policy.every.to_string()),
        ("grace", policy.grace.to_string()),
        ("issuer", secret.issuer.place()),
        ("targets", targets(secret)),
        ("title", policy.title.clone()),
    ];
    facts.extend(policy.max_age.map(|most| ("max_age", most.to_string())));
    facts.extend(about.said.facts());
    facts
        .into_iter()
        .map(|(name, fact)| (name.to_owned(), sanitise(&fact)))
        .collect()
}

fn targets(secret: &Secret) -> String {
    let labels = secret.destinations.iter();
    let labels: Vec<String> = labels.map(|place| place.target.label()).collect();
    labels.join(", ")
}
