//! The endpoints of GitHub that are simulated, and their labels in the log.

use super::super::router::Route;
use super::{deploy_keys, secrets, tokens};

pub(in super::super) const ROUTES: &[Route] = &[
    Route("GET", "/user", "github.user", tokens::user),
    Route(
        "POST",
        "/credentials/revoke",
        "github.revoke",
        tokens::revoke,
    ),
    Route(
        "GET",
        "/repos/{}/{}/keys",
        "github.list_keys",
        deploy_keys::list,
    ),
    Route(
        "POST",
        "/repos/{}/{}/keys",
        "github.create_key",
        deploy_keys::create,
    ),
    Route(
        "DELETE",
        "/repos/{}/{}/keys/{}",
        "github.delete_key",
        deploy_keys::delete,
    ),
    Route(
        "GET",
        "/repos/{}/{}/actions/secrets/public-key",
        "github.public_key",
        secrets::public_key,
    ),
    Route(
        "GET",
        "/repos/{}/{}/actions/secrets/{}",
        "github.secret",
        secrets::read,
    ),
    Route(
        "PUT",
        "/repos/{}/{}/actions/secrets/{}",
        "github.put_secret",
        secrets::write,
    ),
];
