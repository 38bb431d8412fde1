//! The endpoints of Render that are simulated, and their labels in the log.

use super::super::router::Route;
use super::{deploys, env, groups, services};

pub(in super::super) const ROUTES: &[Route] = &[
    Route("GET", "/v1/users", "render.user", services::user),
    Route("GET", "/v1/owners", "render.owners", services::owners),
    Route(
        "GET",
        "/v1/services",
        "render.list_services",
        services::list,
    ),
    Route("GET", "/v1/services/{}", "render.service", services::read),
    Route(
        "GET",
        "/v1/services/{}/instances",
        "render.instances",
        services::instances,
    ),
    Route(
        "GET",
        "/v1/services/{}/env-vars",
        "render.list_env",
        env::list,
    ),
    Route(
        "PUT",
        "/v1/services/{}/env-vars",
        "render.replace_all_env",
        env::replace_all,
    ),
    Route(
        "GET",
        "/v1/services/{}/env-vars/{}",
        "render.read_env",
        env::read,
    ),
    Route(
        "PUT",
        "/v1/services/{}/env-vars/{}",
        "render.put_env",
        env::put,
    ),
    Route(
        "DELETE",
        "/v1/services/{}/env-vars/{}",
        "render.delete_env",
        env::delete,
    ),
    Route("GET", "/v1/env-groups", "render.list_groups", groups::list),
    Route("GET", "/v1/env-groups/{}", "render.group", groups::read),
    Route(
        "GET",
        "/v1/env-groups/{}/env-vars/{}",
        "render.read_group_env",
        groups::read_variable,
    ),
    Route(
        "PUT",
        "/v1/env-groups/{}/env-vars/{}",
        "render.put_group_env",
        groups::put_variable,
    ),
    Route(
        "POST",
        "/v1/services/{}/deploys",
        "render.deploy",
        deploys::create,
    ),
    Route(
        "GET",
        "/v1/services/{}/deploys",
        "render.list_deploys",
        deploys::list,
    ),
    Route(
        "GET",
        "/v1/services/{}/deploys/{}",
        "render.deploy_status",
        deploys::read,
    ),
    Route(
        "POST",
        "/v1/services/{}/deploys/{}/cancel",
        "render.cancel",
        deploys::cancel,
    ),
    Route(
        "POST",
        "/v1/services/{}/rollback",
        "render.rollback",
        deploys::rollback,
    ),
    Route(
        "POST",
        "/v1/services/{}/restart",
        "render.restart",
        services::restart,
    ),
];
