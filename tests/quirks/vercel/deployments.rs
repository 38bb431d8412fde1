//! What a deployment runs, and whether it ever serves.

use serde_json::{Value, json};

use super::*;
use crate::support::world::Verdict;

#[test]
fn a_redeploy_takes_the_variables_of_its_creation_and_serves_after_build_and_alias() {
    let (calendar, world, old) = web();
    write(&world, "sk-new-value-000000");
    let before = production(&world);
    let id = redeploy(&world);
    write(&world, "sk-later-value-0000");
    let state = || {
        let body = deployment(&world, &id);
        (
            body["readyState"].as_str().map(str::to_owned),
            body["aliasAssigned"].as_bool(),
        )
    };
    let is = |word: &str, aliased| (Some(word.to_owned()), Some(aliased));
    assert_eq!(state(), is("QUEUED", false));
    calendar.advance(seconds(5));
    assert_eq!(state(), is("BUILDING", false));
    calendar.advance(seconds(35));
    assert_eq!(state(), is("READY", false));
    assert_eq!((production(&world), runs(&world)), (before, vec![old]));
    calendar.advance(seconds(2));
    assert_eq!(state(), is("READY", true));
    assert_eq!(
        (production(&world), runs(&world)),
        (id.clone(), vec!["sk-new-value-000000".to_owned()])
    );
    assert_eq!(deployment(&world, &id)["readySubstate"], "PROMOTED");
    assert_eq!(deployment(&world, &id)["env"], json!([KEY]));
    assert_eq!(world.violations(), []);
}

#[test]
fn a_redeploy_without_a_target_is_a_preview_and_without_a_name_nothing() {
    let (calendar, world, _) = web();
    let before = production(&world);
    let wish = json!({"deploymentId": before, "name": "web"});
    let made = vercel(&world)
        .post("/v13/deployments?forceNew=1", &wish)
        .json();
    assert_eq!(made["target"], Value::Null);
    calendar.advance(seconds(60));
    assert_eq!(production(&world), before);
    let nameless = json!({"deploymentId": before, "target": "production"});
    assert_eq!(
        vercel(&world).post("/v13/deployments", &nameless).status,
        400
    );
}

#[test]
fn a_redeploy_keeps_the_commit_and_repeats_make_more() {
    let (_, world, _) = web();
    let commit = deployment(&world, &production(&world))["meta"]["githubCommitSha"].clone();
    world.change_project("web", |project| project.newest_commit = "unreviewed".into());
    let (first, second) = (redeploy(&world), redeploy(&world));
    assert_ne!(first, second);
    assert_eq!(
        deployment(&world, &first)["meta"]["githubCommitSha"],
        commit
    );
    assert_eq!(world.violations(), []);
    let wish = json!({"deploymentId": first, "name": "web", "withLatestCommit": true});
    let made = vercel(&world)
        .post("/v13/deployments?forceNew=1", &wish)
        .json();
    assert_eq!(made["meta"]["githubCommitSha"], "unreviewed");
    assert_eq!(world.violations()[0].rule, "deploys code nobody asked for");
}

#[test]
fn a_deployment_can_fail_or_never_be_aliased() {
    let (calendar, world, old) = web();
    write(&world, "sk-new-value-000000");
    world.change_project("web", |project| project.next_verdict = Some(Verdict::Fails));
    let failed = redeploy(&world);
    world.change_project("web", |project| project.verdict = Verdict::NeverAliased);
    let stuck = redeploy(&world);
    calendar.advance(seconds(3600));
    assert_eq!(deployment(&world, &failed)["readyState"], "ERROR");
    assert_eq!(deployment(&world, &stuck)["readyState"], "READY");
    assert_eq!(deployment(&world, &stuck)["aliasAssigned"], false);
    assert_eq!(runs(&world), [old]);
}

