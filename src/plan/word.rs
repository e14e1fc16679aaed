//! The mode word: what `operation_mode` says.

use super::PlanError;
use contract::{Registry, Stage, suggest};

/// A mode word as letters, one a stage: `training` is `t`, `chain_tqe` is `t q e`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    text: String,
    letters: Vec<char>,
}

/// A stage that the language knows, whether or not this binary has it.
struct Known {
    letter: char,
    mode: &'static str,
    stage: &'static str,
    /// Whether its crate exists, so that a binary without it was built without it.
    exists: bool,
}

const KNOWN: [Known; 6] = [
    Known { letter: 't', mode: "training", stage: "train", exists: true },
    Known { letter: 'q', mode: "quantization", stage: "quantize", exists: true },
    Known { letter: 'e', mode: "evaluation", stage: "evaluate", exists: true },
    Known { letter: 'b', mode: "benchmarking", stage: "benchmark", exists: true },
    Known { letter: 'p', mode: "prediction", stage: "predict", exists: false },
    Known { letter: 'd', mode: "deployment", stage: "deploy", exists: false },
];

/// Chains that existing files use, as candidates for "did you mean".
const CHAINS: [&str; 7] =
    ["chain_tqe", "chain_tqeb", "chain_eqe", "chain_eqeb", "chain_qb", "chain_qd", "chain_tbqeb"];

const CHAIN: &str = "chain_";

impl Word {
    /// Reads a mode word. Letters of stages that only `registry` knows are legal too.
    ///
    /// # Errors
    /// When it is no mode, an empty chain, has a letter that stands for nothing, or trains anywhere but first.
    pub fn parse(text: &str, registry: &Registry) -> Result<Self, PlanError> {
        let text = text.trim();
        if let Some(known) = KNOWN.iter().find(|known| known.mode == text) {
            return Ok(Self { text: text.to_owned(), letters: vec![known.letter] });
        }
        let Some(chain) = text.strip_prefix(CHAIN) else {
            return Err(PlanError::UnknownMode { word: text.to_owned(), help: unknown_mode_help(text) });
        };
        if chain.is_empty() {
            return Err(PlanError::EmptyChain { letters: letters(registry) });
        }
        let is_letter =
            |c: char| KNOWN.iter().any(|known| known.letter == c) || registry.by_letter(c).next().is_some();
        if let Some(letter) = chain.chars().find(|&c| !is_letter(c)) {
            return Err(PlanError::UnknownLetter {
                letter,
                word: text.to_owned(),
                letters: letters(registry),
            });
        }
        if chain.chars().skip(1).any(|c| c == 't') {
            return Err(PlanError::TrainNotFirst { word: text.to_owned() });
        }
        Ok(Self { text: text.to_owned(), letters: chain.chars().collect() })
    }

    /// The word as the file has it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The stages of each letter in order.
    ///
    /// # Errors
    /// The first letter that the registry has no stage for.
    pub fn stages<'a>(&self, registry: &'a Registry) -> Result<Vec<&'a dyn Stage>, PlanError> {
        let mut stages = Vec::new();
        for &letter in &self.letters {
            let known = stages.len();
            stages.extend(registry.by_letter(letter));
            if stages.len() == known {
                return Err(self.unavailable(letter, registry));
            }
        }
        Ok(stages)
    }

    fn unavailable(&self, letter: char, registry: &Registry) -> PlanError {
        let word = self.text.clone();
        match KNOWN.iter().find(|known| known.letter == letter) {
            Some(Known { stage, exists: true, .. }) => PlanError::NotBuilt { stage, word },
            Some(Known { stage, exists: false, .. }) => {
                let available = registry.iter().map(Stage::name).collect::<Vec<_>>().join(", ");
                PlanError::NotYet { stage, word, available }
            }
            None => PlanError::UnknownLetter { letter, word, letters: letters(registry) },
        }
    }
}

/// `t train, q quantize, ...`, with the registry's own letters behind the known ones.
fn letters(registry: &Registry) -> String {
    let known = KNOWN.iter().map(|known| (known.letter, known.stage));
    let own = registry
        .iter()
        .filter_map(|stage| stage.letter().map(|letter| (letter, stage.name())))
        .filter(|(letter, _)| KNOWN.iter().all(|known| known.letter != *letter));
    known.chain(own).map(|(letter, stage)| format!("{letter} {stage}")).collect::<Vec<_>>().join(", ")
}

fn unknown_mode_help(text: &str) -> String {
    let candidates = KNOWN.iter().map(|known| known.mode).chain(CHAINS).chain([super::STAGES]);
    let nearest = suggest::nearest(text, candidates);
    let modes = KNOWN.iter().map(|known| known.mode).collect::<Vec<_>>().join(", ");
    let all = format!("the modes are {modes}, chains of letters such as chain_tqe, and stages");
    match nearest {
        Some(candidate) => format!("did you mean `{candidate}`? {all}"),
        None => all,
    }
}
