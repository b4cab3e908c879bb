//! Tests: a worker on ports in memory, with runners made for the purpose.

mod bench;
mod ends;
mod leases;
mod outages;
mod stops;
