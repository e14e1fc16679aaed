//! Models and weights that are elsewhere: from a server on the loopback interface.

#[path = "../../stages/shared/download/src/tests/server.rs"]
mod server;

use super::workspace::{Workspace, names, text};
use server::{Request, Server, answer};
use std::{
    path::{Path, PathBuf},
    process::Output,
    sync::{Arc, Mutex},
};

/// A server that has one file, which may be replaced, and tells its state by an `ETag`.
struct Shelf {
    server: Server,
    file: Arc<Mutex<(String, Vec<u8>)>>,
}

impl Shelf {
    fn with(name: &str, bytes: &[u8]) -> Self {
        let file = Arc::new(Mutex::new((format!("\"{name}\""), bytes.to_vec())));
        let held = Arc::clone(&file);
        let server = Server::start(move |request: &Request| {
            let (tag, bytes) = held.lock().expect("a file").clone();
            match request.header("if-none-match") {
                Some(known) if known == tag => answer("304 Not Modified", &[("ETag", &tag)], b""),
                _ => answer("200 OK", &[("ETag", &tag)], &bytes),
            }
        });
        Self { server, file }
    }

    fn replace(&self, name: &str, bytes: &[u8]) {
        *self.file.lock().expect("a file") = (format!("\"{name}\""), bytes.to_vec());
    }

    /// What each request said it had.
    fn known(&self) -> Vec<Option<String>> {
        self.server.asked().iter().map(|request| request.header("if-none-match").map(str::to_owned)).collect()
    }
}

fn golden(name: &str) -> Vec<u8> {
    let path = format!("{}/stages/shared/{name}", env!("CARGO_MANIFEST_DIR"));
    fs_err::read(path).expect("a model")
}

fn image_network() -> Vec<u8> {
    golden("kernels/tests/float/image_network.h5")
}

