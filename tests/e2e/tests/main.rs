//! Real executables: the main job, kills, floods, and everything that may be wrong with the input.

#[cfg(test)]
mod content;
#[cfg(test)]
mod events;
#[cfg(test)]
mod flood;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod sensor_container;
#[cfg(test)]
mod starts;
