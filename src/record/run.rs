//! `run.json`: what ran, and what came of it.

use crate::store::{Digest, Engine, Store};
use serde::{Deserialize, Serialize};

/// The record of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this format, [`RunRecord::FORMAT`].
    pub format: u32,
    /// The run folder's name.
    pub id: String,
    /// The mode word.
    pub operation_mode: String,
    /// The configuration file, as it was named.
    pub file: String,
    /// The working directory it was started in, absolute: what relative paths of the configuration are relative to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// The store it uses, absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// The engine that worked on it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// When it started, RFC 3339, UTC.
    pub started: String,
    /// When it was resumed, each time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resumed: Vec<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The nodes of the plan, in its order.
    pub stages: Vec<StageRecord>,
}

impl RunRecord {
    /// The version this program writes.
    pub const FORMAT: u32 = 1;

    /// The record of a run that this process starts now, in its working directory.
    #[must_use]
    pub fn start(id: &str, operation_mode: &str, file: &str) -> Self {
        let directory = std::env::current_dir().ok();
        Self {
            format: Self::FORMAT,
            id: id.to_owned(),
            operation_mode: operation_mode.to_owned(),
            file: file.to_owned(),
            directory: directory.map(|directory| directory.to_string_lossy().into_owned()),
            store: None,
            engine: Some(Engine::this()),
            started: jiff::Timestamp::now().to_string(),
            resumed: Vec::new(),
            finished: None,
            outcome: Outcome::Running,
            stages: Vec::new(),
        }
    }

    /// The same with the store that it uses.
    #[must_use]
    pub fn in_store(self, store: &Store) -> Self {
        Self { store: Some(store.root().to_string_lossy().into_owned()), ..self }
    }

    /// The run goes on now, in this process: its stages start over.
    #[must_use]
    pub fn resumed(mut self) -> Self {
        self.resumed.push(jiff::Timestamp::now().to_string());
        Self {
            engine: Some(Engine::this()),
            finished: None,
            outcome: Outcome::Running,
            stages: Vec::new(),
            ..self
        }
    }

    /// The run ends now.
    pub fn finish(&mut self, outcome: Outcome) {
        self.finished = Some(jiff::Timestamp::now().to_string());
        self.outcome = outcome;
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not yet, or it was killed.
    Running,
    /// All stages have results.
    Done,
    /// A stage failed.
    Failed,
    /// The user stopped it.
    Cancelled,
}

impl Outcome {
    /// The word in `run.json` and in [`contract::EventKind::RunFinished`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A node of the plan in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Its name in the plan: `train`, `evaluate-2`.
    pub name: String,
    /// Its fingerprint, once its inputs exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Digest>,
    /// What became of it.
    pub state: StageState,
    /// Seconds of wall clock the work took; for a hit, when it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Its files in the run folder.
    #[serde(default)]
    pub files: Vec<Published>,
}

impl StageRecord {
    /// A node that has not been looked at yet.
    #[must_use]
    pub fn planned(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            fingerprint: None,
            state: StageState::Planned,
            seconds: None,
            files: Vec::new(),
        }
    }
}

/// What became of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// It waits for others.
    Planned,
    /// It runs, or its engine was killed while it ran.
    Running,
    /// The store had its result.
    Hit,
    /// It ran to its end.
    Run,
    /// It ended without a result.
    Failed,
    /// It was stopped.
    Cancelled,
    /// It could not start, because one before it has no result.
    Skipped,
}

/// A file in the run folder, or a copy of one elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Its path below the run folder, `/` between the parts; that of a copy elsewhere is absolute.
    pub path: String,
    /// Content digest.
    pub digest: Digest,
    /// Bytes.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_its_words_are_those_of_the_events() {
        let mut record = RunRecord::start("2026_11_22", "chain_tqe", "pipelines/chain_tqe.yaml");
        let (state, fingerprint) = (StageState::Hit, Some(Digest::of(b"key")));
        record.stages.push(StageRecord { state, fingerprint, ..StageRecord::planned("train") });
        record.stages.push(StageRecord { seconds: Some(1.5), ..StageRecord::planned("quantize") });
        record.finish(Outcome::Done);
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<RunRecord>(&text).unwrap(), record);
        assert_eq!(record.stages.len(), 2);
        let record = record.resumed();
        assert_eq!(
            (record.outcome, record.finished.as_deref(), record.stages.len()),
            (Outcome::Running, None, 0)
        );
        assert_eq!(record.resumed.len(), 1);
        for outcome in [Outcome::Running, Outcome::Done, Outcome::Failed, Outcome::Cancelled] {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
    }
}
