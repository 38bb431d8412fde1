//! What is wanted for one secret, apart from who makes it and where it goes.

use super::{Schedule, Span, StageName};

/// When a secret is rotated and how patiently.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What people call it: `OpenAI API`.
    pub title: String,
    /// How often.
    pub every: Schedule,
    /// How long before the due date people are warned.
    pub warn: Span,
    /// How long the old version keeps working after the promotion.
    pub grace: Span,
    /// How far one `skip` postpones.
    pub skip: Span,
    /// How old a version may become however often it is postponed. `None`: no limit.
    pub max_age: Option<Span>,
    /// The order of delivery. Destinations without a stage come last.
    pub stages: Vec<StageName>,
    /// How long a confirmed stage is watched before the next one starts.
    pub soak: Span,
    /// How long a redeploy may take before it counts as failed.
    pub confirm_timeout: Span,
}
