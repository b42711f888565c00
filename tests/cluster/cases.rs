//! The tests, by what they are about. Each takes the cluster and works in a namespace of its own.

mod actions;
mod approvals;
mod asks;
mod backups;
mod bed;
mod checks;
mod confirm;
mod console;
mod debts;
mod deploy;
mod failures;
mod faults;
mod images;
mod jobs;
mod locks;
mod logs;
mod measured;
mod migrations;
mod nodes;
mod offered;
mod own;
mod panel;
mod plain;
mod plan;
mod pods;
mod record;
mod refusals;
mod resume;
mod roles;
mod rollout;
mod run;
mod scale;
mod secrets;
mod service_file;
mod several;
mod status;
mod tells;
mod timeline;
mod timers;
mod uploads;

use crate::cluster::Cluster;

/// A test: fails by panicking.
pub(crate) type Case = fn(&Cluster);

macro_rules! cases {
    ($($module:ident { $($name:ident)+ })+) => {
        /// Every test, by its name.
        pub(crate) const ALL: &[(&str, Case)] = &[$($((concat!(stringify!($module), "::", stringify!($name)), $module::$name)),+),+];
    };
}

cases! {
    bed {
        a_pod_runs_answers_and_is_measured
        a_condition_that_never_holds_is_reported_with_the_last_state
        a_crash_loop_is_a_real_one
        each_user_may_do_what_its_name_says
    }
    plain {
        the_answers_and_each_change_come_as_lines_on_a_dumb_terminal
    }
    service_file {
        a_file_that_a_namespace_keeps_is_used_once_its_text_was_accepted
        a_first_file_is_clean_and_proven_until_something_goes
        what_may_not_be_read_is_unknown_and_a_secret_is_its_keys
        a_file_pinned_to_another_cluster_writes_nothing
    }
    secrets {
        each_secret_of_a_probe_reaches_its_endpoint_and_is_nowhere_else
    }
    images {
        what_a_registry_says_is_in_the_plan_by_digest_and_what_it_does_not_say_is_unknown
        an_image_is_rolled_out_by_the_digest_that_was_checked_and_pulled_with_the_workloads_own_secret
        a_secret_that_pods_do_not_get_stops_what_would_change_it
    }
    tells {
        measures_are_told_within_beyond_or_without_data_and_a_step_waits_until_they_stay_within
        a_log_is_shown_and_acknowledged_where_somebody_is_there
        whoever_is_named_is_told_how_it_ended_and_a_secret_address_is_nowhere
        pagerduty_is_told_of_an_alarm_its_end_and_a_change_slack_in_its_own_words_and_a_mail_is_a_draft
        a_program_of_this_machine_runs_for_a_phrase_without_our_variables_and_ends_with_its_time
    }
    plan {
        a_plan_says_what_would_change_and_changes_nothing
        two_operators_compute_the_same_hash_and_another_count_another_one
        a_run_refuses_another_plan_than_the_one_that_was_read
        a_deployment_made_anew_under_the_same_name_is_another_plan
        wrong_words_are_wrong_usage_with_a_hint
    }
    checks {
        a_viewer_is_told_which_right_is_missing_and_nothing_is_written
        an_autoscaler_that_would_undo_it_blocks_and_raising_its_bound_goes_through
        an_autoscaler_that_is_paused_stays_paused_as_a_debt
        more_pods_than_a_database_has_connections_for_are_blocked
        another_owner_blocks_unless_it_is_overridden_with_a_reason
        a_quota_without_room_blocks
        a_quota_that_was_overridden_ends_as_failed_and_undone
        nodes_without_room_are_said_and_do_not_block
        a_rollout_in_progress_blocks_a_scale_down_and_only_warns_on_a_scale_up
        a_disruption_budget_that_leaves_no_room_is_said
        read_only_refuses_and_sends_no_change
    }
    confirm {
        production_is_known_by_its_name_and_asks_for_its_word
        a_place_that_no_name_describes_counts_as_production_and_asks_for_the_namespace
        a_test_place_asks_for_one_key
        losing_half_or_everything_raises_the_level_to_a_phrase
    }
    debts {
        a_second_operator_sees_a_workload_at_zero_and_pays_it_in_the_console
        an_autoscaler_s_pause_is_owed_until_its_own_policies_are_back
        what_no_object_shows_is_in_the_record_until_a_proven_run_pays_it
        the_doctor_lists_what_runs_wrote_in_the_cluster
        an_armed_change_that_nobody_keeps_is_taken_back_by_the_process_that_armed_it
        an_armed_change_that_a_second_operator_keeps_stays
        an_armed_change_whose_console_was_killed_is_a_debt_when_its_time_has_come
    }
    timers {
        what_is_armed_on_the_screen_is_counted_down_and_kept_there
        what_is_armed_on_the_screen_is_taken_back_at_its_time_and_every_console_sees_it
        a_killed_console_leaves_a_debt_that_a_second_operator_pays
        the_next_consoles_of_its_operator_take_a_timer_up_and_one_of_them_takes_back
        a_time_that_came_while_nobody_was_there_is_said_and_taken_back_a_moment_later
        a_run_that_was_killed_while_it_waited_is_resumed_and_taken_back
        a_pause_and_a_suspension_are_taken_back_at_their_time
        several_armed_in_one_plan_go_back_together_but_for_what_is_kept
        a_status_tells_timers_and_locks_and_the_doctor_whose_they_are
    }
    run {
        a_scale_is_proven_by_ready_pods_and_endpoints
        a_scale_down_is_proven_when_the_pods_are_gone
        a_scale_without_room_ends_as_failed_with_the_scheduler_s_words_and_is_undone
        a_scale_whose_pods_crash_ends_as_failed_and_says_why
        probes_of_every_pod_prove_a_scale
        a_probe_that_stays_red_ends_a_scale_as_failed_and_undone
        a_workload_that_is_there_already_is_left_alone
        a_statefulset_is_scaled_the_same_way
    }
    rollout {
        a_rollback_is_proven_on_the_pods_of_that_revision
        a_paused_workload_is_not_rolled_back_and_nothing_is_written
        an_unknown_revision_is_wrong_usage
        a_restart_replaces_every_pod
    }
    logs {
        the_logs_of_all_pods_are_merged_and_cleaned
        the_previous_run_of_a_container_that_crashes_is_read
        who_may_not_read_pods_is_told_so
    }
    approvals {
        a_second_person_approves_and_whoever_asked_confirms_once_more
        a_plan_that_waits_is_withdrawn_by_an_interrupt_and_leaves_nothing
        a_plan_that_is_another_one_meanwhile_is_not_begun
        alone_it_takes_a_minute_a_reason_and_a_mark_on_the_record
        two_consoles_ask_approve_and_begin_on_their_screens
        alone_at_a_console_it_takes_a_minute_and_the_phrase_comes_last
        nobody_takes_the_lock_between_the_approval_and_the_start
        an_approved_plan_that_is_left_gives_its_lock_back
        the_admission_policy_makes_approvals_authentic
    }
    locks {
        another_console_sees_who_works_at_which_step_and_how_it_ends
        a_mitigation_asks_a_live_run_for_its_lock_and_both_records_say_so
        a_mitigation_asks_on_its_screen_and_the_holder_s_screen_says_who
        one_run_at_a_time_changes_a_service
        a_second_rollback_within_minutes_is_said_whoever_made_the_first
    }
    jobs {
        a_trigger_runs_one_job_now_as_kubectl_would
        a_trigger_whose_job_fails_says_so_and_leaves_it_as_a_debt
        a_suspension_is_a_debt_until_it_is_resumed
        a_plan_is_stale_when_the_template_of_the_jobs_changed_meanwhile
        a_viewer_triggers_and_suspends_nothing
    }
    pods {
        an_evicted_pod_is_gone_and_its_replacement_ready
        a_disruption_budget_is_heeded_and_the_pod_stays
        a_pod_without_room_for_its_replacement_ends_as_failed_with_the_cause
        a_viewer_evicts_nothing
    }
    nodes {
        a_cordoned_node_is_a_debt_until_it_is_uncordoned
        whoever_may_not_change_nodes_is_told_so_and_a_wrong_name_is_wrong_usage
    }
    actions {
        a_rollback_to_a_template_that_crashes_is_taken_back
        a_restart_is_refused_while_paused_and_fails_where_no_pod_can_be_made
        a_rollout_is_paused_and_resumed_and_refused_and_taken_back
        a_resumed_rollout_whose_image_is_missing_is_paused_again
        a_schedule_is_suspended_and_resumed_and_refused_and_taken_back
        a_node_whose_cordon_somebody_takes_back_is_left_to_them
    }
    failures {
        each_way_a_rollback_fails_is_told_and_taken_back
        sets_are_rolled_back_and_restarted_and_say_why_they_are_not
        each_way_a_restart_fails_is_told_as_a_debt
        each_way_the_end_of_a_pause_fails_pauses_it_again
        each_way_a_scale_fails_is_told_and_taken_back
        a_scale_under_an_autoscaler_takes_both_back_when_it_fails
        what_is_armed_is_kept_or_taken_back
        a_run_is_undone_by_a_run_of_its_own_or_says_why_not
        several_are_carried_out_up_to_the_first_failure
        a_scale_whose_probe_stays_red_is_taken_back
        each_way_a_job_by_hand_fails_is_told_as_a_debt
        each_way_an_eviction_fails_is_told
        a_node_that_is_gone_at_once_is_told
    }
    refusals {
        what_stands_in_the_way_of_every_action_is_said_and_nothing_is_begun
        what_stands_in_the_way_of_changing_a_workload_is_said_and_nothing_is_begun
        what_stands_in_the_way_of_jobs_dumps_and_evictions_is_said_and_nothing_is_begun
    }
    roles {
        each_role_may_do_its_actions_and_no_other
        what_a_role_may_do_it_can_carry_out_to_its_end
    }
    record {
        intent_comes_before_the_request_and_outcome_after
        the_write_carries_its_precondition_and_follows_a_dry_run
        nothing_is_written_beyond_what_the_contract_lists
        when_the_intent_cannot_be_recorded_nothing_is_sent
        the_journal_verifies_and_names_the_line_that_was_touched
        runs_lists_what_was_run_and_how_it_ended
        no_secret_of_the_kubeconfig_reaches_the_journal_or_the_answers
    }
    resume {
        a_run_that_is_killed_at_any_line_of_its_record_is_proven_when_it_is_resumed
        a_run_that_is_resumed_is_proven_by_the_probes_of_its_service_file
        a_run_that_is_killed_once_its_end_is_recorded_is_over
        a_run_that_is_killed_while_its_write_is_on_the_way_is_written_once
        a_run_that_lost_its_network_finds_out_when_it_is_resumed
        a_rollback_that_is_killed_finds_its_template_again
        what_somebody_else_wants_meanwhile_is_left_alone
        a_terminated_run_says_so_and_can_be_resumed
        a_run_whose_terminal_is_gone_goes_on_to_its_end
        two_interrupts_take_it_back
        a_proven_run_is_undone_by_a_plan_of_its_own
    }
    faults {
        a_plan_that_waited_longer_than_it_holds_is_refused_at_the_terminal
        a_write_whose_connection_is_cut_is_found_out_and_carried_out_once
        conflicts_are_met_by_reading_again_and_end_after_five_tries
        a_busy_server_is_asked_again_when_it_says_and_not_for_ever
        a_webhook_is_heeded_whether_it_denies_or_is_silent
        clocks_that_disagree_are_told_and_change_no_outcome
        a_full_disk_stops_what_cannot_be_recorded_and_nothing_that_was_written
        what_moved_since_the_plan_is_refused_and_said
        a_workload_that_helm_installed_is_scaled_and_helm_is_said_before
    }
    console {
        a_crash_loop_and_a_failing_init_container_are_explained_without_a_key
        a_filter_narrows_the_rows_and_esc_brings_them_back
        logs_follow_through_a_rollout_and_a_restart
        a_lost_connection_is_said_and_everything_is_there_again_when_it_returns
        a_viewer_sees_everything_and_is_told_why_it_may_not_scale
        a_stranger_is_told_which_rules_are_missing
        read_only_is_said_on_every_screen_and_refuses_the_key
        another_namespace_is_shown_without_leaving
        an_idle_live_screen_sends_next_to_nothing
        what_a_pod_prints_cannot_touch_the_terminal
    }
    panel {
        a_scale_is_planned_confirmed_proven_and_on_record
        a_bare_enter_and_a_wrong_word_confirm_nothing
        a_run_survives_leaving_its_view
        two_screens_that_confirm_the_same_plan_at_once_write_once
        marked_workloads_are_restarted_by_one_plan
        an_autoscaler_offers_its_ways_and_one_key_takes_one
        a_scale_without_room_ends_as_failed_and_undone
        a_plan_goes_stale_when_somebody_else_scales_first
        a_running_scale_can_be_cancelled_and_is_undone
    }
    timeline {
        runs_health_rollouts_and_events_are_one_timeline
        without_the_cluster_the_timeline_says_what_is_missing
    }
    own {
        an_action_of_a_service_file_is_one_plan_and_is_proven_step_by_step
        each_rule_of_a_step_decides_what_follows_its_failure
        a_step_that_always_runs_is_carried_out_on_the_way_out
        a_run_that_is_killed_between_two_steps_goes_on_with_what_is_true
        a_key_of_the_console_launches_an_action_and_its_question_is_answered_there
        an_action_that_asks_for_two_people_is_approved_with_the_same_file_alone
        a_command_runs_once_in_a_pod_and_after_a_kill_its_operator_is_asked
        a_freeze_is_on_line_1_blocks_what_it_does_not_allow_and_one_that_denies_wins
    }
    offered {
        without_a_terminal_the_offer_is_the_exact_command_and_nothing_is_done
        at_a_terminal_the_offer_is_planned_and_asked_for_and_only_its_own_answer_begins_it
        in_the_console_the_plan_panel_of_the_offer_opens_after_the_failure_one_level_deep
    }
    several {
        a_restart_of_three_is_one_plan_proven_one_after_the_other
        labels_are_resolved_to_a_list_and_all_at_once_writes_before_it_proves
        the_first_failure_stops_it_and_what_was_not_begun_is_said
        scales_of_which_one_finds_no_room_are_all_taken_back
        of_three_at_once_a_crash_is_known_before_the_slow_one_is_proven
        a_restart_of_three_that_is_killed_in_the_middle_goes_on_where_it_was
        scales_that_are_killed_in_the_middle_go_on_where_they_were
        two_schedules_are_suspended_and_resumed_together
    }
    status {
        a_healthy_place_is_ok
        a_crash_loop_is_named_as_the_reason
        everything_down_is_down
        a_viewer_sees_the_same_and_what_was_not_to_be_seen_is_a_problem
        doctor_names_a_missing_right_and_what_would_fix_it
    }
    scale {
        a_scale_is_proven_recorded_and_leaves_only_its_notes
        a_stateful_set_goes_down_to_zero_by_phrase_and_comes_back
        an_autoscaler_blocks_until_its_bound_is_moved
        a_quota_without_room_blocks_the_plan_and_fails_an_overridden_run
        a_scale_without_room_on_the_nodes_ends_as_failed_and_undone
        a_plan_is_stale_when_somebody_scaled_first_or_made_the_object_anew
        two_consoles_that_confirm_the_same_plan_at_once_write_once
        a_view_only_user_is_told_the_right_that_is_missing
        a_read_only_console_plans_and_writes_nothing
        an_admission_policy_that_denies_blocks_the_plan_with_its_words
    }
}

