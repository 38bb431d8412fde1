//! What was agreed for a secret: how often, with how much notice, how long the old key lives on.

use super::{Schedule, Span, StageName};

/// How one secret is rotated.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What people call the secret: `OpenAI API`.
    pub title: String,
    /// How often.
    pub every: Schedule,
    /// How long before the due date people are told.
    pub warn: Span,
    /// How long the old version works on after the new one is promoted.
    pub grace: Span,
    /// How far one `skip` postpones when it says nothing else.
    pub skip: Span,
    /// The age no `skip` may push a version beyond.
    pub max_age: Option<Span>,
    /// The order in which sites get the new version. Empty: all at once.
    pub stages: Vec<StageName>,
    /// How long a confirmed stage runs before the next one starts.
    pub soak: Span,
    /// How long a service may take to come up with the new version before the rotation is undone.
    pub confirm_timeout: Span,
    /// Who answers for the secret.
    pub owner: Option<String>,
    /// What the secret is for.
    pub purpose: Option<String>,
}

impl Policy {
    /// A policy of the shipped defaults: 7 days' notice, 24 hours of grace, a skip of 30 days.
    pub fn new(title: impl Into<String>, every: Schedule) -> Self {
        Self {
            title: title.into(),
            every,
            warn: Self::WARN,
            grace: Self::GRACE,
            skip: Self::SKIP,
            max_age: None,
            stages: Vec::new(),
            soak: Span::ZERO,
            confirm_timeout: Self::CONFIRM_TIMEOUT,
            owner: None,
            purpose: None,
        }
    }

    /// How long before the due date people are told, unless it is said otherwise.
    pub const WARN: Span = Span::days(7);
    /// The grace, unless it is said otherwise.
    pub const GRACE: Span = Span::hours(24);
    /// What `skip` postpones by, unless it is said otherwise.
    pub const SKIP: Span = Span::days(30);
    /// How long `confirm` waits for a service, unless it is said otherwise.
    pub const CONFIRM_TIMEOUT: Span = Span::minutes(15);
}
