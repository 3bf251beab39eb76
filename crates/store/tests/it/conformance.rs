//! What every back-end must do. A case knows only [`assize_store::Store`]; each runs on a fresh SQLite file and, when
//! there is one to test on, in a fresh PostgreSQL schema. Cases of blobs run on an S3 bucket too.

mod api_keys;
mod audit_trail;
mod blobs;
mod certificates;
mod claims;
mod data_keys;
mod idempotency;
mod interactions;
mod jobs;
mod log;
mod people;
mod rate_limits;
mod retention;
mod saved_views;
mod schedules;
mod snapshots;
mod units;
mod webhooks;

/// Makes two tests of every case.
macro_rules! on_both {
    ($($module:ident: $($case:ident),+;)+) => {
        mod sqlite {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::databases::on_sqlite(crate::conformance::$module::$case).await;
                })+
            })+
        }
        mod postgres {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let case = crate::conformance::$module::$case;
                    crate::databases::on_postgres(stringify!($case), case).await;
                })+
            })+
        }
    };
}

on_both! {
    api_keys: keys_are_found_by_the_digest_of_their_secret, other_organizations_keys_do_not_exist, keys_end;
    audit_trail: rows_chain_per_organization, concurrent_appends_make_one_chain, rolled_back_rows_leave_no_gap;
    blobs: content_comes_back, files_come_back, organizations_share_nothing, collection_spares_what_is_held,
        collection_spares_what_is_young, discarding_spares_what_is_held,
        discarding_sees_a_hold_that_was_being_taken, holds_need_a_blob, sealed_content_keeps_its_name,
        frozen_objects_stay_until_the_thaw, holds_end_by_their_time, all_blobs_come_in_order;
    certificates: documents_come_back_byte_for_byte, numbers_are_gapless, concurrent_units_number_without_gaps,
        one_job_makes_one_certificate, lists_go_from_the_last_issued, revocation_happens_once;
    claims: eight_workers_claim_every_job_once, claims_follow_time_and_priority, dead_lease_goes_to_another_worker,
        lost_lease_rolls_back_the_effect, job_that_kills_its_workers_is_dead, retries_wait_then_die,
        restart_takes_over_at_once, given_back_job_keeps_its_attempts, cancelled_worker_that_dies_stays_cancelled,
        wake_is_the_next_thing_to_do, no_clock_judges_a_lease, clocks_that_differ_hold_no_job_up,
        postponed_job_waits_without_losing_an_attempt, oldest_due_job_is_told;
    idempotency: request_is_claimed_once, rolled_back_claim_leaves_nothing, concurrent_claims_have_one_winner,
        answers_come_back_byte_for_byte, expired_requests_are_forgotten;
    data_keys: versions_are_dense_and_need_a_master_key_in_force, keys_are_wrapped_anew_under_the_next_master_key,
        destroyed_keys_leave_their_rows_and_nothing_else, subject_keys_need_a_data_key,
        subjects_keys_come_and_go_in_bulk;
    interactions: accounts_are_made_on_the_terms_given, grants_come_once_a_month_and_take_nothing_away,
        nothing_is_charged_that_is_not_there, submissions_come_back_as_they_were_kept,
        large_groups_are_numbered_without_gaps, lists_filter_and_page, tallies_count_the_newest_of_a_filter,
        pending_ones_come_by_their_time, audits_end_once, erased_ones_hold_nothing_and_are_not_audited,
        old_ones_are_deleted_and_stay_counted,
        usage_is_counted_by_day_model_and_user, usage_forgets_a_user_and_keeps_the_sums, concurrent_groups_share_numbers_and_tokens_exactly,
        concurrent_workers_end_each_audit_once, submissions_wake_their_workers_alone;
    jobs: job_runs_and_succeeds, failed_job_is_retried_by_hand, unique_key_answers_with_the_first_job,
        cancelling_depends_on_the_state, lists_filter_and_page, other_organizations_see_nothing,
        changes_wake_subscribers_at_commit, what_one_database_would_refuse_both_refuse;
    log: concurrent_appends_are_dense, wrong_index_is_refused, nodes_come_back_in_one_question, pages_have_limits,
        checkpoints_are_replaced_per_size;
    people: accounts_come_back, places_belong_to_one_organization, organizations_are_made_once,
        invitations_are_used_once, sessions_end, failures_count_and_are_forgotten;
    rate_limits: bucket_grants_what_it_has, tokens_come_back, buckets_do_not_share,
        concurrent_takes_never_exceed_the_bucket, bucket_is_never_further_from_full_than_empty,
        full_buckets_are_forgotten;
    saved_views: views_belong_to_one_person, people_keep_so_many_views, views_are_found_by_a_field;
    schedules: due_time_is_enqueued_once, missed_times_run_once, definition_changes_keep_the_time,
        clock_set_back_holds_nothing_up, other_organizations_schedules_are_theirs, time_is_shared;
    retention: organizations_have_their_own_times, only_ended_jobs_are_deleted, dead_letters_stay,
        rows_are_found_by_what_they_say, heads_are_logged_once;
    snapshots: snapshot_sees_one_moment, snapshot_pages_reach_every_row,
        the_newest_write_is_known;
    units: dropped_unit_leaves_nothing, units_see_their_own_writes_and_others_do_not, public_organization_exists,
        unknown_organization_is_a_conflict, signing_keys_outlive_their_use;
    webhooks: webhooks_belong_to_one_organization, deliveries_queue_in_order_and_end,
        deliveries_are_tried_again_by_hand, ended_deliveries_are_deleted, concurrent_units_number_deliveries_densely;
}

/// Makes a test on S3 of every case.
macro_rules! on_s3 {
    ($($module:ident: $($case:ident),+;)+) => {
        mod s3 {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let case = crate::conformance::$module::$case;
                    crate::databases::on_s3(stringify!($case), case).await;
                })+
            })+
        }
    };
}

on_s3! {
    blobs: content_comes_back, files_come_back, organizations_share_nothing, collection_spares_what_is_held,
        collection_spares_what_is_young, discarding_spares_what_is_held, holds_need_a_blob;
}
