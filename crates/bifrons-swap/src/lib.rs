//! The new face in the old film: drawn, coloured, masked and laid over the frame.
//!
//! The pixel parts, none of which knows a network or a file:
//!
//! - [`color::ColorTransfer`] brings the drawn face to the colours of the footage;
//! - [`mask::Mask`] says where it counts, with an edge that ends inside of its square;
//! - [`grain`] gives it the grain that the footage has;
//! - [`blend::blend`] lays it over the frame: one alpha, once, in linear light ([`light`]).

pub mod blend;
pub mod color;
pub mod grain;
pub mod light;
pub mod mask;
