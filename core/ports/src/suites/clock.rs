//! Laws of the wall clock.

use std::sync::Arc;
use std::time::Duration;

use crate::Clock;

pub async fn it_goes_on_as_time_passes(clock: Arc<dyn Clock>) {
    let before = clock.now();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let passed = clock.now().since(before);
    assert!(passed >= Duration::from_millis(15), "{passed:?}");
}

pub async fn it_is_somewhere_in_this_century(clock: Arc<dyn Clock>) {
    let now = clock.now().to_string();
    assert!(now.starts_with("20") && now.ends_with('Z') && now.len() == 27, "{now}");
}
