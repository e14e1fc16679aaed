//! Finding the runs that are there.

use super::{Life, Outcome, RecordError, RunRecord, life, sweep::SWEEP};
use fs_err as fs;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// How deep below a folder run folders are looked for: Hydra's own default is `outputs/DAY/TIME`.
pub(super) const DEPTH: usize = 3;

/// A folder with a `run.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRun {
    /// The folder.
    pub path: PathBuf,
    /// Its name.
    pub id: String,
    /// How the run stands.
    pub standing: Standing,
    /// When it started; where that cannot be read, when its record was written.
    pub started: Option<Timestamp>,
    /// `run.json`, or why it cannot be read.
    pub record: Result<RunRecord, String>,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Its engine works on it.
    Running,
    /// All stages have results.
    Done,
    /// A stage failed.
    Failed,
    /// The user stopped it.
    Cancelled,
    /// Its engine is gone and did not come to an end.
    Killed,
    /// It cannot be told.
    Unknown,
}

impl Standing {
    /// In one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Killed => "killed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a run is over and does not have all its results.
    #[must_use]
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled | Self::Killed)
    }
}

/// The runs below `folder`, or in it, newest first.
///
/// # Errors
/// When a folder cannot be read.
pub fn runs(folder: &Path) -> Result<Vec<FoundRun>, RecordError> {
    let mut found = Vec::new();
    collect(folder, DEPTH, &mut found)?;
    found.sort_by(|a, b| Reverse(a.started).cmp(&Reverse(b.started)).then_with(|| b.id.cmp(&a.id)));
    Ok(found)
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<FoundRun>) -> Result<(), RecordError> {
    if let Some(run) = run(folder) {
        found.push(run);
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    for below in subfolders(folder)? {
        collect(&below, depth - 1, found)?;
    }
    Ok(())
}

/// The folders in a folder but hidden ones, and but links: by one a run would be found twice.
pub(super) fn subfolders(folder: &Path) -> Result<Vec<PathBuf>, RecordError> {
    let failed = |error| RecordError::io("read the folder", folder, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.file_type().map_err(failed)?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// The run in `folder`; none where there is no `run.json`.
#[must_use]
pub fn run(folder: &Path) -> Option<FoundRun> {
    let mut record = read(folder)?;
    let mut standing = Standing::Unknown;
    if let Ok(known) = &record {
        standing = ended(known.outcome).unwrap_or_else(|| match life(folder) {
            Life::Alive => Standing::Running,
            // A sweep cannot hold the files of all its variants at a time.
            Life::Gone if is_of_living_sweep(folder) => Standing::Running,
            Life::Gone => Standing::Killed,
            Life::Unknown => Standing::Unknown,
        });
    }
    if standing == Standing::Killed {
        // The run may have come to its end between the two looks. Its engine is gone, so what is there now is the last.
        record = read(folder)?;
        if let Some(end) = record.as_ref().ok().and_then(|record| ended(record.outcome)) {
            standing = end;
        }
    }
    let started = record.as_ref().ok().and_then(|record| record.started.parse().ok());
    Some(FoundRun {
        id: name(folder),
        path: folder.to_owned(),
        standing,
        started: started.or_else(|| written(folder)),
        record,
    })
}

/// Whether the folder is a variant's in that of a sweep whose engine is alive.
fn is_of_living_sweep(folder: &Path) -> bool {
    let absolute = std::path::absolute(folder).ok();
    let parent = absolute.as_deref().and_then(Path::parent);
    parent.is_some_and(|parent| parent.join(SWEEP).exists() && life(parent) == Life::Alive)
}

fn ended(outcome: Outcome) -> Option<Standing> {
    match outcome {
        Outcome::Running => None,
        Outcome::Done => Some(Standing::Done),
        Outcome::Failed => Some(Standing::Failed),
        Outcome::Cancelled => Some(Standing::Cancelled),
    }
}

fn read(folder: &Path) -> Option<Result<RunRecord, String>> {
    let text = match fs::read(folder.join(super::RECORD)) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return None,
        Err(error) => return Some(Err(error.to_string())),
    };
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let known = RunRecord::FORMAT;
    Some(match serde_json::from_slice(&text) {
        Ok(Version { format }) if format > known => {
            Err(format!("{} has format {format} and this program knows {known}", super::RECORD))
        }
        _ => {
            serde_json::from_slice(&text).map_err(|error| format!("{} is no record: {error}", super::RECORD))
        }
    })
}

fn written(folder: &Path) -> Option<Timestamp> {
    let modified = fs::metadata(folder.join(super::RECORD)).ok()?.modified().ok()?;
    Timestamp::try_from(modified).ok()
}

fn name(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    absolute.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The run that `wanted` names: the path of its folder, or the beginning of the name of just one run below `folder`; of a
/// variant also `SWEEP/N`, with the beginning of the sweep's name.
/// Without `wanted`, the newest.
///
/// # Errors
/// [`RecordError::NoRuns`], [`RecordError::UnknownRun`], [`RecordError::AmbiguousRun`], or that a folder cannot be read.
pub fn find(wanted: Option<&str>, folder: &Path) -> Result<FoundRun, RecordError> {
    if let Some(wanted) = wanted
        && let Some(run) = run(Path::new(wanted))
    {
        return Ok(run);
    }
    let runs = if folder.is_dir() { runs(folder)? } else { Vec::new() };
    let Some(wanted) = wanted else {
        let newest = runs.into_iter().next();
        return newest.ok_or_else(|| RecordError::NoRuns { folder: folder.to_owned() });
    };
    // A variant is known by its sweep as well: `SWEEP/1`.
    let is_it = |run: &&FoundRun| run.id == wanted || run.path.ends_with(wanted);
    let exact = !wanted.is_empty() && runs.iter().any(|run| is_it(&run));
    let fits = |run: &&FoundRun| if exact { is_it(run) } else { begins(run, wanted) };
    let mut fitting = runs.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(run), None) if !wanted.is_empty() => Ok(run.clone()),
        (Some(_), _) => Err(RecordError::AmbiguousRun {
            wanted: wanted.to_owned(),
            candidates: listed(&runs.iter().filter(fits).collect::<Vec<_>>()),
        }),
        (None, _) => Err(RecordError::UnknownRun {
            wanted: wanted.to_owned(),
            folder: folder.to_owned(),
            help: unknown_help(wanted, &runs),
        }),
    }
}

/// The newest run below `folder` that is over and does not have all its results; else the newest of all.
///
/// # Errors
/// [`RecordError::NoRuns`], or that a folder cannot be read.
pub fn find_unfinished(folder: &Path) -> Result<FoundRun, RecordError> {
    let mut runs = if folder.is_dir() { runs(folder)? } else { Vec::new() };
    let unfinished = runs.iter().position(|run| run.standing.is_unfinished()).unwrap_or(0);
    if runs.is_empty() {
        return Err(RecordError::NoRuns { folder: folder.to_owned() });
    }
    Ok(runs.swap_remove(unfinished))
}

/// Whether a name can be shortened to `wanted`; of a run in a folder of a name, as the variant of a sweep, the folder's.
fn begins(run: &FoundRun, wanted: &str) -> bool {
    match wanted.rsplit_once('/') {
        Some((parent, own)) => {
            let is_below = |path: &Path| !parent.is_empty() && name(path).starts_with(parent);
            run.id == own && run.path.parent().is_some_and(is_below)
        }
        None => run.id.starts_with(wanted),
    }
}

/// Ten paths at most, a line each.
fn listed(runs: &[&FoundRun]) -> String {
    const SHOWN: usize = 10;
    let mut lines: Vec<String> = runs.iter().take(SHOWN).map(|run| run.path.display().to_string()).collect();
    if let Some(more) = runs.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

fn unknown_help(wanted: &str, runs: &[FoundRun]) -> String {
    let near = |run: &&FoundRun| strsim::damerau_levenshtein(wanted, &run.id) <= 1 + run.id.len() / 6;
    let near: Vec<&FoundRun> = runs.iter().filter(near).collect();
    match (runs.is_empty(), near.is_empty()) {
        (true, _) => {
            "there is no run there; name another folder with --dir, or the run by its path".to_owned()
        }
        (false, false) => format!("did you mean one of these?\n{}", listed(&near)),
        (false, true) => {
            format!("these are there, newest first:\n{}", listed(&runs.iter().collect::<Vec<_>>()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RunFolder;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self) -> &Path {
            self.0.path()
        }

        fn run(&self, name: &str, started: &str, outcome: Outcome) -> RunFolder {
            let folder = RunFolder::create(self.path().join(name).to_str().unwrap()).unwrap();
            let mut record = RunRecord::start(folder.id(), "training", "a.yaml");
            record.started = started.to_owned();
            record.outcome = outcome;
            folder.save(&record).unwrap();
            folder
        }

        fn ids(&self) -> Vec<(String, Standing)> {
            runs(self.path()).unwrap().into_iter().map(|run| (run.id, run.standing)).collect()
        }

        fn refusal(&self, wanted: &str) -> String {
            let error = find(Some(wanted), self.path()).unwrap_err();
            let text = crate::report::diagnostic(&error, false);
            text.replace(self.path().to_str().unwrap(), "outputs")
        }
    }

    #[test]
    fn runs_are_found_newest_first_however_deep_they_lie_and_nothing_else() {
        let place = Place::new();
        place.run("b", "2026-11-22T10:00:00Z", Outcome::Done);
        place.run("2026-11-21/10-00-00", "2026-11-21T10:00:00Z", Outcome::Failed);
        place.run("c", "2026-11-22T11:00:00Z", Outcome::Cancelled).write_config("a: 1\n").unwrap();
        fs::create_dir(place.path().join("no_run")).unwrap();
        fs::create_dir(place.path().join(".hidden")).unwrap();
        fs::copy(place.path().join("b/run.json"), place.path().join(".hidden/run.json")).unwrap();
        std::os::unix::fs::symlink("b", place.path().join("latest")).unwrap();
        let own = |(id, standing): (&str, Standing)| (id.to_owned(), standing);
        assert_eq!(
            place.ids(),
            [("c", Standing::Cancelled), ("b", Standing::Done), ("10-00-00", Standing::Failed)].map(own)
        );
        assert_eq!(find(None, place.path()).unwrap().id, "c");
    }

    #[test]
    fn the_newest_unfinished_run_is_found_before_newer_ones_that_are_done() {
        let place = Place::new();
        assert!(matches!(find_unfinished(place.path()), Err(RecordError::NoRuns { .. })));
        let ran = |name, hour: u32, outcome| place.run(name, &format!("2026-11-22T{hour}:00:00Z"), outcome);
        ran("a", 10, Outcome::Done);
        let found = || find_unfinished(place.path()).unwrap();
        assert_eq!((found().id.as_str(), found().standing), ("a", Standing::Done));
        ran("b", 11, Outcome::Cancelled);
        ran("c", 12, Outcome::Failed);
        ran("d", 13, Outcome::Done);
        assert_eq!(found().id, "c");
        let running = ran("e", 14, Outcome::Running);
        let lease = running.lease().unwrap();
        assert_eq!(found().id, "c");
        drop(lease);
        assert_eq!((found().id.as_str(), found().standing), ("e", Standing::Killed));
    }

    #[test]
    fn a_run_whose_engine_is_gone_without_an_end_was_killed() {
        let place = Place::new();
        let folder = place.run("run", "2026-11-22T10:00:00Z", Outcome::Running);
        let lease = folder.lease().unwrap();
        assert_eq!(run(folder.path()).unwrap().standing, Standing::Running);
        drop(lease);
        assert_eq!(run(folder.path()).unwrap().standing, Standing::Killed);
    }

    #[test]
    fn records_that_cannot_be_read_are_listed_with_the_reason() {
        let place = Place::new();
        for (name, text) in [("newer", r#"{"format": 7, "surprise": true}"#), ("broken", "{\"format\": 1,")] {
            fs::create_dir(place.path().join(name)).unwrap();
            fs::write(place.path().join(name).join("run.json"), text).unwrap();
        }
        let reason = |name: &str| run(&place.path().join(name)).unwrap().record.unwrap_err();
        assert_eq!(reason("newer"), "run.json has format 7 and this program knows 1");
        assert!(reason("broken").starts_with("run.json is no record: EOF"), "{}", reason("broken"));
        assert!(place.ids().iter().all(|(_, standing)| *standing == Standing::Unknown));
    }

    #[test]
    fn a_run_is_named_by_its_path_its_name_or_the_beginning_of_it() {
        let place = Place::new();
        for name in ["2026_11_22_10_00_00", "2026_11_22_10_00_00-2", "2026_11_23_09_00_00"] {
            place.run(name, "2026-11-22T10:00:00Z", Outcome::Done);
        }
        let found = |wanted: &str| find(Some(wanted), place.path()).unwrap().id;
        assert_eq!(found("2026_11_23"), "2026_11_23_09_00_00");
        assert_eq!(found("2026_11_22_10_00_00"), "2026_11_22_10_00_00", "a whole name is no beginning");
        assert_eq!(found(place.path().join("2026_11_23_09_00_00").to_str().unwrap()), "2026_11_23_09_00_00");
        insta::assert_snapshot!(place.refusal("2026_11_22"));
        insta::assert_snapshot!(place.refusal("2026_11_32_09_00_00"));
        insta::assert_snapshot!(place.refusal("nothing"));
        insta::assert_snapshot!(place.refusal(""));
        insta::assert_snapshot!(Place::new().refusal("2026"));
    }

    #[test]
    fn a_variant_is_named_by_its_sweep_or_the_beginning_of_it_and_its_number() {
        let place = Place::new();
        for name in ["2026_11_22/0", "2026_11_22/1", "2026_11_22-2/1", "2026_11_22/10", "2026_11_23/1"] {
            place.run(name, "2026-11-22T10:00:00Z", Outcome::Done);
        }
        let found = |wanted: &str| find(Some(wanted), place.path()).map(|run| run.path);
        for (wanted, path) in [
            ("2026_11_22/1", "2026_11_22/1"),
            ("2026_11_23/1", "2026_11_23/1"),
            ("2026_11_22-/1", "2026_11_22-2/1"),
            ("2026_11_22/10", "2026_11_22/10"),
            ("10", "2026_11_22/10"),
        ] {
            assert_eq!(found(wanted).unwrap(), place.path().join(path), "{wanted}");
        }
        assert!(matches!(found("2026_11/1"), Err(RecordError::AmbiguousRun { .. })));
        for wanted in ["2026_11_22/2", "11_22/1", "/1", "/"] {
            assert!(found(wanted).is_err(), "{wanted}");
        }
    }
}