/// Those that need a PostgreSQL in a pod as well.
pub(crate) const DATABASE: &[(&str, Case)] = &[
    (
        "backups::a_dump_is_read_to_its_end_and_comes_into_the_catalogue",
        backups::a_dump_is_read_to_its_end_and_comes_into_the_catalogue,
    ),
    (
        "backups::retention_deletes_what_is_too_old_of_its_own_backup_and_never_after_a_much_smaller_dump",
        backups::retention_deletes_what_is_too_old_of_its_own_backup_and_never_after_a_much_smaller_dump,
    ),
    ("backups::a_backup_is_made_from_the_console", backups::a_backup_is_made_from_the_console),
    (
        "backups::a_dump_that_does_not_come_to_its_end_is_none_and_leaves_the_others",
        backups::a_dump_that_does_not_come_to_its_end_is_none_and_leaves_the_others,
    ),
    ("backups::a_dump_whose_console_is_killed_is_taken_up_again", backups::a_dump_whose_console_is_killed_is_taken_up_again),
    (
        "backups::a_dump_whose_pod_is_killed_is_none_and_the_next_one_clears_up",
        backups::a_dump_whose_pod_is_killed_is_none_and_the_next_one_clears_up,
    ),
    (
        "backups::a_dump_that_is_damaged_later_is_found_and_counts_no_longer",
        backups::a_dump_that_is_damaged_later_is_found_and_counts_no_longer,
    ),
    (
        "backups::a_dump_tells_how_far_it_is_and_is_cancelled_without_a_trace",
        backups::a_dump_tells_how_far_it_is_and_is_cancelled_without_a_trace,
    ),
    (
        "backups::m01_m02_a_dump_that_was_cut_off_is_found_by_reading_it_where_its_list_is_whole",
        backups::m01_m02_a_dump_that_was_cut_off_is_found_by_reading_it_where_its_list_is_whole,
    ),
    (
        "asks::a_database_is_asked_through_the_api_server_and_each_query_is_proven_failed_or_unknown",
        asks::a_database_is_asked_through_the_api_server_and_each_query_is_proven_failed_or_unknown,
    ),
    (
        "roles::the_roles_alone_can_carry_out_every_step_of_a_file_and_a_viewer_writes_nothing",
        roles::the_roles_alone_can_carry_out_every_step_of_a_file_and_a_viewer_writes_nothing,
    ),
    (
        "roles::a_connection_to_a_pod_takes_both_verbs_and_one_alone_is_refused",
        roles::a_connection_to_a_pod_takes_both_verbs_and_one_alone_is_refused,
    ),
    (
        "secrets::no_kind_of_step_shows_a_secret_on_screen_or_in_journal_plan_log_object_or_command_line",
        secrets::no_kind_of_step_shows_a_secret_on_screen_or_in_journal_plan_log_object_or_command_line,
    ),
    (
        "asks::check_live_tries_each_statement_right_and_image_of_the_steps_and_carries_none_out",
        asks::check_live_tries_each_statement_right_and_image_of_the_steps_and_carries_none_out,
    ),
    (
        "asks::a_sql_check_holds_or_fails_its_run_and_what_it_shows_is_told",
        asks::a_sql_check_holds_or_fails_its_run_and_what_it_shows_is_told,
    ),
    (
        "asks::who_may_not_open_a_connection_to_a_pod_asks_nothing_and_is_told_so",
        asks::who_may_not_open_a_connection_to_a_pod_asks_nothing_and_is_told_so,
    ),
    (
        "migrations::plain_sql::three_releases_are_inspected_and_applied_and_the_one_that_loses_data_asks_for_more",
        migrations::plain_sql::three_releases_are_inspected_and_applied_and_the_one_that_loses_data_asks_for_more,
    ),
    (
        "migrations::plain_sql::a_file_that_fails_leaves_nothing_and_its_statement_is_told",
        migrations::plain_sql::a_file_that_fails_leaves_nothing_and_its_statement_is_told,
    ),
    (
        "migrations::plain_sql::the_one_row_of_golang_migrate_is_read_and_a_dirty_one_is_refused",
        migrations::plain_sql::the_one_row_of_golang_migrate_is_read_and_a_dirty_one_is_refused,
    ),
    (
        "backups::m07_m08_what_pg_restore_cannot_read_counts_no_longer_as_a_backup",
        backups::m07_m08_what_pg_restore_cannot_read_counts_no_longer_as_a_backup,
    ),
    (
        "backups::m11_a_dump_of_no_database_is_a_failed_run_and_leaves_no_file",
        backups::m11_a_dump_of_no_database_is_a_failed_run_and_leaves_no_file,
    ),
    (
        "faults::a_dump_that_is_killed_at_any_line_of_its_record_is_proven_when_it_is_resumed",
        faults::a_dump_that_is_killed_at_any_line_of_its_record_is_proven_when_it_is_resumed,
    ),
    (
        "faults::whoever_may_not_dump_now_is_told_why_and_makes_no_job",
        faults::whoever_may_not_dump_now_is_told_why_and_makes_no_job,
    ),
    (
        "faults::a_dump_goes_on_without_its_console_its_server_and_a_holder_who_vanished",
        faults::a_dump_goes_on_without_its_console_its_server_and_a_holder_who_vanished,
    ),
    ("faults::a_dump_that_finds_no_room_or_no_image_is_none", faults::a_dump_that_finds_no_room_or_no_image_is_none),
    (
        "measured::m03_m04_a_dump_that_was_cut_off_empties_a_living_database_unless_it_is_one_transaction",
        measured::m03_m04_a_dump_that_was_cut_off_empties_a_living_database_unless_it_is_one_transaction,
    ),
    (
        "measured::m05_m06_an_older_dump_over_a_newer_schema_is_a_mixture_or_nothing",
        measured::m05_m06_an_older_dump_over_a_newer_schema_is_a_mixture_or_nothing,
    ),
    (
        "measured::m09_m10_a_restore_in_parallel_goes_to_a_database_of_its_own_which_is_swapped_in_and_back",
        measured::m09_m10_a_restore_in_parallel_goes_to_a_database_of_its_own_which_is_swapped_in_and_back,
    ),
    (
        "measured::m12_a_column_that_this_server_has_under_another_name_is_told_before_and_when_it_is_asked",
        measured::m12_a_column_that_this_server_has_under_another_name_is_told_before_and_when_it_is_asked,
    ),
    (
        "faults::a_dump_that_is_asked_for_its_lock_lets_go_of_it_and_its_job_comes_to_its_end",
        faults::a_dump_that_is_asked_for_its_lock_lets_go_of_it_and_its_job_comes_to_its_end,
    ),
];

