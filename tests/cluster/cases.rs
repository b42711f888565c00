//! The tests, by what they are about. Each takes the cluster and works in a namespace of its own.

mod bed;

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
}
