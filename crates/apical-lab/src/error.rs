//! What can go wrong, by whose fault it is: the exit code of the command follows from the kind.

use std::fmt;

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The science failed: diverged, expectation missed, out of bounds. Exit code 1.
    Science,
    /// Bad input. Exit code 2.
    Input,
    /// The machine failed: disk, network, permission. Exit code 3.
    Machine,
}

/// An error for people: where, what was found, what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Whose fault.
    pub kind: Kind,
    /// The file, line, field or layer; empty if there is none.
    pub place: String,
    /// What was found there.
    pub found: String,
    /// What is allowed or what to do; empty if there is nothing to say.
    pub allowed: String,
}

impl Error {
    /// Bad input at a place.
    pub fn input(place: impl Into<String>, found: impl Into<String>, allowed: impl Into<String>) -> Self {
        Error { kind: Kind::Input, place: place.into(), found: found.into(), allowed: allowed.into() }
    }

    /// A failure of the science.
    pub fn science(place: impl Into<String>, found: impl Into<String>, allowed: impl Into<String>) -> Self {
        Error { kind: Kind::Science, place: place.into(), found: found.into(), allowed: allowed.into() }
    }

    /// A failure of the machine while doing something with a path.
    pub fn machine(place: impl Into<String>, source: impl fmt::Display) -> Self {
        Error { kind: Kind::Machine, place: place.into(), found: source.to_string(), allowed: String::new() }
    }

    /// The command's exit code.
    pub fn exit_code(&self) -> i32 {
        match self.kind {
            Kind::Science => 1,
            Kind::Input => 2,
            Kind::Machine => 3,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{}", self.found)?;
        if !self.allowed.is_empty() {
            write!(f, "; {}", self.allowed)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
