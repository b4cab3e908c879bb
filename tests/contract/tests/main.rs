//! Recorded answers and published clients against a real node.

#[cfg(test)]
mod compare;
#[cfg(test)]
mod play;
#[cfg(test)]
mod python_client;
#[cfg(test)]
mod vectors;
