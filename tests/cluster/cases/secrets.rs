//! Secrets of a service file: they reach whom they are for, and nobody else.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::cluster::Cluster;
use crate::operator::Operator;

/// One for each place that a secret may be in.
const VALUES: [(&str, &str); 4] = [("env", "tulip-9911-env"), ("file", "tulip-9912-file"), ("cmd", "tulip-9913-cmd"), ("k8s", "tulip-9914-k8s")];

/// A server that says back what it was sent, and never answers as it should.
fn indiscreet() -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, heard) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(String::new())));
    let kept = Arc::clone(&heard);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0_u8; 4096];
            let read = stream.read(&mut bytes).unwrap_or(0);
            let asked = String::from_utf8_lossy(&bytes[..read]).into_owned();
            kept.lock().unwrap().push_str(&asked);
            let key = asked.lines().find_map(|line| line.strip_prefix("x-key: ")).unwrap_or_default().to_owned();
            let body = format!("no entry with {key}");
            let head = format!("HTTP/1.1 500 no {key}\r\nx-said: {key}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    (port, heard)
}

fn files_below(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files_below(&entry.path(), all);
        } else {
            all.push(entry.path());
        }
    }
}

pub(crate) fn each_secret_of_a_probe_reaches_its_endpoint_and_is_nowhere_else(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\nstringData: {{key: {}}}\n", VALUES[3].1));
    let operator = Operator::new(cluster, "admin", &space).env("SHOP_KEY", VALUES[0].1);
    let kept = operator.sandbox.write("key", &format!("{}\n", VALUES[1].1));
    let program = operator.sandbox.write("print-key", &format!("#!/bin/sh\necho {}\n", VALUES[2].1));
    let (port, heard) = indiscreet();
    let references = [
        "env:SHOP_KEY".to_owned(),
        format!("file:{}", kept.display()),
        format!("cmd:/bin/sh {}", program.display()),
        format!("k8s:{}/keys#key", space.name()),
    ];
    let entries: String = VALUES
        .iter()
        .zip(&references)
        .map(|((id, _), reference)| {
            format!(
                "[secrets.{id}]\nref = \"{reference}\"\n[[probe]]\nid = \"{id}\"\nkind = \"http\"\nurl = \"http://127.0.0.1:{port}/{id}\"\n\
                 expect = {{ status = 200, body = \"welcome\" }}\nheaders = {{ X-Key = \"secret:{id}\" }}\n"
            )
        })
        .collect();
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.test]\nkind = \"test\"\n[env.test.target]\ntype = \"kubernetes\"\n{entries}"
    );
    let file = operator.sandbox.write("shop.toml", &text).display().to_string();
    let table = operator.call(&["status", "-f", &file]);
    let answer = operator.call(&["status", "-f", &file, "-o", "json"]);
    let asked = heard.lock().unwrap().clone();
    for (id, value) in VALUES {
        assert!(asked.contains(&format!("/{id} ")) && asked.contains(value), "{id} was not asked with its secret:\n{asked}\n{table:?}");
    }
    let mut console = operator.console((120, 40), &["-f", &file]);
    let screen = console.wait("the probes have failed", |screen| VALUES.iter().all(|(id, _)| screen.has_row(&[id, "500"])));
    console.press("q");
    let mut said = format!("{table:?}\n{answer:?}\n{}", screen.dump());
    let mut files = Vec::new();
    files_below(&operator.sandbox.path(""), &mut files);
    for path in files.iter().filter(|path| ![&kept, &program].contains(path)) {
        said.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap_or_default()));
    }
    for (id, value) in VALUES {
        assert!(!said.contains(value), "the secret of {id} is somewhere where it does not belong:\n{said}");
    }
}
