//! No configuration makes loading panic, hang or eat the memory; what loads is written such that it loads again; what
//! does not has a report.

use super::{
    mutate::{Draws, change, mutate},
    patience, seed,
};
use pipeline::config::{Request, load, load_text};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Longest that one text may take, milliseconds are usual.
const SLOW: Duration = Duration::from_secs(2);

/// How often a slow text is tried again: on a machine that others use too, a slow run says little of the text.
const TRIES: usize = 3;

/// Most texts that are kept to be changed further.
const POOL: usize = 3000;

/// Most memory that the test may have had, KiB.
const MOST_MEMORY: u64 = 1 << 20;

#[test]
#[ignore = "goes on for PIPELINE_SOAK_SECONDS"]
fn no_configuration_does_harm() {
    let seed = seed();
    let mut draws = Draws(seed);
    let mut pool = corpus();
    let whole = pool.len();
    assert!(whole >= 15, "{whole}");
    let folder = tempfile::tempdir().expect("a folder");
    // A panic is a finding, and told once.
    std::panic::set_hook(Box::new(|_| ()));
    let (started, patience) = (Instant::now(), patience());
    let (mut executions, mut loads, mut told) = (0u64, 0u64, Duration::from_secs(60));
    let mut kinds = BTreeSet::new();
    let mut findings: BTreeMap<String, PathBuf> = BTreeMap::new();
    while started.elapsed() < patience {
        let from = if draws.one_in(2) { whole } else { pool.len() };
        let text = pool[draws.below(from)].clone();
        let other = pool[draws.below(pool.len())].clone();
        let bytes = mutate(&text, &other, &mut draws);
        let changes = (0..draws.below(3)).map(|_| change(&text, &mut draws)).collect();
        let case = Case { bytes, changes, is_template: draws.one_in(8), is_file: draws.one_in(16) };
        executions += 1;
        match case.run(folder.path()) {
            Ok(Seen { kind, loaded }) => {
                loads += u64::from(loaded);
                // Another sort of outcome than all before: worth going on from.
                if kinds.insert(kind) && pool.len() < POOL {
                    pool.push(String::from_utf8_lossy(&case.bytes).into_owned());
                }
            }
            Err(finding) => {
                let count = findings.len();
                findings.entry(finding).or_insert_with(|| case.keep(count));
            }
        }
        if started.elapsed() > told {
            told += Duration::from_secs(60);
            eprintln!(
                "{executions} executions, {} findings, {} s",
                findings.len(),
                started.elapsed().as_secs()
            );
        }
    }
    drop(std::panic::take_hook());
    let rate = executions as f64 / started.elapsed().as_secs_f64();
    let memory = most_memory();
    eprintln!(
        "seed {seed}: {executions} executions, {rate:.0} a second; {loads} loaded; {} sorts of outcome; at most {} MiB; {} \
         findings",
        kinds.len(),
        memory / 1024,
        findings.len()
    );
    let list: Vec<String> =
        findings.iter().map(|(what, file)| format!("{}: {what}", file.display())).collect();
    assert!(findings.is_empty(), "{}", list.join("\n"));
    assert!(memory < MOST_MEMORY, "{memory} KiB");
}

/// Every configuration of the repository.
fn corpus() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["pipelines", "examples", "tests/fixtures"].map(|folder| root.join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().is_some_and(|name| name.ends_with(".yaml") || name.ends_with(".j2")) {
                texts.push(fs_err::read_to_string(&path).expect("text"));
            }
        }
    }
    texts.sort();
    texts
}

struct Case {
    bytes: Vec<u8>,
    changes: Vec<String>,
    is_template: bool,
    is_file: bool,
}

struct Seen {
    /// The sort of outcome: what was said, without names and numbers.
    kind: String,
    loaded: bool,
}

impl Case {
    /// What came of it; an error is what must not happen.
    fn run(&self, folder: &Path) -> Result<Seen, String> {
        let mut fastest = Duration::MAX;
        for _ in 0..TRIES {
            let started = Instant::now();
            let seen = self.caught(folder)?;
            fastest = fastest.min(started.elapsed());
            if fastest < SLOW {
                return Ok(seen);
            }
        }
        Err(format!("takes {} s", fastest.as_secs()))
    }

    /// The outcome; a panic is a finding.
    fn caught(&self, folder: &Path) -> Result<Seen, String> {
        catch_unwind(AssertUnwindSafe(|| self.outcome(folder))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("panic: {}", text.unwrap_or_default().chars().take(200).collect::<String>()))
        })
    }

    fn outcome(&self, folder: &Path) -> Result<Seen, String> {
        let name = if self.is_template { "case.yaml.j2" } else { "case.yaml" };
        let now = started();
        let loaded = if self.is_file {
            let file = folder.join(name);
            fs_err::write(&file, &self.bytes).expect("the case");
            load(&Request { file, overrides: self.changes.clone(), started: now })
        } else {
            load_text(name, &String::from_utf8_lossy(&self.bytes), &self.changes, &now)
        };
        let again = |what: &str, yaml: &str, config: &contract::Config| match load_text(
            "again.yaml",
            yaml,
            &[],
            &started(),
        ) {
            Ok(again) if again.config == *config => Ok(()),
            Ok(_) => Err(format!("{what} reads back as another configuration")),
            Err(errors) => Err(format!("{what} does not read back: {}", sort_of(&errors.to_string()))),
        };
        match loaded {
            Ok(loaded) => {
                again("the text with secrets", &loaded.secret_yaml(), &loaded.config)?;
                // Credentials that are starred out are other values.
                let resolved = loaded.resolved_yaml();
                if !resolved.contains("***") {
                    again("the resolved text", &resolved, &loaded.config)?;
                }
                Ok(Seen { kind: "loads".to_owned(), loaded: true })
            }
            Err(errors) => {
                if errors.is_empty() || errors.render(false).trim().is_empty() {
                    return Err("a refusal that says nothing".to_owned());
                }
                let obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
                if errors.render(false).contains(obeyed) {
                    return Err("a report with characters that a terminal obeys".to_owned());
                }
                if serde_json::to_string(&errors.to_json()).is_err() {
                    return Err("a report that is no JSON".to_owned());
                }
                let mut kind: Vec<String> = errors.iter().map(|error| sort_of(&error.to_string())).collect();
                kind.sort();
                kind.dedup();
                Ok(Seen { kind: kind.join(";"), loaded: false })
            }
        }
    }

    /// Writes the case down.
    fn keep(&self, number: usize) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("pipeline-soak-{}", std::process::id()));
        fs_err::create_dir_all(&folder).expect("a folder");
        let end = if self.is_template { "yaml.j2" } else { "yaml" };
        let file = folder.join(format!("{number}.{end}"));
        fs_err::write(&file, &self.bytes).expect("the case");
        let changes = serde_json::to_string(&self.changes).expect("JSON");
        fs_err::write(folder.join(format!("{number}.changes.json")), changes).expect("its changes");
        file
    }
}

/// A time that is the same in every run.
fn started() -> jiff::Zoned {
    jiff::Timestamp::from_second(1_795_358_707).expect("a time").to_zoned(jiff::tz::TimeZone::UTC)
}

/// A message without what it quotes and counts.
fn sort_of(message: &str) -> String {
    let outside: String = message.split('`').step_by(2).collect();
    outside.chars().filter(|c| !c.is_ascii_digit()).take(80).collect()
}

/// Most memory of this process so far, KiB.
fn most_memory() -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
