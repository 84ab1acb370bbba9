//! The new face in the old film: drawn, coloured, masked and laid over the frame.
//!
//! - [`film::convert_film`] converts a whole film, chunk after chunk, and can be interrupted anywhere;
//! - [`Preview`] shows single frames of it before it is made, by other [`settings`];
//! - [`patch::Painter`] draws one face as somebody else: steadied in time (`steady.rs`), with the detail that the network
//!   leaves out, from the identity's own frames (`detail.rs`), behind what lies in front of the face (`occlusion.rs`);
//! - `window.rs` holds frames until their neighbours are known: meshes follow the skin (`followed.rs`), and drawings are
//!   carried along its motion and averaged (`carried.rs`);
//! - the pixel parts, none of which knows a network or a file: [`color::ColorTransfer`] brings the drawn face to the
//!   colours of the footage, `seam.rs` makes its coarse colours meet the footage's at the edge, [`grain`] gives it the grain
//!   that the footage has, and [`blend::blend`] lays it over the frame: one alpha, once, in linear light.

mod ahead;
pub mod blend;
mod carried;
pub mod color;
mod compose;
mod crop;
mod detail;
mod error;
pub mod film;
mod finished;
mod followed;
pub mod grain;
mod laid;
mod occlusion;
pub mod patch;
mod patches;
mod preview;
mod seam;
pub mod settings;
mod steady;
mod swap;
mod usual;
mod veil;
mod window;

pub use error::SwapError;
pub use film::{Converted, Ending, FilmJob, Finish, Shard, Shows, convert_film};
pub use patch::PATCH_PX;
pub use patches::{FinishPatch, PatchEntry, PatchList, PatchesJob, PatchesWritten, write_patches};
pub use preview::{Preview, Still, View};
pub use settings::{Adjustments, Settings, SettingsError};
pub use swap::{Swap, frames_replaced};
pub use veil::{CAUTIOUS, Covered, Reason, Recogniser, Veil};
