//! The simulated world's own tests: a test per quirk of each vendor, per fault, and for what the services notice.

mod support {
    pub(crate) mod world;
}

#[path = "quirks/client.rs"]
mod client;
#[path = "quirks/faults.rs"]
mod faults;
#[path = "quirks/openai.rs"]
mod openai;
#[path = "quirks/render/mod.rs"]
mod render;
#[path = "quirks/services.rs"]
mod services;
#[path = "quirks/vercel/mod.rs"]
mod vercel;
