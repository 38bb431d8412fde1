//! The endpoints of Vercel that are simulated, and their labels in the log.

use super::super::router::Route;
use super::{deployments, env, projects, releases, shared, show};

pub(in super::super) const ROUTES: &[Route] = &[
    Route("GET", "/v2/user", "vercel.user", projects::user),
    Route("GET", "/v2/teams", "vercel.teams", projects::teams),
    Route(
        "GET",
        "/v10/projects",
        "vercel.list_projects",
        projects::list,
    ),
    Route("GET", "/v9/projects/{}", "vercel.project", projects::read),
    Route(
        "GET",
        "/v9/projects/{}/custom-environments",
        "vercel.custom_environments",
        projects::custom_environments,
    ),
    Route(
        "GET",
        "/v1/projects/{}/rolling-release",
        "vercel.rolling_release",
        projects::rolling_release,
    ),
    Route("GET", "/v10/projects/{}/env", "vercel.list_env", env::list),
    Route(
        "POST",
        "/v10/projects/{}/env",
        "vercel.create_env",
        env::create,
    ),
    Route(
        "GET",
        "/v1/projects/{}/env/{}",
        "vercel.read_env",
        env::read,
    ),
    Route(
        "PATCH",
        "/v9/projects/{}/env/{}",
        "vercel.patch_env",
        env::patch,
    ),
    Route(
        "PATCH",
        "/v10/projects/{}/env/{}",
        "vercel.patch_env",
        env::patch,
    ),
    Route(
        "DELETE",
        "/v9/projects/{}/env/{}",
        "vercel.delete_env",
        env::delete,
    ),
    Route("GET", "/v1/env", "vercel.list_shared", shared::list),
    Route("PATCH", "/v1/env", "vercel.patch_shared", shared::patch),
    Route("GET", "/v1/env/{}", "vercel.read_shared", shared::read),
    Route(
        "GET",
        "/v6/deployments",
        "vercel.list_deployments",
        show::list,
    ),
    Route(
        "GET",
        "/v7/deployments",
        "vercel.list_deployments",
        show::list,
    ),
    Route(
        "POST",
        "/v13/deployments",
        "vercel.redeploy",
        deployments::create,
    ),
    Route(
        "GET",
        "/v13/deployments/{}",
        "vercel.deployment",
        deployments::read,
    ),
    Route(
        "PATCH",
        "/v12/deployments/{}/cancel",
        "vercel.cancel",
        deployments::cancel,
    ),
    Route(
        "POST",
        "/v10/projects/{}/promote/{}",
        "vercel.promote",
        releases::promote,
    ),
    Route(
        "GET",
        "/v1/projects/{}/promote/aliases",
        "vercel.promote_aliases",
        releases::aliases,
    ),
    Route(
        "POST",
        "/v1/projects/{}/rollback/{}",
        "vercel.rollback",
        releases::rollback,
    ),
    Route(
        "POST",
        "/v9/projects/{}/rollback/{}",
        "vercel.rollback",
        releases::rollback,
    ),
];
