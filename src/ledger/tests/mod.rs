//! What must hold of a ledger as a whole: how it is damaged, replaced, interrupted and shared.

mod circle;
mod claim;
mod crash;
mod damage;
mod history;
mod outbox;
mod stores;
