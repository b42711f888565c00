//! The rules of good operation: each finds what it is about, and nothing in a file that does it well.

use super::{HEAD, Origin, check};

/// Names of the rules that find something.
fn found(text: &str) -> Vec<String> {
    let problems = check("f.toml", &format!("{HEAD}{text}"), &Origin::Operator);
    let errors: Vec<_> = problems.iter().filter(|p| p.level == crate::base::problem::Level::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let rule = |id: &str| id.strip_prefix("service:rule:").and_then(|rest| rest.split(':').next()).map(ToOwned::to_owned);
    problems.iter().filter_map(|p| rule(&p.id)).collect()
}

/// A file with one action: what the action has, and the entries of its steps.
fn action(head: &str, steps: &[&str]) -> String {
    let steps: Vec<String> = (1..).zip(steps).map(|(n, step)| format!("[[action.step]]\nid = \"s{n}\"\n{step}\n")).collect();
    let steps = steps.concat();
    format!(
        "[[workload]]\nid = \"api\"\nkind = \"deployment\"\nname = \"api\"\nhpa = \"api\"\nwrites_db = true\n[[backup]]\nid = \"db\"\nkind = \"velero\"\nmax_age = \"1d\"\n[notify.t]\nkind = \"mail-draft\"\n[[action]]\nid = \"a\"\n{head}\n{steps}"
    )
}

/// A step that runs this in a Job.
fn in_job(argv: &str) -> String {
    format!("type = \"job\"\nworkload = \"api\"\nargv = [{argv}]")
}

#[test]
fn each_rule_finds_what_it_is_about() {
    let migrate = &*in_job("\"alembic\", \"upgrade\", \"head\"");
    let gated = "require = [\"backup:db fresh\"]";
    let production = |target: &str| format!("[env.p]\nkind = \"production\"\n[env.p.target]\n{target}\n");
    let dump = |keys: &str| {
        format!(
            "[[workload]]\nid = \"pg\"\nkind = \"deployment\"\nname = \"pg\"\n[[backup]]\nid = \"b\"\nkind = \"pg_dump\"\nfrom = \"pg\"\n{keys}\n"
        )
    };
    for (rule, text) in [
        ("L-T2", production("cluster_uid = \"0d3bf5a1-6a34-4f0a-9d2f-8f2f1d7a9c55\"")),
        ("K-T10", production("context = \"c\"\nnamespace = \"n\"")),
        ("P-28", "[[database]]\nid = \"d\"\nkind = \"postgres\"\nhost = \"h\"\nname = \"n\"\nuser = \"u\"\n".into()),
        ("E-T3", dump("format = \"plain\"\nvolume = \"v\"\nmax_age = \"1d\"")),
        ("E-T2", dump("max_age = \"1d\"")),
        ("E-34", dump("verify = \"none\"\nvolume = \"v\"\nmax_age = \"1d\"")),
        ("D-T3", "[migrations]\ntool = \"alembic\"\n".into()),
        ("L-T1", action("", &[&in_job("\"kubectl\", \"wait\", \"--for=condition=complete\", \"job/m\"")])),
        ("L-T6", action("", &[&in_job("\"npx\", \"prisma\", \"migrate\", \"status\"")])),
        ("E-T4", action("", &[&in_job("\"pg_restore\", \"-d\", \"shop\", \"/dumps/shop.dump.gz\"")])),
        ("E-T24", action("", &[&in_job("\"kubectl\", \"get\", \"secret\", \"s\", \"-o\", \"yaml\"")])),
        (
            "L-T11",
            action(
                "",
                &[
                    "type = \"scale\"\nworkload = \"api\"\nreplicas = 0\nremember = \"replicas\"",
                    "type = \"scale\"\nworkload = \"api\"\nreplicas = 3",
                ],
            ),
        ),
        ("E-27", dump("volume = \"v\"")),
        ("E-T1", "[migrations]\ntool = \"django\"\nrun_as = \"exec\"\n".into()),
        ("K-T8", "[secrets.k]\nref = \"env:K\"\nexposure = \"public-bundle\"\n".into()),
        ("K-T8", "[[workload]]\nid = \"w\"\nkind = \"deployment\"\nname = \"w\"\nbuild_env = [\"VITE_API_KEY\"]\n".into()),
        ("E-T20", "[secrets.k]\nref = \"env:K\"\n[notify.p]\nkind = \"pagerduty-events-v2\"\nrouting_key = \"secret:k\"\n".into()),
        ("K-T7", "[[probe]]\nid = \"p\"\nkind = \"http\"\nurl = \"https://x.example/admin/login/\"\n".into()),
        (
            "E-T1",
            action(gated, &["type = \"exec\"\nworkload = \"api\"\ntimeout = \"5m\"\nargv = [\"python\", \"manage.py\", \"migrate\"]"]),
        ),
        ("L-T4", action("", &[&in_job("\"npx\", \"prisma\", \"migrate\", \"dev\"")])),
        ("L-T4", action(gated, &[&in_job("\"npm\", \"run\", \"prisma:migrate\"")])),
        ("D-T4", action("", &[&in_job("\"python\", \"-c\", \"create_all()\"")])),
        ("D-22", action("", &[migrate])),
        ("D-T2", format!("[migrations]\ntool = \"alembic\"\nlock = \"pg-advisory:7\"\n{}", action(gated, &[migrate]))),
        ("L-T5", action(gated, &["type = \"set-image\"\nworkload = \"api\"\nimage = \"api:2\"", migrate])),
        ("D-T1", action("", &["type = \"rollback\"\nworkload = \"api\"", &in_job("\"alembic downgrade -1\"")])),
        (
            "L-T3",
            action(
                "class = \"rollback\"",
                &["type = \"scale\"\nworkload = \"api\"\nreplicas = 0\nremember = \"replicas\"", "type = \"restore\"\nmode = \"new-database\""],
            ),
        ),
        (
            "E-T7",
            action("", &["type = \"scale\"\nworkload = \"api\"\nreplicas = 0\nremember = \"replicas\"", "type = \"restore\""]),
        ),
        ("L-T8", action("", &["type = \"restore\"\nmode = \"new-database\""])),
        ("E-T8", action("", &["type = \"scale\"\nworkload = \"api\"\nreplicas = 0"])),
        ("E-T9", action("class = \"scale\"", &["type = \"scale\"\nworkload = \"api\"\nreplicas = 5"])),
        ("E-32", action("", &["type = \"notify\"\nto = [\"t\"]\ntext = \"x\"\nalways = true\non_fail = \"abort\""])),
        (
            "E-T17",
            action("", &["type = \"restart\"\nworkload = \"api\"", "type = \"notify\"\nto = [\"t\"]\ntext = \"x\"\non_fail = \"continue\""]),
        ),
        ("E-T23", action("", &["type = \"rollout-wait\"\nworkload = \"api\""])),
        ("P-T1", action("", &["type = \"helm-upgrade\""])),
        (
            "P-T2",
            action("", &["type = \"helm-upgrade\"\nmerge = \"reset-then-reuse\"\nset = [\"backend.secret.DATABASE_URL=x\"]"]),
        ),
    ] {
        assert_eq!(found(&text), [rule], "{text}");
    }
}

#[test]
fn what_nobody_verified_is_not_pruned_by_age() {
    let dump = "[[workload]]\nid = \"pg\"\nkind = \"deployment\"\nname = \"pg\"\n[[backup]]\nid = \"b\"\nkind = \"pg_dump\"\nfrom = \"pg\"\n\
                volume = \"v\"\nmax_age = \"1d\"\nkeep_local = \"7d\"\nverify = \"none\"\n";
    assert_eq!(found(dump), ["E-34", "E-T16"]);
}

#[test]
fn what_is_done_well_is_left_alone() {
    let development = "[env.local]\nkind = \"development\"\n";
    for text in [
        format!(
            "{development}{}",
            action("envs = [\"local\"]", &["type = \"job\"\nworkload = \"api\"\nargv = [\"npx\", \"prisma\", \"migrate\", \"dev\"]"])
        ),
        "[defaults]\ntimeout = \"5m\"\n".to_owned() + &action("", &["type = \"rollout-wait\"\nworkload = \"api\""]),
        action(
            "",
            &["type = \"restart\"\nworkload = \"api\"", "type = \"notify\"\nto = [\"t\"]\ntext = \"x\"\nalways = true\non_fail = \"continue\""],
        ),
        action("class = \"scale\"\nhpa = \"refuse\"", &["type = \"scale\"\nworkload = \"api\"\nreplicas = 5"]),
        action("", &["type = \"helm-upgrade\"\nmerge = \"reset-then-reuse\"\nset = [\"ingress.enabled=true\"]"]),
    ] {
        assert_eq!(found(&text), Vec::<String>::new(), "{text}");
    }
}

/// A job with that command.
fn job(argv: &str) -> String {
    action("", &[&in_job(argv)])
}

#[test]
fn m03_a_restore_over_the_living_database_is_advised_against() {
    assert_eq!(found(&job("\"pg_restore\", \"-d\", \"live\", \"-c\", \"/dumps/shop.dump\"")), ["E-T7"]);
    assert_eq!(found(&job("\"sh\", \"-c\", \"pg_restore --clean -d live /dumps/shop.dump\"")), ["E-T7"]);
    assert_eq!(
        found(&job("\"pg_restore\", \"-f\", \"/dev/null\", \"/dumps/shop.dump\"")),
        Vec::<String>::new(),
        "reading one is no restore"
    );
}

#[test]
fn m04_m05_m06_a_single_transaction_makes_a_restore_in_place_no_better() {
    for options in ["-c -1", "-1c", "--clean --single-transaction"] {
        assert_eq!(found(&job(&format!("\"sh\", \"-c\", \"pg_restore {options} -d live /dumps/old.dump\""))), ["E-T7"], "{options}");
    }
}

/// What disables the action of a file with that step.
fn disabled(step: &str) -> Option<String> {
    let text = format!("{HEAD}{}", action("", &[step]));
    let (file, _) = crate::service::ServiceFile::read("f.toml", &text, &Origin::Operator);
    let (service, _) = file.expect("a file").resolve(None);
    service.actions.first().and_then(|a| a.disabled.clone())
}

#[test]
fn m03_m05_m10_nothing_restores_in_this_version_and_an_action_that_would_says_so() {
    for step in ["type = \"restore\"\nmode = \"in-place\"", "type = \"restore\"\nmode = \"new-database\"", "type = \"restore-swap\""] {
        let why = disabled(step).unwrap_or_default();
        assert!(why.contains("restore"), "{step}: {why}");
    }
}

#[test]
fn m09_parallel_and_in_one_transaction_exclude_each_other() {
    assert_eq!(found(&job("\"pg_restore\", \"-j\", \"4\", \"-1\", \"-d\", \"scratch\", \"/dumps/shop.dump\"")), ["M9"]);
    for fed in ["cat old.dump | pg_restore -j 2 -d scratch", "pg_restore --jobs=2 -d scratch < old.dump"] {
        assert_eq!(found(&job(&format!("\"sh\", \"-c\", \"{fed}\""))), ["M9"], "{fed}");
    }
    assert_eq!(found(&job("\"sh\", \"-c\", \"pg_restore -d scratch < old.dump\"")), Vec::<String>::new());
    assert_eq!(found(&job("\"pg_restore\", \"-j4\", \"-d\", \"scratch\", \"/dumps/shop.dump\"")), Vec::<String>::new());
}

#[test]
fn m11_a_dump_into_a_pipe_without_pipefail_is_advised_against() {
    assert_eq!(found(&job("\"sh\", \"-c\", \"pg_dump shop | gzip > /dumps/shop.gz\"")), ["M11"]);
    assert_eq!(found(&job("\"bash\", \"-c\", \"set -o pipefail; pg_dump shop | gzip > /dumps/shop.gz\"")), Vec::<String>::new());
}

#[test]
fn m12_a_column_that_newer_servers_do_not_have_is_said() {
    assert_eq!(found(&job("\"psql\", \"-c\", \"select mean_time from pg_stat_statements\"")), ["E-19"]);
    assert_eq!(found(&job("\"psql\", \"-c\", \"select mean_exec_time from pg_stat_statements\"")), Vec::<String>::new());
}
