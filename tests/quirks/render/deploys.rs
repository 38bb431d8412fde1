//! What a deploy runs, and whether it ever goes live.

use serde_json::{Value, json};

use super::*;
use crate::support::world::{DeployReply, Overlap, Service, Trouble};

#[test]
fn a_deploy_lives_its_life_and_both_keys_serve_while_the_old_instances_drain() {
    let (calendar, world, old) = api();
    write(&world, NEW);
    let id = deploy(&world);
    let mut seen = vec![status(&world, &id)];
    for step in [2, 2, 25, 1] {
        calendar.advance(seconds(step));
        seen.push(status(&world, &id));
    }
    assert_eq!(
        seen,
        [
            "created",
            "queued",
            "update_in_progress",
            "update_in_progress",
            "live"
        ]
    );
    assert_eq!(runs(&world), [(old, true), (NEW.to_owned(), false)]);
    let instances = || {
        render(&world)
            .get(&at(&world, "/instances"))
            .json()
            .as_array()
            .map(Vec::len)
    };
    assert_eq!(instances(), Some(2));
    calendar.advance(seconds(89));
    assert_eq!(runs(&world).len(), 2);
    calendar.advance(seconds(1));
    assert_eq!(runs(&world), [(NEW.to_owned(), false)]);
    assert_eq!(instances(), Some(1));
    let listed = render(&world).get(&at(&world, "/deploys")).json();
    let statuses: Vec<_> = (0..2)
        .map(|number| listed[number]["deploy"]["status"].clone())
        .collect();
    assert_eq!(statuses, ["live", "deactivated"]);
}

#[test]
fn the_default_mode_builds_the_newest_commit() {
    let (calendar, world, _) = api();
    world.change_service("api", |service| service.newest_commit = "unreviewed".into());
    let id = deploy(&world);
    calendar.advance(seconds(30));
    assert_eq!(
        (status(&world, &id), world.violations()),
        ("live".to_owned(), vec![])
    );
    let made = render(&world)
        .post(&at(&world, "/deploys"), &json!({}))
        .json();
    assert_eq!(made["commit"]["id"], "unreviewed");
    assert_eq!(world.violations()[0].rule, "deploys code nobody asked for");
    calendar.advance(seconds(30));
    assert_eq!(
        status(&world, made["id"].as_str().expect("an id")),
        "build_in_progress"
    );
    calendar.advance(seconds(60));
    assert_eq!(status(&world, made["id"].as_str().expect("an id")), "live");
}

#[test]
fn deploy_only_goes_with_no_other_field_and_a_body_is_required() {
    let (_, world, _) = api();
    let mixed = json!({"deployMode": "deploy_only", "commitId": "c"});
    assert_eq!(
        render(&world).post(&at(&world, "/deploys"), &mixed).status,
        400
    );
    assert_eq!(
        render(&world)
            .post(&at(&world, "/deploys"), &Value::Null)
            .status,
        400
    );
}

#[test]
fn a_deploy_may_be_accepted_without_a_body() {
    let (_, world, _) = api();
    world.set(|settings| settings.render_reply = DeployReply::Accepted);
    let reply = render(&world).post(
        &at(&world, "/deploys"),
        &json!({"deployMode": "deploy_only"}),
    );
    assert_eq!((reply.status, reply.body.as_str()), (202, ""));
    let listed = render(&world).get(&at(
        &world,
        "/deploys?status=created&createdAfter=2024-01-19T08:59:59Z",
    ));
    assert_eq!(listed.json().as_array().map(Vec::len), Some(1));
}

#[test]
fn a_failed_deploy_leaves_the_old_one_live() {
    let (calendar, world, old) = api();
    world.change_service("api", |service| {
        service.next_trouble = Some(Trouble::UpdateFails)
    });
    write(&world, NEW);
    let (failed, good) = (deploy(&world), deploy(&world));
    calendar.advance(seconds(30));
    assert_eq!(status(&world, &failed), "update_failed");
    assert_eq!(runs(&world), [(old, false)]);
    calendar.advance(seconds(30));
    assert_eq!(status(&world, &good), "live");
}

#[test]
fn deploys_that_overlap_wait_or_override() {
    let (calendar, world, _) = api();
    let ids = [deploy(&world), deploy(&world), deploy(&world)];
    assert_eq!(
        ids.each_ref().map(|id| status(&world, id)),
        ["created", "canceled", "created"]
    );
    calendar.advance(seconds(30));
    assert_eq!(
        ids.each_ref().map(|id| status(&world, id)),
        ["live", "canceled", "queued"]
    );
    calendar.advance(seconds(30));
    assert_eq!(
        ids.each_ref().map(|id| status(&world, id)),
        ["deactivated", "canceled", "live"]
    );
    world.set(|settings| settings.render_overlap = Overlap::Override);
    let ids = [deploy(&world), deploy(&world)];
    assert_eq!(
        ids.each_ref().map(|id| status(&world, id)),
        ["canceled", "created"]
    );
}

#[test]
fn a_cancelled_deploy_never_goes_live() {
    let (calendar, world, old) = api();
    write(&world, NEW);
    let id = deploy(&world);
    let cancel = || render(&world).post(&at(&world, &format!("/deploys/{id}/cancel")), &json!({}));
    assert_eq!(cancel().json()["status"], "canceled");
    calendar.advance(seconds(60));
    assert_eq!(runs(&world), [(old, false)]);
    assert_eq!(cancel().status, 400);
}

#[test]
fn a_rollback_is_a_new_deploy_that_runs_the_old_variables_and_leaves_the_stored_ones() {
    let (calendar, world, old) = api();
    let first = render(&world).get(&at(&world, "/deploys")).json()[0]["deploy"]["id"].clone();
    write(&world, NEW);
    deploy(&world);
    calendar.advance(seconds(200));
    let reply = render(&world).post(&at(&world, "/rollback"), &json!({"deployId": first}));
    assert_eq!(
        (reply.status, &reply.json()["trigger"]),
        (201, &json!("rollback"))
    );
    assert_ne!(reply.json()["id"], first);
    calendar.advance(seconds(30));
    assert_eq!(runs(&world), [(NEW.to_owned(), true), (old, false)]);
    assert_eq!(world.stored()[1].value, NEW);
}

#[test]
fn a_rollback_keeps_the_present_values_of_groups() {
    let (calendar, world, key) = still_world();
    world.add_group("common", &[(KEY, &key.value)]);
    world.add_service(Service::named("api").group("common"));
    let group = render(&world).get("/env-groups").json()[0]["id"].clone();
    let path = format!(
        "/env-groups/{}/env-vars/{KEY}",
        group.as_str().expect("an id")
    );
    render(&world).put(&path, &json!({"value": NEW}));
    let first = render(&world).get(&at(&world, "/deploys")).json()[0]["deploy"]["id"].clone();
    deploy(&world);
    calendar.advance(seconds(200));
    render(&world).post(&at(&world, "/rollback"), &json!({"deployId": first}));
    calendar.advance(seconds(200));
    assert_eq!(runs(&world), [(NEW.to_owned(), false)]);
}
