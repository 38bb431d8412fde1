//! rotakey from the outside: whole runs against the simulated world.

#[path = "../support"]
mod support {
    pub(crate) mod child;
    pub(crate) mod mail;
    pub(crate) mod mortal;
    pub(crate) mod oracle;
    pub(crate) mod people;
    pub(crate) mod sandbox;
    pub(crate) mod shop;
    pub(crate) mod world;
}

mod audit;
mod crash;
mod fleet;
mod layering;
mod life;
mod mail;
mod managers;
mod people;
mod real;
mod refused;
mod secrecy;
mod stock;
mod trouble;
mod twice;
