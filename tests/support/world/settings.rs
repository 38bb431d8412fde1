//! The knobs of the world. Their defaults are the vendors' documented behaviour at its most convenient.

use std::time::Duration;

use chrono::TimeDelta;

/// Which of OpenAI's two published behaviours for keys of service accounts is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenAiEra {
    /// A service account has many keys, each created and deleted by itself.
    ManyKeys,
    /// A service account has the one key it was made with; that key cannot be deleted alone.
    OneKey,
}

/// The form of `pagination.next` in Vercel's list of projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paging {
    Token,
    Number,
}

/// What Render says to a new deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeployReply {
    /// 201 with the deploy.
    Created,
    /// 202 without a body.
    Accepted,
}

/// What Render does with a deploy that is asked for while another is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// It waits; of several that wait only the newest is carried out.
    Wait,
    /// The one under way is cancelled.
    Override,
}

/// Whether changing an environment group deploys its services by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupWrite {
    StoresOnly,
    /// Every linked service with autodeploy on.
    Deploys,
}

/// Everything adjustable that belongs to no single project or service.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Real time that each vendor call takes, spent outside the lock.
    pub(crate) latency: Duration,
    /// Calendar time that passes with each vendor call, so that no two calls share an instant.
    pub(crate) request_takes: TimeDelta,
    pub(crate) openai_era: OpenAiEra,
    /// How long a new OpenAI key is refused.
    pub(crate) created_key_lag: TimeDelta,
    /// How long a deleted OpenAI key is accepted.
    pub(crate) deleted_key_lag: TimeDelta,
    /// How long Stripe accepts a key after a person expired it. Nothing is published; some minutes were seen.
    pub(crate) expired_key_lag: TimeDelta,
    /// How long GitHub accepts a token after it was revoked. Nothing is published.
    pub(crate) revoked_token_lag: TimeDelta,
    pub(crate) vercel_paging: Paging,
    /// From the creation of a Vercel deployment to `READY` (or `ERROR`).
    pub(crate) vercel_build: TimeDelta,
    /// From there, or from a promotion, to the alias.
    pub(crate) vercel_alias: TimeDelta,
    /// From the creation of a Render deploy to `live`, when nothing is built.
    pub(crate) render_deploy: TimeDelta,
    /// What a build adds to that.
    pub(crate) render_build: TimeDelta,
    /// From `live` to the end of the instances that were replaced: 60 s until SIGTERM and 30 s to shut down.
    pub(crate) render_drain: TimeDelta,
    pub(crate) render_reply: DeployReply,
    pub(crate) render_overlap: Overlap,
    pub(crate) render_group_write: GroupWrite,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            request_takes: TimeDelta::milliseconds(1),
            openai_era: OpenAiEra::ManyKeys,
            created_key_lag: TimeDelta::zero(),
            deleted_key_lag: TimeDelta::zero(),
            expired_key_lag: TimeDelta::zero(),
            revoked_token_lag: TimeDelta::zero(),
            vercel_paging: Paging::Token,
            vercel_build: TimeDelta::seconds(40),
            vercel_alias: TimeDelta::seconds(2),
            render_deploy: TimeDelta::seconds(30),
            render_build: TimeDelta::seconds(60),
            render_drain: TimeDelta::seconds(90),
            render_reply: DeployReply::Created,
            render_overlap: Overlap::Wait,
            render_group_write: GroupWrite::StoresOnly,
        }
    }
}
