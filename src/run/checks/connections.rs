//! The connections of a database, where a service file gives the numbers: more pods hold more of them.
//!
//! Owns the arithmetic: pods times the connections that each holds at most, over all workloads that use the database, against what
//! its server has left for them. Knows no database: nothing is asked of one.

use crate::run::check::Check;
use crate::target::api::TargetError;
use crate::target::model::ObjectRef;

/// What a service file says of the connections of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// Id of the database.
    pub database: String,
    /// Connections that its server takes (`max_connections`).
    pub most: u32,
    /// Those among them that are not for applications (`superuser_reserved_connections`).
    pub reserved: u32,
    /// Each workload that uses it, and how many one of its pods holds at most.
    pub per_pod: Vec<(ObjectRef, u32)>,
}

/// How many pods a workload has, or why that cannot be read.
pub(in crate::run) type Pods = Result<i64, TargetError>;

/// Whether the connections are enough when `object` has `count` pods; `pods` are those of each user, in the same order.
pub(in crate::run) fn connections(budget: &Connections, object: &ObjectRef, count: i64, pods: &[Pods]) -> Check {
    let check = Check::overridable(format!("connections:{}", budget.database));
    let left = i64::from(budget.most) - i64::from(budget.reserved);
    let (mut sum, mut words, mut unread) = (0, Vec::new(), Vec::new());
    for ((user, each), pods) in budget.per_pod.iter().zip(pods) {
        match pods.as_ref().map(|pods| if user == object { count } else { *pods }) {
            Ok(pods) => {
                sum += pods * i64::from(*each);
                words.push(format!("{} {pods} × {each}", user.name));
            }
            Err(error) => unread.push(format!("{}: {}", user.name, error.message)),
        }
    }
    let sums = format!("{} = {sum} of {left} that {} has for applications", words.join(" + "), budget.database);
    if sum > left {
        return check.failed(sums, "ask for fewer pods, a smaller pool, or put a pooler in between");
    }
    if !unread.is_empty() {
        let check = Check::advisory(format!("connections:{}", budget.database));
        return check.unknown(format!("{sums}, and not known of {}", unread.join(", ")), "look at who else uses it");
    }
    check.ok(sums)
}

#[cfg(test)]
mod tests {
    use super::{Connections, connections};
    use crate::run::check::Answer;
    use crate::target::api::{ErrorKind, TargetError};
    use crate::target::model::{Kind, ObjectRef};

    #[test]
    fn pods_times_connections_of_all_who_use_it_must_fit() {
        let api = ObjectRef::new(Kind::Deployment, "shop", "api");
        let worker = ObjectRef::new(Kind::Deployment, "shop", "worker");
        let budget = Connections { database: "main".into(), most: 100, reserved: 3, per_pod: vec![(api.clone(), 20), (worker, 5)] };
        let of = |count, worker| connections(&budget, &api, count, &[Ok(1), worker]);
        let good = of(4, Ok(3));
        assert_eq!((good.result, good.detail.as_str()), (Answer::Ok, "api 4 × 20 + worker 3 × 5 = 95 of 97 that main has for applications"));
        assert_eq!(of(5, Ok(0)).result, Answer::Failed);
        let unread = || Err(TargetError::new(ErrorKind::Forbidden, "you may not"));
        assert_eq!(of(5, unread()).result, Answer::Failed, "too many without the one that cannot be read");
        let unknown = of(2, unread());
        assert!(unknown.result == Answer::Unknown && !unknown.required, "{unknown:?}");
    }
}
