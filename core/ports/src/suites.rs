//! The suites that every backend of a port must pass: one function for each law.
//!
//! A backend runs a suite with one line in its tests, which makes a test of each law:
//!
//! ```text
//! st2_ports::store_suite!(open);       // fn(Arc<dyn Clock>) -> (Arc<dyn Store>, impl Sized)
//! st2_ports::bus_suite!(open);         // fn() -> (Arc<dyn Bus>, impl Sized)
//! st2_ports::coordinator_suite!(open); // fn() -> (Arc<dyn Coordinator>, impl Sized)
//! st2_ports::clock_suite!(open);       // fn() -> (Arc<dyn Clock>, impl Sized)
//! st2_ports::idgen_suite!(open);       // fn() -> (Arc<dyn IdGen>, impl Sized)
//! st2_ports::keyring_suite!(open);     // fn() -> (Arc<dyn KeyRing>, impl Sized)
//! st2_ports::file_watch_suite!(open);  // fn() -> (suites::file_watch::Opened, impl Sized)
//! ```
//!
//! What is opened is empty, and lives until the second value is dropped.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a suite is test code: it fails by panicking"
)]
#![expect(
    clippy::missing_panics_doc,
    reason = "a law that does not hold panics; that is what a suite is for"
)]

pub mod bus;
pub mod clock;
pub mod coordinator;
pub mod durability;
pub mod equivalence;
pub mod file_watch;
pub mod idgen;
pub mod keyring;
pub mod query;
pub mod store;
pub mod writes;

use std::future::Future;
use std::time::Duration;

/// How long a law waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `holds` answers true.
async fn wait_until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Makes a test of each law of the document port.
#[macro_export]
macro_rules! store_suite {
    ($open:path) => {
        $crate::store_suite! { @laws $open, store:
            a_missing_document_is_nothing,
            a_document_is_read_back_as_it_was,
            a_large_document_is_read_back,
            a_document_is_an_object,
            an_expired_document_is_gone,
            an_expired_document_takes_no_place,
            a_stale_fence_is_refused,
            a_fence_is_not_lowered,
            fences_of_different_keys_are_apart,
            blobs_are_read_back,
            a_blob_of_64_megabytes_is_read_back,
        }
        $crate::store_suite! { @laws $open, writes:
            an_insert_leaves_what_exists,
            of_racing_inserts_one_wins,
            a_replace_needs_the_revision,
            of_racing_replaces_one_wins,
            no_increment_is_lost,
            a_unique_index_refuses_a_second,
            a_unique_index_of_two_paths_compares_both,
            of_racing_unique_inserts_one_wins,
            update_many_changes_what_matches,
            racing_update_many_claim_each_document_once,
            a_delete_removes_what_matches,
            a_long_delete_and_update_are_complete,
        }
        $crate::store_suite! { @laws $open, query:
            values_equal_within_their_type,
            an_array_matches_by_any_element,
            ranges_stay_within_their_type,
            prefixes_and_parts_take_text_literally,
            conditions_combine,
            the_id_is_a_path,
            sorts_order_types_and_values,
            pages_by_cursor_make_up_the_whole,
            limits_and_offsets_cut_the_answer,
            members_are_left_out,
            a_cursor_fits_its_sort,
            long_lists_of_values_are_searched,
        }
        $crate::store_suite! { @views $open:
            a_relaxed_write_is_seen_at_once,
            the_views_have_the_same_documents,
            racing_writes_through_both_views_lose_nothing,
            everybody_gets_the_flush_that_was_asked_for,
        }
    };
    (@views $open:path: $($law:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                let (store, _alive) = $open($crate::suites::store::clock());
                $crate::suites::durability::$law(store).await;
            }
        )*
    };
    (@laws $open:path, $module:ident: $($law:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                let clock = $crate::suites::store::clock();
                let (store, _alive) = $open(clock.clone());
                $crate::suites::$module::$law(&*store, &clock).await;
            }
        )*
    };
}

/// Makes a test of each law of the bus.
#[macro_export]
macro_rules! bus_suite {
    ($open:path) => {
        $crate::bus_suite! { @laws $open:
            everybody_gets_a_wake_up_of_each,
            one_of_a_group_gets_a_wake_up,
            every_group_gets_a_wake_up,
            topics_are_apart,
            a_group_finds_what_came_in_its_absence,
            nobody_of_each_finds_what_came_before,
            an_unsettled_delivery_comes_again,
            a_subscription_gives_back_what_it_had,
            a_settled_delivery_does_not_come_again,
            a_retry_comes_not_before_its_time,
            a_wait_may_be_cancelled,
            one_reader_sees_the_order,
            a_wake_up_is_what_was_sent,
        }
    };
    (@laws $open:path: $($law:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $law() {
                let (bus, _alive) = $open();
                $crate::suites::bus::$law(&*bus).await;
            }
        )*
    };
}

/// Makes a test of each law of the coordinator.
#[macro_export]
macro_rules! coordinator_suite {
    ($open:path) => {
        $crate::coordinator_suite! { @laws $open:
            of_racing_owners_one_holds,
            keys_are_apart,
            epochs_grow,
            a_lease_runs_out,
            a_renewed_lease_lasts,
            a_lost_lease_is_not_renewed,
            an_expired_lease_is_never_renewed,
            a_lease_is_released_by_its_holder_only,
            members_are_there_until_they_leave,
            members_run_out,
            a_member_that_joins_again_stays,
        }
    };
    (@laws $open:path: $($law:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $law() {
                let (coordinator, _alive) = $open();
                $crate::suites::coordinator::$law(&*coordinator).await;
            }
        )*
    };
}

/// Makes a test of each law of a small port; used by the macros below.
#[doc(hidden)]
#[macro_export]
macro_rules! port_laws {
    ($open:path, $module:ident: $($law:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $law() {
                let (opened, _kept) = $open();
                $crate::suites::$module::$law(opened).await;
            }
        )*
    };
}

/// Makes a test of each law of the wall clock.
#[macro_export]
macro_rules! clock_suite {
    ($open:path) => {
        $crate::port_laws! { $open, clock:
            it_goes_on_as_time_passes,
            it_is_somewhere_in_this_century,
        }
    };
}

/// Makes a test of each law of the source of ids.
#[macro_export]
macro_rules! idgen_suite {
    ($open:path) => {
        $crate::port_laws! { $open, idgen:
            no_id_comes_twice,
            ids_carry_their_time,
            randomness_does_not_repeat,
            jitter_stays_around_its_middle,
        }
    };
}

/// Makes a test of each law of a key ring that has a key.
#[macro_export]
macro_rules! keyring_suite {
    ($open:path) => {
        $crate::port_laws! { $open, keyring:
            what_is_sealed_opens,
            a_ciphertext_shows_nothing_and_does_not_repeat,
            what_was_changed_does_not_open,
            an_opened_secret_does_not_show_itself,
        }
    };
}

/// Makes a test of each law of the file watch.
#[macro_export]
macro_rules! file_watch_suite {
    ($open:path) => {
        $crate::port_laws! { $open, file_watch:
            a_change_below_a_root_is_heard,
            everybody_who_watches_hears,
            a_flood_ends_in_a_rescan_and_blocks_nobody,
        }
    };
}
