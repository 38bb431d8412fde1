//! One suite for every kind of issuer and target: a row each, the same loops for all of them.
//!
//! A row is a scene: one secret, adopted and due, of that kind. The suite lives through it once to learn how long a good
//! life is, then again for every request on every road to the outside and every commit, with something going wrong
//! there: killed before it, after it, or while it is on its way; the request lost, the reply lost; late, twice, refused,
//! failed half-way. Cron runs again each time, people do what they are told, and all the while the invariants hold.
//!
//! A new kind: a function that builds its scene, and a line in [`rows!`].

mod calls;
mod databases;
mod files;
mod managers;
mod scene;
mod vendors;
mod wire;

use std::collections::BTreeSet;

use crate::support::mortal::Life;
use crate::support::oracle::End;
use crate::support::world::Moment;

use scene::{Conforms, Scene};

macro_rules! rows {
    ($($row:ident: $scene:path, $kinds:expr;)*) => {
        $(
            #[test]
            fn $row() {
                $scene(&mut Suite { row: stringify!($row) });
            }
        )*

        /// The kinds that some row is about.
        const COVERED: &[&[&str]] = &[$(&$kinds),*];
    };
}

rows! {
    openai: vendors::openai, ["issuer openai"];
    stripe: vendors::stripe, ["issuer stripe"];
    stripe_webhook: vendors::stripe_webhook, ["issuer stripe-webhook"];
    github: vendors::github, ["issuer github"];
    github_deploy_key_to_github_actions: vendors::deploy_key, ["issuer github-deploy-key", "target github-actions"];
    vercel: vendors::vercel, ["target vercel"];
    render: vendors::render, ["target render"];
    onepassword: vendors::onepassword, ["target onepassword"];
    onepassword_through_op: managers::op, ["target onepassword"];
    bitwarden: managers::bw, ["target bitwarden"];
    vault: vendors::vault, ["target vault"];
    generated_to_dotenv: files::dotenv, ["issuer generated", "target dotenv"];
    pass: files::pass_store, ["target pass"];
    command_issuer: calls::issuer, ["issuer command"];
    command_target: calls::target, ["target command"];
    postgres: databases::postgres, ["issuer postgres"];
    mysql: databases::mysql, ["issuer mysql"];
    redis: databases::redis, ["issuer redis"];
}

#[test]
fn every_kind_has_a_row() {
    let issuers = rotakey::issuers::KINDS.iter();
    let issuers = issuers.map(|kind| format!("issuer {}", kind.name));
    let targets = rotakey::targets::KINDS.iter();
    let targets = targets.map(|kind| format!("target {}", kind.name));
    let covered = COVERED.concat().into_iter();
    let covered: BTreeSet<String> = covered.map(str::to_owned).collect();
    assert_eq!(issuers.chain(targets).collect::<BTreeSet<_>>(), covered);
}

/// The loops of one row.
struct Suite {
    row: &'static str,
}

impl Conforms for Suite {
    fn all(&mut self, scenes: &dyn Fn() -> Scene) {
        let broken = [self.at_every_request(scenes), self.at_every_commit(scenes)].concat();
        assert!(
            broken.is_empty(),
            "{}: {} broken:\n{}",
            self.row,
            broken.len(),
            broken.join("\n")
        );
    }

    fn commits(&mut self, scenes: &dyn Fn() -> Scene) {
        let broken = self.at_every_commit(scenes);
        assert!(broken.is_empty(), "{}:\n{}", self.row, broken.join("\n"));
    }
}

impl Suite {
    /// The length of a good life: in requests on each road, and in commits.
    fn length(&self, scenes: &dyn Fn() -> Scene) -> (Vec<u64>, u64) {
        let scene = scenes();
        let before: Vec<u64> = scene
            .roads
            .iter()
            .map(|road| road.sent(&scene.sandbox))
            .collect();
        let life = Life::until(None);
        let end = scene.live_on(vec![life.clone()]);
        assert_eq!(end, Ok(End::Done), "{}: a good life", self.row);
        let after = scene.roads.iter().map(|road| road.sent(&scene.sandbox));
        let requests = after.zip(before).map(|(after, before)| after - before);
        let requests: Vec<u64> = requests.collect();
        assert!(life.commits() > 0, "{}: nothing was rotated", self.row);
        (requests, life.commits())
    }

    fn at_every_request(&self, scenes: &dyn Fn() -> Scene) -> Vec<String> {
        let (roads, _) = self.length(scenes);
        let mut broken = Vec::new();
        for (road, requests) in roads.into_iter().enumerate() {
            for n in 1..=requests {
                let scene = scenes();
                let troubles = scene.roads[road].troubles(&scene.sandbox, n);
                for trouble in troubles {
                    let scene = scenes();
                    let life = Life::until(None);
                    scene.roads[road].spoil(&scene.sandbox, n, trouble, &life);
                    let end = scene.live_on(vec![life]);
                    if let Some(why) = scene.complaint(end, trouble) {
                        broken.push(format!("road {road}, {trouble:?} at {n}: {why}"));
                    }
                }
            }
        }
        broken
    }

    fn at_every_commit(&self, scenes: &dyn Fn() -> Scene) -> Vec<String> {
        let (_, commits) = self.length(scenes);
        let mut broken = Vec::new();
        for k in 1..=commits {
            for moment in [Moment::Before, Moment::After] {
                let scene = scenes();
                let end = scene.live_on(vec![Life::until(Some((k, moment)))]);
                if end != Ok(End::Done) {
                    broken.push(format!("{moment:?} commit {k}: {end:?}"));
                }
            }
        }
        broken
    }
}
