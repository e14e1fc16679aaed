//! Errors of a comparison.

use miette::Diagnostic;
use std::path::PathBuf;
use thiserror::Error;

/// What cannot be compared.
#[derive(Debug, Error, Diagnostic)]
pub enum CompareError {
    /// A name that no column has.
    #[error("no {what} of these runs is called `{wanted}`")]
    #[diagnostic(code(compare::unknown_name), help("{help}"))]
    UnknownName {
        /// The name.
        wanted: String,
        /// What it should name.
        what: &'static str,
        /// What there is.
        help: String,
    },
    /// A name that fits several columns.
    #[error("`{wanted}` fits several {what}s")]
    #[diagnostic(code(compare::ambiguous_name), help("write more of the one that is meant:\n{candidates}"))]
    AmbiguousName {
        /// The name.
        wanted: String,
        /// What it should name.
        what: &'static str,
        /// Their names, a line each.
        candidates: String,
    },
    /// No run has both values of a picture.
    #[error("no run has numbers for both `{x}` and `{y}`, so there is nothing to draw")]
    #[diagnostic(
        code(compare::nothing_to_draw),
        help("`pipeline compare --all` shows which values each run has")
    )]
    NothingToDraw {
        /// Across.
        x: String,
        /// Up.
        y: String,
    },
    /// A picture's file of a kind that is not made.
    #[error("a picture cannot be written as `{}`: only SVG is made", path.display())]
    #[diagnostic(
        code(compare::picture_format),
        help(
            "name a file that ends in .svg; browsers and office programs show it, and `rsvg-convert FILE.svg -o \
             FILE.png` or `inkscape FILE.svg -o FILE.png` make a PNG of it"
        )
    )]
    PictureFormat {
        /// The file.
        path: PathBuf,
    },
}