/// Tests that need Python with Alembic and Django besides.
pub(crate) const MIGRATIONS: &[(&str, Case)] = &[
    (
        "migrations::an_image_is_asked_before_it_runs_and_the_answer_is_kept_for_others",
        migrations::an_image_is_asked_before_it_runs_and_the_answer_is_kept_for_others,
    ),
    (
        "migrations::an_inspection_writes_nothing_and_sees_what_stands_in_the_way_by_a_role_that_may_do_nothing_else",
        migrations::an_inspection_writes_nothing_and_sees_what_stands_in_the_way_by_a_role_that_may_do_nothing_else,
    ),
    (
        "migrations::a_migration_that_loses_data_asks_for_more_and_is_proven_by_the_database",
        migrations::a_migration_that_loses_data_asks_for_more_and_is_proven_by_the_database,
    ),
    (
        "migrations::a_migration_of_production_that_loses_data_waits_for_a_second_person_and_is_then_proven",
        migrations::a_migration_of_production_that_loses_data_waits_for_a_second_person_and_is_then_proven,
    ),
    (
        "migrations::the_header_follows_what_the_database_itself_says_without_an_inspection",
        migrations::the_header_follows_what_the_database_itself_says_without_an_inspection,
    ),
    ("migrations::a_migration_is_made_from_the_console", migrations::a_migration_is_made_from_the_console),
    (
        "migrations::m14_a_database_that_is_ahead_of_an_alembic_image_is_seen_where_alembic_only_fails",
        migrations::m14_a_database_that_is_ahead_of_an_alembic_image_is_seen_where_alembic_only_fails,
    ),
    (
        "migrations::m13_a_database_that_is_ahead_of_a_django_image_is_seen_where_django_says_that_all_is_well",
        migrations::m13_a_database_that_is_ahead_of_a_django_image_is_seen_where_django_says_that_all_is_well,
    ),
    (
        "migrations::a_migration_that_fails_half_way_says_what_was_applied_and_keeps_its_job",
        migrations::a_migration_that_fails_half_way_says_what_was_applied_and_keeps_its_job,
    ),
    (
        "migrations::a_session_that_holds_a_table_is_seen_before_and_given_up_on_afterwards",
        migrations::a_session_that_holds_a_table_is_seen_before_and_given_up_on_afterwards,
    ),
    (
        "migrations::what_no_tool_can_go_on_from_is_refused_with_the_way_out",
        migrations::what_no_tool_can_go_on_from_is_refused_with_the_way_out,
    ),
    (
        "migrations::a_migration_whose_console_is_killed_is_taken_up_again_and_applied_once",
        migrations::a_migration_whose_console_is_killed_is_taken_up_again_and_applied_once,
    ),
    ("migrations::a_rollback_knows_what_the_database_has_become", migrations::a_rollback_knows_what_the_database_has_become),
    (
        "faults::a_migration_that_is_killed_at_any_line_of_its_record_is_applied_once_when_it_is_resumed",
        faults::a_migration_that_is_killed_at_any_line_of_its_record_is_applied_once_when_it_is_resumed,
    ),
    (
        "faults::whoever_may_not_migrate_now_is_told_why_and_makes_no_job",
        faults::whoever_may_not_migrate_now_is_told_why_and_makes_no_job,
    ),
    (
        "faults::a_migration_goes_on_without_its_console_its_server_and_a_holder_who_vanished",
        faults::a_migration_goes_on_without_its_console_its_server_and_a_holder_who_vanished,
    ),
    (
        "faults::a_migration_whose_pod_is_killed_in_the_middle_fails_and_says_what_was_applied",
        faults::a_migration_whose_pod_is_killed_in_the_middle_fails_and_says_what_was_applied,
    ),
    (
        "faults::a_migration_is_never_asked_for_its_lock_and_its_job_comes_to_its_end",
        faults::a_migration_is_never_asked_for_its_lock_and_its_job_comes_to_its_end,
    ),
    (
        "measured::m15_an_alert_that_can_never_fire_and_a_service_scraped_as_one_target_are_told",
        measured::m15_an_alert_that_can_never_fire_and_a_service_scraped_as_one_target_are_told,
    ),
    (
        "deploy::a_release_is_copied_migrated_and_rolled_out_by_one_plan",
        deploy::a_release_is_copied_migrated_and_rolled_out_by_one_plan,
    ),
    (
        "images::a_whole_release_is_checked_copied_migrated_rolled_out_watched_and_told_or_taken_back",
        images::a_whole_release_is_checked_copied_migrated_rolled_out_watched_and_told_or_taken_back,
    ),
    (
        "deploy::what_loses_data_is_asked_about_in_the_middle_of_a_release",
        deploy::what_loses_data_is_asked_about_in_the_middle_of_a_release,
    ),
    (
        "deploy::a_release_that_does_not_start_is_taken_back_and_what_was_copied_stays",
        deploy::a_release_that_does_not_start_is_taken_back_and_what_was_copied_stays,
    ),
    (
        "deploy::a_release_whose_console_is_killed_goes_on_with_what_is_true",
        deploy::a_release_whose_console_is_killed_goes_on_with_what_is_true,
    ),
    (
        "deploy::a_command_in_a_job_runs_once_says_what_it_says_and_is_kept_when_it_fails",
        deploy::a_command_in_a_job_runs_once_says_what_it_says_and_is_kept_when_it_fails,
    ),
    (
        "migrations::a_release_that_needs_a_downgrade_is_gone_back_to_in_order",
        migrations::a_release_that_needs_a_downgrade_is_gone_back_to_in_order,
    ),
    (
        "migrations::django_is_taken_back_where_its_older_image_says_that_there_is_nothing_to_do",
        migrations::django_is_taken_back_where_its_older_image_says_that_there_is_nothing_to_do,
    ),
    (
        "migrations::what_going_back_would_lose_blocks_it_with_its_number_of_rows",
        migrations::what_going_back_would_lose_blocks_it_with_its_number_of_rows,
    ),
    (
        "migrations::what_nothing_takes_back_and_what_is_nowhere_cannot_be_gone_back_to",
        migrations::what_nothing_takes_back_and_what_is_nowhere_cannot_be_gone_back_to,
    ),
    (
        "migrations::a_release_that_does_not_start_is_left_again_with_its_schema",
        migrations::a_release_that_does_not_start_is_left_again_with_its_schema,
    ),
    (
        "migrations::a_rollback_with_its_schema_is_taken_up_again_after_each_kill",
        migrations::a_rollback_with_its_schema_is_taken_up_again_after_each_kill,
    ),
];

