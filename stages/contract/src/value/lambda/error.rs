//! What can be wrong with a schedule.

use super::{
    super::{MAX_DEPTH, MAX_LENGTH, arithmetic::Fault},
    function,
};
use thiserror::Error;

/// Why a text is not a schedule, or why it has no value. Positions are byte offsets into the text as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LambdaError {
    /// Something that cannot stand there.
    #[error("found {found} where {wanted} should be")]
    Unexpected {
        /// Where.
        at: usize,
        /// What stands there.
        found: String,
        /// What could.
        wanted: String,
    },
    /// Not one or two parameters, or the same name for both.
    #[error("{reason}: a schedule has one or two parameters, as in `lambda epoch, lr:`")]
    Parameters {
        /// Where.
        at: usize,
        /// What is wrong.
        reason: String,
    },
    /// A number that Python does not read.
    #[error("`{text}` is not a number: {reason}")]
    Number {
        /// Where it starts.
        at: usize,
        /// The number.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name that is none of the legal ones.
    #[error("`{name}` is not known in a schedule")]
    Name {
        /// Where it starts.
        at: usize,
        /// The name, dots included.
        name: String,
        /// The legal name that may have been meant.
        nearest: Option<String>,
    },
    /// A function with too few or too many arguments.
    #[error("`{function}` takes {wanted}, found {found}")]
    Arity {
        /// Where the name of the function starts.
        at: usize,
        /// The function.
        function: &'static str,
        /// How many it takes, in words.
        wanted: &'static str,
        /// How many there are.
        found: usize,
    },
    /// An operation without a result.
    #[error("`{operation}` {fault}")]
    Arithmetic {
        /// Where the operator or the function is.
        at: usize,
        /// The operation with the values it was given.
        operation: String,
        /// What happened.
        fault: Fault,
    },
    /// A result that is no learning rate.
    #[error("the result is {found}, which is not a finite number")]
    Result {
        /// The result, as Python prints it.
        found: String,
    },
    /// Text over [`MAX_LENGTH`].
    #[error("{length} bytes are too long for a schedule (at most {MAX_LENGTH})")]
    TooLong {
        /// Its length, bytes.
        length: usize,
    },
    /// Nesting over [`MAX_DEPTH`].
    #[error("nested more than {MAX_DEPTH} deep")]
    TooDeep {
        /// Where the limit was met.
        at: usize,
    },
}

impl LambdaError {
    /// The byte offset of the mistake, where there is one place for it.
    #[must_use]
    pub fn at(&self) -> Option<usize> {
        match *self {
            Self::Unexpected { at, .. }
            | Self::Parameters { at, .. }
            | Self::Number { at, .. }
            | Self::Name { at, .. }
            | Self::Arity { at, .. }
            | Self::Arithmetic { at, .. }
            | Self::TooDeep { at } => Some(at),
            Self::Result { .. } | Self::TooLong { .. } => None,
        }
    }

    /// What to do about it, where more can be said than the message does.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unexpected { found, .. } => Some(match hint(found) {
                Some(hint) => format!("{hint}; {}", legal()),
                None => legal(),
            }),
            Self::Name { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`? {}", legal()))
            }
            Self::Name { nearest: None, .. } | Self::Number { .. } | Self::Parameters { .. } => Some(legal()),
            Self::Arithmetic { fault, .. } => remedy(*fault).map(str::to_owned),
            Self::Result { found } if matches!(found.as_str(), "True" | "False") => {
                Some("a comparison alone is no learning rate: write `a if condition else b`".to_owned())
            }
            Self::TooDeep { .. } => Some(
                "a chain `a if epoch < 5 else b if epoch < 10 else c` needs no parentheses, and \
                 LRPiecewiseConstantDecay no schedule at all"
                    .to_owned(),
            ),
            Self::Arity { .. } | Self::Result { .. } | Self::TooLong { .. } => None,
        }
    }
}

/// All that a schedule may hold.
fn legal() -> String {
    let names = function::names().collect::<Vec<_>>().join(" ");
    format!(
        "a schedule is `lambda epoch, lr: expression`; legal are the parameters, numbers, + - * / // % **, \
         parentheses, `a if condition else b`, < <= == != >= >, and, or, not, {names}"
    )
}

/// What to write instead of a token of another language, or of another part of Python.
fn hint(found: &str) -> Option<&'static str> {
    Some(match found.trim_matches('`') {
        "def" | "return" => "write one expression, not a function with statements",
        "lambda" => "a lambda cannot stand inside another",
        "=" => "`=` assigns, `==` compares",
        "!" => "write `not`",
        "&" | "|" | "^" | "~" => "write `and`, `or`, `not` for conditions and `**` for powers",
        "?" => "write `a if condition else b`",
        "[" | "]" | "{" | "}" => "lists have no place here; for steps write `a if epoch < 5 else b`",
        "'" | "\"" => "strings have no place here",
        "#" => "newlines count as blanks, so a comment cannot end",
        "." => "only `math` has names after a dot",
        "is" | "in" => "compare with == and <",
        "elif" => "write `else` and the next `a if condition else b` after it",
        "for" | "while" => "loops have no place here",
        "import" | "from" => "`math` is there without an import, and nothing else is",
        "None" => "every branch has to give a number",
        _ => return None,
    })
}

fn remedy(fault: Fault) -> Option<&'static str> {
    match fault {
        Fault::Wide => Some("use numbers with a fraction, which have room for 1.8e308: `2.0 ** epoch`"),
        Fault::Complex => Some("a negative number has no real power with a fraction"),
        Fault::ZeroDivision | Fault::Overflow | Fault::Domain | Fault::Fraction => None,
    }
}
