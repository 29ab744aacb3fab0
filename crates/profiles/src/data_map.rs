//! Where personal data of profiles lies, what for, and what erasure does to it.
