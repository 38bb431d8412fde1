//! The endpoints of Stripe that are simulated, and their labels in the log.

use super::super::router::Route;
use super::{keys, webhooks};

pub(in super::super) const ROUTES: &[Route] = &[
    Route("GET", "/v1/balance", "stripe.balance", keys::balance),
    Route(
        "GET",
        "/v1/webhook_endpoints",
        "stripe.list_endpoints",
        webhooks::list,
    ),
    Route(
        "POST",
        "/v1/webhook_endpoints",
        "stripe.create_endpoint",
        webhooks::create,
    ),
    Route(
        "GET",
        "/v1/webhook_endpoints/{}",
        "stripe.endpoint",
        webhooks::read,
    ),
    Route(
        "DELETE",
        "/v1/webhook_endpoints/{}",
        "stripe.delete_endpoint",
        webhooks::delete,
    ),
];