#[test]
fn a_cancelled_deployment_never_serves() {
    let (calendar, world, _) = web();
    let before = production(&world);
    let id = redeploy(&world);
    let cancel = || vercel(&world).patch(&format!("/v12/deployments/{id}/cancel"), &json!({}));
    assert_eq!(cancel().json()["readyState"], "CANCELED");
    calendar.advance(seconds(60));
    assert_eq!(production(&world), before);
    assert_eq!(cancel().status, 400);
}

#[test]
fn a_rollback_is_instant_brings_the_old_key_back_and_leaves_later_deployments_staged() {
    let (calendar, world, old) = web();
    let first = production(&world);
    write(&world, "sk-new-value-000000");
    let second = redeploy(&world);
    calendar.advance(seconds(60));
    let id = project(&world)["id"].as_str().expect("an id").to_owned();
    let post = |verb: &str, to: &str| {
        vercel(&world).post(&format!("/v{verb}/{to}").replace("ID", &id), &json!({}))
    };
    assert_eq!(post("1/projects/ID/rollback", &first).status, 201);
    assert_eq!(production(&world), first);
    assert_eq!(runs(&world), [old]);
    assert_eq!(world.stored()[0].value, "sk-new-value-000000");
    assert_eq!(project(&world)["autoAssignCustomDomains"], false);
    let request = project(&world)["lastAliasRequest"].clone();
    assert_eq!(
        (&request["type"], &request["jobStatus"]),
        (&json!("rollback"), &json!("succeeded"))
    );
    assert_eq!(request["fromDeploymentId"], second);
    let third = redeploy(&world);
    calendar.advance(seconds(60));
    assert_eq!(deployment(&world, &third)["readySubstate"], "STAGED");
    assert_eq!(production(&world), first);
    assert_eq!(post("10/projects/ID/promote", &third).status, 201);
    assert_eq!(project(&world)["lastAliasRequest"]["jobStatus"], "pending");
    calendar.advance(seconds(2));
    assert_eq!(production(&world), third);
    assert_eq!(project(&world)["autoAssignCustomDomains"], true);
    assert_eq!(post("10/projects/ID/promote", &third).status, 409);
}

#[test]
fn a_staged_deployment_that_never_served_is_no_rollback_candidate() {
    let (calendar, world, _) = web();
    world.change_project("web", |project| project.auto_assign = false);
    let staged = redeploy(&world);
    calendar.advance(seconds(60));
    let path = format!("/v1/projects/web/rollback/{staged}");
    assert_eq!(vercel(&world).post(&path, &json!({})).status, 422);
}

#[test]
fn deployments_are_listed_newest_first_under_other_names() {
    let (calendar, world, _) = web();
    let first = production(&world);
    calendar.advance(seconds(10));
    let second = redeploy(&world);
    let id = project(&world)["id"].as_str().expect("an id").to_owned();
    for version in [6, 7] {
        let list = |query: &str| {
            vercel(&world)
                .get(&format!("/v{version}/deployments?projectId={id}{query}"))
                .json()
        };
        let page = list("&limit=1");
        assert_eq!(
            (
                &page["deployments"][0]["uid"],
                &page["deployments"][0]["state"]
            ),
            (&json!(second), &json!("QUEUED"))
        );
        let next = page["pagination"]["next"].as_i64().expect("a time");
        assert_eq!(next, 1_705_654_810_000);
        assert_eq!(
            list(&format!("&until={next}"))["deployments"][0]["uid"],
            first
        );
        assert_eq!(
            list("&state=READY,ERROR&target=production")["deployments"][0]["uid"],
            first
        );
    }
}

#[test]
fn a_slow_deployment_does_not_take_the_domains_from_a_newer_one() {
    let (calendar, world, _) = web();
    redeploy(&world);
    world.set(|settings| settings.vercel_build = seconds(10));
    let newer = redeploy(&world);
    calendar.advance(seconds(12));
    assert_eq!(production(&world), newer);
    calendar.advance(seconds(60));
    assert_eq!(production(&world), newer);
}