/// Those that need Node with Prisma.
pub(crate) const PRISMA: &[(&str, Case)] = &[
    (
        "migrations::prisma::three_releases_are_inspected_and_deployed_and_the_one_that_loses_data_asks_for_more",
        migrations::prisma::three_releases_are_inspected_and_deployed_and_the_one_that_loses_data_asks_for_more,
    ),
    (
        "migrations::prisma::a_migration_that_fails_half_way_is_told_by_statement_and_resolved",
        migrations::prisma::a_migration_that_fails_half_way_is_told_by_statement_and_resolved,
    ),
    (
        "migrations::prisma::an_image_that_has_no_driver_is_asked_through_its_client",
        migrations::prisma::an_image_that_has_no_driver_is_asked_through_its_client,
    ),
    (
        "migrations::prisma::what_was_made_by_db_push_and_who_holds_the_lock_is_seen_before",
        migrations::prisma::what_was_made_by_db_push_and_who_holds_the_lock_is_seen_before,
    ),
];

/// Those that need an object store besides.
pub(crate) const STORE: &[(&str, Case)] = &[
    (
        "uploads::a_dump_is_uploaded_and_the_store_is_asked_what_it_has",
        uploads::a_dump_is_uploaded_and_the_store_is_asked_what_it_has,
    ),
    (
        "uploads::a_dump_that_no_single_request_carries_is_uploaded_in_parts",
        uploads::a_dump_that_no_single_request_carries_is_uploaded_in_parts,
    ),
    (
        "uploads::a_store_that_refuses_fails_the_run_and_the_dump_stays_a_backup",
        uploads::a_store_that_refuses_fails_the_run_and_the_dump_stays_a_backup,
    ),
];

