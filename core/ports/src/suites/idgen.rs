//! Laws of the source of ids and randomness.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use st2_model::{Id, Timestamp, kinds};

use crate::IdGen;

const NOW: Timestamp = Timestamp::from_micros(1_784_534_400_000_000);

pub async fn no_id_comes_twice(ids: Arc<dyn IdGen>) {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let ids = Arc::clone(&ids);
            tokio::task::spawn_blocking(move || {
                (0..10_000).map(|_| ids.id_bytes(NOW)).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut seen = HashSet::new();
    for thread in threads {
        for id in thread.await.unwrap() {
            assert!(seen.insert(id), "{id:?} came twice");
        }
    }
}

pub async fn ids_carry_their_time(ids: Arc<dyn IdGen>) {
    let id: Id<kinds::Execution> = ids.id(NOW);
    assert_eq!(id.created_at(), NOW);
    let later: Id<kinds::Execution> = ids.id(NOW.after(Duration::from_secs(1)));
    assert!(id < later);
}

pub async fn randomness_does_not_repeat(ids: Arc<dyn IdGen>) {
    let draws: HashSet<String> = (0..1_000).map(|_| ids.token(16)).collect();
    assert_eq!(draws.len(), 1_000);
    assert!(draws.iter().all(|draw| draw.len() == 32));
}

pub async fn jitter_stays_around_its_middle(ids: Arc<dyn IdGen>) {
    let middle = Duration::from_secs(10);
    for _ in 0..1_000 {
        let drawn = ids.jitter(middle);
        assert!(drawn >= middle / 2 && drawn <= middle * 3 / 2, "{drawn:?}");
    }
}
