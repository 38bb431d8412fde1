//! The endpoints of OpenAI that are simulated, and their labels in the log.

use super::super::router::Route;
use super::{accounts, keys};

pub(in super::super) const ROUTES: &[Route] = &[
    Route("GET", "/v1/models", "openai.models", keys::models),
    Route(
        "GET",
        "/v1/organization/projects/{}",
        "openai.project",
        accounts::project,
    ),
    Route(
        "GET",
        "/v1/organization/projects/{}/service_accounts",
        "openai.list_accounts",
        accounts::list,
    ),
    Route(
        "POST",
        "/v1/organization/projects/{}/service_accounts",
        "openai.create_account",
        accounts::create,
    ),
    Route(
        "GET",
        "/v1/organization/projects/{}/service_accounts/{}",
        "openai.account",
        accounts::read,
    ),
    Route(
        "DELETE",
        "/v1/organization/projects/{}/service_accounts/{}",
        "openai.delete_account",
        accounts::delete,
    ),
    Route(
        "POST",
        "/v1/organization/projects/{}/service_accounts/{}/api_keys",
        "openai.create_key",
        keys::create,
    ),
    Route(
        "GET",
        "/v1/organization/projects/{}/api_keys",
        "openai.list_keys",
        keys::list,
    ),
    Route(
        "GET",
        "/v1/organization/projects/{}/api_keys/{}",
        "openai.key",
        keys::read,
    ),
    Route(
        "POST",
        "/v1/organization/projects/{}/api_keys/{}",
        "openai.update_key",
        keys::update,
    ),
    Route(
        "DELETE",
        "/v1/organization/projects/{}/api_keys/{}",
        "openai.delete_key",
        keys::delete,
    ),
];
