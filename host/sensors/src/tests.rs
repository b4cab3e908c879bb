//! Tests of the sensor host.