/// Tests that stop parts of the cluster: they run alone, after all others.
pub(crate) const QUIET: &[(&str, Case)] = &[
    (
        "faults::an_api_server_that_is_killed_in_the_middle_of_a_write_leaves_no_doubt",
        faults::an_api_server_that_is_killed_in_the_middle_of_a_write_leaves_no_doubt,
    ),
    (
        "faults::an_api_server_that_is_killed_while_a_dump_and_a_migration_run_leaves_no_doubt",
        faults::an_api_server_that_is_killed_while_a_dump_and_a_migration_run_leaves_no_doubt,
    ),
    (
        "faults::an_api_server_that_is_killed_with_the_request_for_a_job_on_its_way_makes_one_job",
        faults::an_api_server_that_is_killed_with_the_request_for_a_job_on_its_way_makes_one_job,
    ),
    (
        "faults::a_data_store_that_stands_still_delays_a_run_or_ends_it_without_a_doubt",
        faults::a_data_store_that_stands_still_delays_a_run_or_ends_it_without_a_doubt,
    ),
    (
        "faults::a_data_store_that_stands_still_for_as_long_as_a_lock_lasts_leaves_no_doubt",
        faults::a_data_store_that_stands_still_for_as_long_as_a_lock_lasts_leaves_no_doubt,
    ),
];

/// Tests that do not hold yet, each with what is missing; they are reported as ignored and counted as skipped.
pub(crate) const NOT_YET: &[(&str, &str)] = &[];
