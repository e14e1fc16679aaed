//! `pipeline compare`: runs beside each other.

use super::{
    Exit, Refusal,
    format::print,
    runs::{DEFAULT, folder},
};
use crate::{
    record::{self, FoundRun, RecordError, SweepRecord},
    report::{
        compare::{Choice, CompareError, Comparison, Page, Row, Subject, together},
        screen,
    },
};
use clap::{ValueEnum, ValueHint};
use fs_err as fs;
use std::path::{Path, PathBuf};

/// Compare runs: what differs in their parameters against what they measured
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompareArgs {
    /// Runs, a sweep, a folder of runs or a configuration file whose runs are meant: paths, names, or beginnings of names
    /// [default: the newest sweep, else all runs]
    #[arg(value_name = "RUN|SWEEP|DIR", value_hint = ValueHint::AnyPath)]
    places: Vec<String>,
    /// Where names are looked for, and what is compared when none is given
    #[arg(long, value_name = "DIR|FILE", default_value = DEFAULT, value_hint = ValueHint::AnyPath)]
    dir: PathBuf,
    /// Sort by a metric, the best first, or by a parameter; the end of its name is enough
    #[arg(long, value_name = "NAME")]
    sort: Option<String>,
    /// The largest first
    #[arg(long, requires = "sort", conflicts_with = "ascending")]
    descending: bool,
    /// The smallest first
    #[arg(long, requires = "sort")]
    ascending: bool,
    /// These metrics and no others
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    metrics: Vec<String>,
    /// These parameters and no others
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    params: Vec<String>,
    /// Also what is the same in all runs, and all series
    #[arg(long)]
    all: bool,
    /// Show so many runs at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// What to print: a table for people, CSV or JSON for programs, or a table in Markdown
    #[arg(long, value_enum, default_value_t = CompareFormat::Text)]
    format: CompareFormat,
    /// Also draw each run as a point, X across and Y up, with the Pareto front; `:min` or `:max` behind a name says which
    /// way it is better
    #[arg(long, value_name = "X,Y", value_parser = pair)]
    plot: Option<(String, String)>,
    /// The file of the picture, SVG [default: compare.svg]
    #[arg(long, short, value_name = "FILE", requires = "plot", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CompareFormat {
    Text,
    Csv,
    Json,
    Markdown,
}

const EXAMPLES: &str = "\
Examples:
  pipeline compare                                    the newest sweep
  pipeline compare 2026_11_22_16 2026_11_23_09        two runs by the beginnings of their names
  pipeline compare --sort quantized_miou --limit 10
  pipeline compare --params alpha,epochs --metrics quantized_miou --format csv > runs.csv
  pipeline compare --plot flash_weights_kib,quantized_miou -o front.svg

Runs that failed, were stopped or still run stay in the table, with their error.";

pub(crate) fn compare(args: &CompareArgs) -> Result<Exit, Refusal> {
    let picture = args.plot.as_ref().map(|plot| Ok::<_, Refusal>((plot, picture_file(args)?))).transpose()?;
    let (subject, rows) = chosen(args)?;
    let choice = Choice {
        all: args.all,
        parameters: args.params.clone(),
        metrics: args.metrics.clone(),
        sort: args.sort.clone(),
        descending: (args.descending || args.ascending).then_some(args.descending),
        limit: args.limit,
    };
    let comparison = Comparison::new(subject, rows, &choice)?;
    // A name that is mistyped is told before anything is printed.
    let picture = match picture {
        Some(((x, y), file)) => Some((comparison.picture(x, y)?, file)),
        None => None,
    };
    let done = print(&match args.format {
        CompareFormat::Text => comparison.text(page()),
        CompareFormat::Csv => comparison.csv(),
        CompareFormat::Json => comparison.json(),
        CompareFormat::Markdown => comparison.markdown(),
    })?;
    for problem in comparison.problems() {
        eprintln!("note: {problem}");
    }
    if let Some((svg, file)) = picture {
        fs::write(&file, svg).map_err(|error| Refusal::System("write the picture", error))?;
        eprintln!("the picture is in {}", file.display());
    }
    Ok(done)
}

