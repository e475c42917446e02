//! Why a command did not do what it should.

use apical_lab::Error;
use apical_lab::config::{Diagnostic, report};
use apical_lab::sweep::Trouble;

/// What a command comes to: an exit code, or a failure that has one.
pub type Outcome = Result<i32, Failure>;

/// A failure and what to print of it.
#[derive(Debug)]
pub enum Failure {
    /// One error.
    Error(Error),
    /// A config with errors.
    Config(Vec<Diagnostic>),
}

impl Failure {
    /// Bad input at a place.
    pub fn input(place: impl Into<String>, found: impl Into<String>, allowed: impl Into<String>) -> Failure {
        Failure::Error(Error::input(place, found, allowed))
    }

    /// 1 the science failed, 2 bad input, 3 the machine failed.
    pub fn exit_code(&self) -> i32 {
        match self {
            Failure::Error(error) => error.exit_code(),
            Failure::Config(_) => Error::input("", "", "").exit_code(),
        }
    }

    /// For people, without colour.
    pub fn text(&self) -> String {
        match self {
            Failure::Error(error) => error.to_string(),
            Failure::Config(list) => report(list, false),
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Config(list) => Failure::Config(list),
            Trouble::Error(error) => Failure::Error(error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Error(error)
    }
}
