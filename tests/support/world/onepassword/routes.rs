//! The endpoints of a Connect server that are simulated, and their labels in the log.

use super::super::router::Route;
use super::items;

pub(in super::super) const ROUTES: &[Route] = &[
    Route("GET", "/v1/vaults", "onepassword.vaults", items::vaults),
    Route(
        "GET",
        "/v1/vaults/{}/items",
        "onepassword.list_items",
        items::list,
    ),
    Route(
        "GET",
        "/v1/vaults/{}/items/{}",
        "onepassword.item",
        items::read,
    ),
    Route(
        "PATCH",
        "/v1/vaults/{}/items/{}",
        "onepassword.patch_item",
        items::patch,
    ),
    Route(
        "PUT",
        "/v1/vaults/{}/items/{}",
        "onepassword.put_item",
        items::replace,
    ),
];