/// Two names with a comma between them.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once(',').map(|(x, y)| (x.trim(), y.trim())) {
        Some((x, y)) if !x.is_empty() && !y.is_empty() => Ok((x.to_owned(), y.to_owned())),
        _ => Err("write two names with a comma between them, as flash_kib,miou".to_owned()),
    }
}

fn picture_file(args: &CompareArgs) -> Result<PathBuf, CompareError> {
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from("compare.svg"));
    let svg = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
    if svg { Ok(path) } else { Err(CompareError::PictureFormat { path }) }
}

/// What standard output shows.
fn page() -> Page {
    Page { columns: screen::page_columns(), bold: screen::page_is_bold() }
}

/// What is compared.
fn chosen(args: &CompareArgs) -> Result<(Subject, Vec<Row>), Refusal> {
    let mut found = Vec::new();
    if args.places.is_empty() {
        found.push(whole(&folder(&args.dir)?)?);
    }
    for place in &args.places {
        found.push(place_of(place, &args.dir)?);
    }
    if let [Found::Sweep(path, sweep)] = found.as_slice() {
        let subject = Subject::Sweep { id: sweep.id.clone(), keys: sweep.keys.clone() };
        return Ok((subject, Row::of_sweep(path, sweep)));
    }
    Ok((Subject::Runs, together(found.iter().flat_map(Found::rows))))
}

/// What a place holds.
enum Found {
    Sweep(PathBuf, SweepRecord),
    Runs(Vec<FoundRun>),
}

impl Found {
    fn rows(&self) -> Vec<Row> {
        match self {
            Self::Sweep(folder, sweep) => Row::of_sweep(folder, sweep),
            Self::Runs(runs) => Row::of_runs(runs),
        }
    }
}

/// The newest sweep below a folder, without one all runs.
fn whole(folder: &Path) -> Result<Found, Refusal> {
    if folder.is_dir()
        && let Some((path, sweep)) = record::sweeps(folder)?.into_iter().next()
    {
        return Ok(Found::Sweep(path, sweep));
    }
    all(folder)
}

fn all(folder: &Path) -> Result<Found, Refusal> {
    let runs = if folder.is_dir() { record::runs(folder)? } else { Vec::new() };
    if runs.is_empty() {
        return Err(RecordError::NoRuns { folder: folder.to_owned() }.into());
    }
    Ok(Found::Runs(runs))
}

/// What a path stands for, or the beginning of the name of a sweep or run below `dir`.
fn place_of(place: &str, dir: &Path) -> Result<Found, Refusal> {
    let path = Path::new(place);
    if let Some(sweep) = SweepRecord::read(path)? {
        return Ok(Found::Sweep(path.to_owned(), sweep));
    }
    if let Some(run) = record::run(path) {
        return Ok(Found::Runs(vec![run]));
    }
    if path.is_dir() {
        return all(path);
    }
    if path.is_file() {
        return whole(&folder(path)?);
    }
    let dir = folder(dir)?;
    let sweeps = if dir.is_dir() { record::sweeps(&dir)? } else { Vec::new() };
    let exact = sweeps.iter().any(|(_, sweep)| sweep.id == place);
    let fits = |sweep: &SweepRecord| if exact { sweep.id == place } else { sweep.id.starts_with(place) };
    let mut fitting: Vec<(PathBuf, SweepRecord)> =
        sweeps.into_iter().filter(|(_, sweep)| !place.is_empty() && fits(sweep)).collect();
    match (fitting.len(), record::find(Some(place), &dir)) {
        (0, run) => Ok(Found::Runs(vec![run?])),
        (1, Err(RecordError::UnknownRun { .. })) => {
            let (path, sweep) = fitting.remove(0);
            Ok(Found::Sweep(path, sweep))
        }
        (_, run) => {
            let runs = run.ok().map(|run| run.path);
            let paths = fitting.into_iter().map(|(path, _)| path).chain(runs);
            let candidates = paths.map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n");
            Err(RecordError::AmbiguousRun { wanted: place.to_owned(), candidates }.into())
        }
    }
}
