//! report of apical.
