//! What the plugins on libtorch share.
