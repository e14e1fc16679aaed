//! A disk that is full: an error that says so, nothing corrupt, and the same command works once there is space.
//!
//! The disk is a small one in memory, mounted where only the processes of the test see it; that needs a system that lets
//! users have namespaces of their own.

use super::sandbox::Sandbox;
use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};

/// 0.1 and 3 MB.
const STAGES: &str = "\
operation_mode: stages
stages:
  small: {command: 'yes small | head -c 100000 > {outputs.small}', outputs: [small]}
  big: {command: '(cat {inputs.0}; yes big | head -c 2900000) > {outputs.big}', inputs: [small/small], outputs: [big]}
";

/// Runs on a disk of `$1` at `$2`, then again on a larger one, then again with nothing to do.
const SCRIPT: &str = "\
mount -t tmpfs -o size=$1 disk $2 || exit 77
for run in first second third; do
  \"$3\" run own.yaml hydra.run.dir=runs/run > $run.out 2>&1
  echo $? > $run.code
  mount -o remount,size=64m $2
done
rm -rf seen
cp -r runs seen
";

/// What a disk of a size at a folder comes to: how the first run ended and what it said; none where nothing can be mounted.
pub(crate) fn on_a_disk(kib: u64, folder: &str) -> Option<(i32, String)> {
    let sandbox = Sandbox::new();
    sandbox.write("own.yaml", STAGES);
    sandbox.write("full.sh", SCRIPT);
    for folder in ["cache", "runs"] {
        fs_err::create_dir(sandbox.path(folder)).expect("a folder");
    }
    let program = sandbox.command(&[]).get_program().to_owned();
    let said = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "full.sh", &format!("{kib}k"), folder])
        .arg(program)
        .current_dir(sandbox.path(""))
        .env("PIPELINE_CACHE_DIR", sandbox.path("cache"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output();
    match said {
        Ok(said) if said.status.success() => {}
        reason => {
            eprintln!("skipped: no small disk can be mounted here: {reason:?}");
            return None;
        }
    }
    let read = |name: &str| fs_err::read_to_string(sandbox.path(name)).expect("what the script wrote");
    let code = |run: &str| read(&format!("{run}.code")).trim().parse::<i32>().expect("an exit code");
    let place = format!("{kib} KiB at {folder}: {} {}", read("first.out"), read("second.out"));
    assert_eq!((code("second"), code("third")), (0, 0), "{place} {}", read("third.out"));
    assert!(read("third.out").contains("nothing to do"), "{place} {}", read("third.out"));
    let found = outputs(&sandbox);
    assert!(found.contains(&whole()), "{place}: {:?}", found.iter().map(BTreeMap::keys).collect::<Vec<_>>());
    for (path, bytes) in found.iter().flatten() {
        assert!(whole().get(path) == Some(bytes), "{place}: {path} has {} wrong bytes", bytes.len());
    }
    Some((code("first"), read("first.out")))
}

/// The outputs in each run's folder.
fn outputs(sandbox: &Sandbox) -> Vec<BTreeMap<String, Vec<u8>>> {
    let runs = fs_err::read_dir(sandbox.path("seen")).expect("runs");
    let read = |run: std::path::PathBuf| {
        let files = ["small", "big"].into_iter().filter_map(|stage| {
            let bytes = fs_err::read(run.join(stage).join(stage)).ok()?;
            Some((stage.to_owned(), bytes))
        });
        files.collect()
    };
    runs.map(|run| read(run.expect("a run").path())).collect()
}

fn whole() -> BTreeMap<String, Vec<u8>> {
    let lines = |word: &str, count| format!("{word}\n").into_bytes().into_iter().cycle().take(count);
    let small: Vec<u8> = lines("small", 100_000).collect();
    let big = small.iter().copied().chain(lines("big", 2_900_000)).collect();
    [("small".to_owned(), small), ("big".to_owned(), big)].into()
}

/// Whether a message says what is wrong with the disk.
pub(crate) fn tells_of_the_disk(message: &str) -> bool {
    ["the disk is full", "No space left on device", "are free"].iter().any(|words| message.contains(words))
}

#[test]
fn a_store_on_a_full_disk_fails_the_stage_and_the_same_command_goes_on_once_there_is_space() {
    // Too small for both, for the output and its object, and for nothing.
    for (kib, expected) in [(2000, 12), (4500, 12), (12_000, 0)] {
        let Some((code, message)) = on_a_disk(kib, "cache") else { return };
        assert_eq!(code, expected, "{kib} KiB: {message}");
        assert!(code == 0 || tells_of_the_disk(&message), "{kib} KiB: {message}");
        assert!(kib != 4500 || message.contains("store::full"), "{message}");
    }
}

#[test]
fn a_run_folder_on_a_full_disk_fails_the_stage_and_the_same_command_goes_on_once_there_is_space() {
    let Some((code, message)) = on_a_disk(2000, "runs") else { return };
    assert_eq!(code, 12, "{message}");
    assert!(tells_of_the_disk(&message), "{message}");
}
