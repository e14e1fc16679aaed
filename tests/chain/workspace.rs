//! A folder with a cache of its own and a small chain file, and the binary run in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The smallest chain that is still real: 32x32 pixels, two epochs.
const CHAIN: &str = "
general: { project_name: test, model_type: deeplab_v3, global_seed: 7 }
operation_mode: chain_tqe
dataset: { name: shapes, quantization_split: 0.05 }
preprocessing:
  rescaling: { scale: 1/127.5, offset: -1 }
  resizing: { interpolation: bilinear, aspect_ratio: fit }
  color_mode: rgb
training:
  model: { name: mobilenet, version: v2, alpha: 0.35, output_stride: 16, aspp: v2, input_shape: [32, 32, 3] }
  dropout: 0.2
  batch_size: 32
  epochs: 2
  optimizer: { Adam: { learning_rate: 0.002 } }
quantization:
  quantizer: TFlite_converter
  quantization_type: PTQ
  quantization_input_type: uint8
  quantization_output_type: float
";

pub(super) struct Workspace {
    folder: tempfile::TempDir,
}

impl Workspace {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs_err::write(folder.path().join("chain.yaml"), CHAIN).expect("the chain file");
        Self { folder }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("the folder of a file");
        fs_err::write(&path, content).expect("a file");
        path
    }

    /// `pipeline run chain.yaml hydra.run.dir=<run> ...`, ready to start.
    pub(super) fn command(&self, run: &str, overrides: &[&str]) -> Command {
        self.verb("run", run, overrides)
    }

    /// The same with another verb.
    pub(super) fn verb(&self, verb: &str, run: &str, overrides: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
        command
            .current_dir(self.path())
            .env("PIPELINE_CACHE_DIR", self.path().join("cache"))
            .env("NO_COLOR", "1")
            .env_remove("PIPELINE_FAILPOINT")
            .args([verb, "chain.yaml", &format!("hydra.run.dir={run}")])
            .args(overrides);
        command
    }

    pub(super) fn run(&self, run: &str, overrides: &[&str]) -> Output {
        self.command(run, overrides).output().expect("the binary starts")
    }

    /// Runs and expects success.
    pub(super) fn done(&self, run: &str, overrides: &[&str]) -> Run {
        let output = self.run(run, overrides);
        assert!(output.status.success(), "{}", text(&output));
        self.open(run)
    }

    pub(super) fn open(&self, run: &str) -> Run {
        Run { folder: self.path().join(run) }
    }
}

/// A run folder.
pub(super) struct Run {
    pub(super) folder: PathBuf,
}

impl Run {
    /// Names of the stages with an event of that kind.
    pub(super) fn stages(&self, event: &str) -> BTreeSet<String> {
        self.events()
            .iter()
            .filter(|e| e["event"] == event)
            .filter_map(|e| Some(e["stage"].as_str()?.to_owned()))
            .collect()
    }

    pub(super) fn events(&self) -> Vec<serde_json::Value> {
        fs_err::read_to_string(self.folder.join("events.jsonl"))
            .expect("events.jsonl")
            .lines()
            .map(|line| serde_json::from_str(line).expect("an event a line"))
            .collect()
    }

    pub(super) fn metric(&self, name: &str) -> f64 {
        self.events()
            .iter()
            .find(|e| e["event"] == "metric" && e["name"] == name)
            .and_then(|e| e["value"].as_f64())
            .unwrap_or_else(|| panic!("no metric {name}"))
    }

    pub(super) fn bytes(&self, path: &str) -> Vec<u8> {
        fs_err::read(self.folder.join(path)).expect("a file of the run")
    }

    /// Every file a stage made, with its bytes: all but the run's own records, which hold times and ids.
    pub(super) fn artifacts(&self) -> BTreeMap<String, Vec<u8>> {
        let records = [
            "run.json",
            "events.jsonl",
            "stm32ai_main.log",
            ".hydra/config.yaml",
            ".hydra/keys.json",
            ".hydra/overrides.yaml",
        ];
        self.files()
            .into_iter()
            .filter(|path| !records.contains(&path.as_str()))
            .map(|path| (path.clone(), self.bytes(&path)))
            .collect()
    }

    /// Every file below the run folder.
    pub(super) fn files(&self) -> BTreeSet<String> {
        fn walk(folder: &Path, root: &Path, files: &mut BTreeSet<String>) {
            for entry in fs_err::read_dir(folder).expect("a folder of the run") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    walk(&path, root, files);
                } else {
                    files.insert(path.strip_prefix(root).expect("below the run").display().to_string());
                }
            }
        }
        let mut files = BTreeSet::new();
        walk(&self.folder, &self.folder, &mut files);
        files
    }
}

/// What a process said, for the message of a failed assertion.
pub(super) fn text(output: &Output) -> String {
    format!(
        "{}\n--- stdout\n{}\n--- stderr\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

pub(super) fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
