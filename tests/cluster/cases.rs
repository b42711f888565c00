//! The tests, by what they are about. Each takes the cluster and works in a namespace of its own.

mod bed;
mod scale;

use crate::cluster::Cluster;

/// A test: fails by panicking.
pub(crate) type Case = fn(&Cluster);

macro_rules! cases {
    ($($module:ident: $($name:ident),+ $(,)?;)+) => {
        /// Every test, by its name.
        pub(crate) const ALL: &[(&str, Case)] = &[$($((concat!(stringify!($module), "::", stringify!($name)), $module::$name)),+),+];
    };
}

cases! {
    bed: a_pod_runs_answers_and_is_measured, a_condition_that_never_holds_is_reported_with_the_last_state,
        a_crash_loop_is_a_real_one, each_user_may_do_what_its_name_says;
    scale: a_scale_is_proven_recorded_and_leaves_only_its_notes, a_stateful_set_goes_down_to_zero_by_phrase_and_comes_back,
        an_autoscaler_blocks_until_its_bound_is_moved, a_quota_without_room_blocks_the_plan_and_fails_an_overridden_run,
        a_scale_without_room_on_the_nodes_ends_as_failed_and_undone, a_plan_is_stale_when_somebody_scaled_first_or_made_the_object_anew,
        two_consoles_that_confirm_the_same_plan_at_once_write_once, a_view_only_user_is_told_the_right_that_is_missing,
        a_read_only_console_plans_and_writes_nothing, an_admission_policy_that_denies_blocks_the_plan_with_its_words;
}