/// The only thing in a folder.
fn only(folder: &Path) -> PathBuf {
    let found: Vec<PathBuf> =
        fs_err::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

fn estimate(workspace: &Workspace, run: &str, model: &str, verb: &str) -> Output {
    let model = format!("+general.model_path={model}");
    let changes = [
        "operation_mode=stages",
        "+stages={need: {uses: estimate}}",
        "~general.model_type",
        "+benchmarking={}",
    ];
    let mut command = workspace.verb(verb, run, &[&changes[..], &[&model]].concat());
    command.output().expect("the binary starts")
}

#[test]
fn a_model_behind_an_address_is_kept_and_asked_for_by_each_command() {
    let workspace = Workspace::new();
    let shelf = Shelf::with("one", &image_network());
    let address = shelf.server.address("/models/network.h5?key=s3cret").replace("http://", "http://me:pass@");
    let run = |folder: &str| estimate(&workspace, folder, &address, "run");

    let first = run("first");
    assert!(first.status.success(), "{}", text(&first));
    let fetched = format!("fetched {}", shelf.server.address("/models/network.h5"));
    assert!(text(&first).contains(&fetched), "{}", text(&first));
    assert_eq!(workspace.open("first").stages("stage_started"), names(&["need"]));
    // But for the one file that `resume` reads, which is the user's alone.
    for file in workspace.open("first").files().iter().filter(|file| !file.ends_with(".secrets.yaml")) {
        let bytes = workspace.open("first").bytes(file);
        let told = String::from_utf8_lossy(&bytes);
        assert!(!told.contains("me:pass") && !told.contains("s3cret"), "{file} has a secret");
    }

    // What counts is what the file holds, wherever it comes from.
    let local = workspace.write("network.h5", image_network());
    let same = estimate(&workspace, "local", &local.display().to_string(), "run");
    assert!(same.status.success(), "{}", text(&same));
    assert_eq!(workspace.open("local").stages("stage_started"), names(&[]));

    for _ in 0..2 {
        let again = run("first");
        assert!(text(&again).contains("nothing to do"), "{}", text(&again));
    }
    let one = || Some("\"one\"".to_owned());
    assert_eq!(shelf.known(), [None, one(), one()]);

    shelf.replace("two", &golden("formats/tests/golden/keras3_sequential.h5"));
    let plan = estimate(&workspace, "first", &address, "plan");
    assert!(text(&plan).contains("to run"), "{}", text(&plan));
    let changed = run("changed");
    assert!(changed.status.success(), "{}", text(&changed));
    assert_eq!(workspace.open("changed").stages("stage_started"), names(&["need"]));
    assert_eq!(shelf.known()[3..], [one(), Some("\"two\"".to_owned())]);
    // A run that reads the first may still be at work.
    let copies = fs_err::read_dir(only(&workspace.path().join("cache/downloads"))).expect("copies");
    let first = image_network();
    let has_first = |copy: PathBuf| fs_err::read(copy.join("network.h5")).expect("a copy") == first;
    let kept: Vec<bool> = copies.map(|entry| has_first(entry.expect("an entry").path())).collect();
    assert_eq!((kept.len(), kept.iter().filter(|is_first| **is_first).count()), (2, 1));
}

#[test]
fn a_page_in_place_of_a_model_is_told_and_replaces_nothing() {
    let workspace = Workspace::new();
    let page = b"<!DOCTYPE html><title>Log in</title>";
    let shelf = Shelf::with("page", page);
    let run = |folder: &str| estimate(&workspace, folder, &shelf.server.address("/network.h5"), "run");
    let refused = run("refused");
    assert_eq!(refused.status.code(), Some(10), "{}", text(&refused));
    assert!(text(&refused).contains("what came is no .h5 file"), "{}", text(&refused));

    shelf.replace("one", &image_network());
    assert!(run("first").status.success());
    shelf.replace("page", page);
    let unchanged = run("first");
    assert!(
        unchanged.status.success() && text(&unchanged).contains("the copy that came at"),
        "{}",
        text(&unchanged)
    );
}

#[test]
fn a_training_goes_on_from_an_address() {
    let workspace = Workspace::new();
    let short = workspace.done("short", &["operation_mode=training"]);
    let shelf = Shelf::with("last", &short.bytes("saved_models/last_augmented_model.h5"));
    let longer = |from: &str| {
        let from = format!("+training.resume_training_from={from}");
        let changes = ["operation_mode=training", "~training.model", "training.epochs=3", &from];
        workspace.done("longer", &changes).bytes("saved_models/last_model.h5")
    };
    let address = shelf.server.address("/last_augmented_model.h5?token=s3cret");
    assert_eq!(longer(&address), longer("short"));
    assert_eq!(shelf.known().len(), 1);
}

#[test]
fn without_the_server_the_copy_serves_and_the_user_is_told() {
    let workspace = Workspace::new();
    let shelf = Shelf::with("one", &image_network());
    let address = shelf.server.address("/network.h5");
    let run = |folder: &str| estimate(&workspace, folder, &address, "run");
    assert!(run("first").status.success());

    // A copy that is not what came is no copy.
    let copies = workspace.path().join("cache/downloads");
    let folder = only(&only(&copies));
    fs_err::write(folder.join("network.h5"), "not what came").expect("a file");
    let mended = run("first");
    assert!(text(&mended).contains("nothing to do"), "{}", text(&mended));
    assert_eq!(shelf.known(), [None, None]);
    assert_eq!(fs_err::read(folder.join("network.h5")).expect("a file"), image_network());

    drop(shelf);
    let warning =
        format!("model_path: cannot ask for {address}: the connection was refused; the copy that came at ");
    let unchanged = run("first");
    assert!(unchanged.status.success(), "{}", text(&unchanged));
    assert!(
        text(&unchanged).contains(&warning) && text(&unchanged).contains("nothing to do"),
        "{}",
        text(&unchanged)
    );
    fs_err::remove_dir_all(workspace.path().join("cache/actions")).expect("results");
    let anew = run("anew");
    assert!(anew.status.success() && text(&anew).contains(&warning), "{}", text(&anew));
    assert_eq!(workspace.open("anew").stages("stage_started"), names(&["need"]));

    fs_err::remove_dir_all(&copies).expect("the copies");
    let refused = run("refused");
    assert_eq!(refused.status.code(), Some(10), "{}", text(&refused));
    assert!(text(&refused).contains("config::path"), "{}", text(&refused));
    assert!(!workspace.path().join("refused").exists(), "a run folder was made");
}

#[test]
fn a_connection_that_breaks_leaves_nothing_behind() {
    let workspace = Workspace::new();
    let server = Server::start(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n\x89HDF".to_vec());
    let broken = estimate(&workspace, "broken", &server.address("/network.h5"), "run");
    assert!(!broken.status.success());
    let told = text(&broken).replace('\n', " ");
    assert!(told.contains("broke after 4 bytes of 1000"), "{told}");
    for folder in ["cache/downloads", "cache/tmp"] {
        let left = fs_err::read_dir(workspace.path().join(folder)).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{folder}");
    }
}

#[test]
fn imagenet_weights_are_fetched_once_into_the_folder_of_weights() {
    let workspace = Workspace::new();
    // A model with the same backbone has its layers under the same names as Keras' file.
    let weights =
        workspace.done("training", &["operation_mode=training"]).bytes("saved_models/best_model.h5");
    let shelf = Shelf::with("weights", &weights);
    let run = |folder: &str| {
        let changes = ["operation_mode=training", "+training.model.pretrained_weights=imagenet"];
        let mut command = workspace.command(folder, &changes);
        command.env("PIPELINE_WEIGHTS_DIR", workspace.path().join("weights"));
        let output = command.env("PIPELINE_WEIGHTS_URL", shelf.server.address("/keras/")).output();
        let output = output.expect("the binary starts");
        assert!(output.status.success(), "{}", text(&output));
    };
    run("first");
    run("second");
    let name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5";
    let asked: Vec<String> = shelf.server.asked().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, [format!("/keras/mobilenet_v2/{name}")]);
    assert_eq!(fs_err::read(workspace.path().join("weights").join(name)).expect("a file"), weights);
    assert!(workspace.open("second").stages("stage_started").is_empty(), "it starts from the same weights");
}
