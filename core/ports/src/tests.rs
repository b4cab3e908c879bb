//! The ports that are implemented here against their suites.

mod clock {
    use std::sync::Arc;

    use crate::{Clock, SystemClock};

    fn open() -> (Arc<dyn Clock>, ()) {
        (Arc::new(SystemClock), ())
    }

    crate::clock_suite!(open);
}

mod simulated_clock {
    use std::sync::Arc;

    use st2_model::Timestamp;

    use crate::{Clock, SimClock};

    fn open() -> (Arc<dyn Clock>, ()) {
        let start = Timestamp::from_micros(1_784_534_400_000_000);
        (Arc::new(SimClock::starting_at(start)), ())
    }

    crate::clock_suite!(open);

    #[tokio::test]
    async fn it_steps_both_ways() {
        let clock = SimClock::starting_at(Timestamp::from_micros(1_784_534_400_000_000));
        let before = clock.now();
        clock.step(-5_000_000);
        assert!(clock.now() < before);
        clock.step(10_000_000);
        assert!(clock.now() > before);
    }
}

mod system_ids {
    use std::sync::Arc;

    use crate::{IdGen, SystemIdGen};

    fn open() -> (Arc<dyn IdGen>, ()) {
        (Arc::new(SystemIdGen::default()), ())
    }

    crate::idgen_suite!(open);
}

mod seeded_ids {
    use std::sync::Arc;

    use st2_model::Timestamp;

    use crate::{IdGen, SeededIdGen};

    fn open() -> (Arc<dyn IdGen>, ()) {
        (Arc::new(SeededIdGen::of(7)), ())
    }

    crate::idgen_suite!(open);

    #[test]
    fn the_same_seed_gives_the_same_run() {
        let draw = |seed| {
            let ids = SeededIdGen::of(seed);
            let mut bytes = [0; 32];
            ids.fill(&mut bytes);
            (ids.id_bytes(Timestamp::from_micros(0)), bytes)
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
