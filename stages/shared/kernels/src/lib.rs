//! Interpreters of the graph: float networks, folded or not, and int8 networks bit-exact with LiteRT's reference kernels.
//!
//! An [`Interpreter`] checks a graph once, packs its weights, and runs any number of images. Each layer is a kernel: float
//! kernels lie in `float`, integer kernels in `int8`, data movement that knows no arithmetic in `movement`.
//!
//! Every output element is computed by one thread in one fixed order, so results do not depend on the number of threads.
//! The integer arithmetic is that of the LiteRT 8-bit quantization specification, as its reference kernels round it.

mod error;
mod float;
mod int8;
mod interpreter;
mod kernel;
mod movement;
mod rows;
mod window;

pub use error::KernelError;
pub use interpreter::Interpreter;
