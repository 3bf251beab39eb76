//! Tests over the public interface.
mod life;
