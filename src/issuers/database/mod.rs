//! What the database issuers share.

mod login;
mod place;

pub(super) use login::{Closed, PASSWORD, USER, field, login_fields, made_up};
pub(super) use place::{Place, SETTINGS, Wire};
