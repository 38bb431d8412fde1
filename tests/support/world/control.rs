//! What a test may tell the world to do: its settings, its faults, its hooks, and which services are unwell.

use super::World;
use super::faults::{At, Fault, Moment};
use super::services::{Check, Sick};
use super::settings::Settings;

impl World {
    /// Changes settings from now on.
    pub(crate) fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.state().settings);
    }

    /// Lets something go wrong at a request number, at a label, or at any request.
    pub(crate) fn fault(&self, at: impl Into<At>, fault: Fault) {
        self.state().faults.add(at.into(), fault);
    }

    /// Lets the very next request go wrong.
    pub(crate) fn fault_next(&self, fault: Fault) {
        self.fault(At::Any, fault);
    }

    /// Forgets all faults and hooks.
    pub(crate) fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Runs something right before a request is acted on, or right after and before its reply leaves.
    pub(crate) fn on_request(
        &self,
        at: impl Into<At>,
        moment: Moment,
        hook: impl FnMut() + Send + 'static,
    ) {
        self.state().faults.hook(at.into(), moment, Box::new(hook));
    }

    /// Says who lets in the values of a variable that is no OpenAI key. The validator must not call the world.
    pub(crate) fn validate(
        &self,
        variable: &str,
        validator: impl Fn(&str) -> bool + Send + 'static,
    ) {
        let check = Check::Custom(Box::new(validator));
        self.state().fleet.checks.insert(variable.to_owned(), check);
    }

    /// Says that a variable, too, holds an OpenAI key. `OPENAI_API_KEY` does from the start.
    pub(crate) fn openai_variable(&self, variable: &str) {
        self.state()
            .fleet
            .checks
            .insert(variable.to_owned(), Check::OpenAi);
    }

    /// Makes the health of a service bad, though its deployments succeed.
    pub(crate) fn make_unhealthy(&self, service: &str, sick: Sick) {
        let mut state = self.state();
        let values = state.values_of(service).unwrap_or_default();
        state.fleet.sick.insert(service.to_owned(), (sick, values));
    }

    pub(crate) fn heal(&self, service: &str) {
        self.state().fleet.sick.remove(service);
    }

    /// OpenAI ends a key by itself, as it does with those it finds in public places.
    pub(crate) fn openai_ends(&self, value: &str) {
        let mut state = self.state();
        let now = state.now;
        let key = state.openai.keys.iter_mut().find(|key| key.value == value);
        key.expect("it made that key").deleted_at = Some(now);
    }

    /// Lets every service call its vendors once.
    pub(crate) fn tick(&self) {
        self.state().call_vendors();
    }
}
