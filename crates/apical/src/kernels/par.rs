//! Threads are the caller's: a thread of a rayon pool shares its work with as many others as the pool has; a thread outside of
//! any pool works alone. Work is cut into jobs whose shapes depend on sizes only, so that the bits do not depend on who works.

use super::team::Team;
use std::cell::RefCell;

/// With whom this thread works.
enum Company {
    /// Nobody has asked yet.
    Unknown,
    Nobody,
    Followers(Team),
}

thread_local! {
    static COMPANY: RefCell<Company> = const { RefCell::new(Company::Unknown) };
}

/// Puts this thread's company back when it is dropped.
struct Back(Option<Company>);

impl Drop for Back {
    fn drop(&mut self) {
        if let Some(company) = self.0.take() {
            COMPANY.replace(company);
        }
    }
}

/// Does `work` without help: what is shared already gains nothing from being shared again.
pub fn alone<R>(work: impl FnOnce() -> R) -> R {
    let _back = Back(Some(COMPANY.replace(Company::Nobody)));
    work()
}

/// As many helpers as the pool has threads beside this one.
// No shape depends on it: the same jobs are done by one thread or by many.
#[allow(clippy::disallowed_methods)]
fn company() -> Company {
    match rayon::current_thread_index() {
        Some(_) if rayon::current_num_threads() > 1 => Company::Followers(Team::new(rayon::current_num_threads() - 1)),
        _ => Company::Nobody,
    }
}

/// Does the jobs 0 to `count`, each by one thread, in the team's order or by this thread alone in the order of `n`.
fn share(count: usize, backwards: bool, work: &(dyn Fn(usize) + Sync)) {
    let mut back = Back(Some(COMPANY.replace(Company::Nobody)));
    if matches!(back.0, Some(Company::Unknown)) {
        back.0 = Some(company());
    }
    match &mut back.0 {
        Some(Company::Followers(team)) if count > 1 => team.round(count, backwards, work),
        _ if backwards => (0..count).rev().for_each(work),
        _ => (0..count).for_each(work),
    }
}

/// Values that several threads write, each its own.
pub struct Shared<T> {
    start: *mut T,
    length: usize,
}

#[allow(unsafe_code)]
// SAFETY: `Shared` is a place to write values to that may go to other threads; who writes where is the promise of
// `Shared::part`'s callers.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The values of a slice, which is borrowed as long as its parts are used.
    pub fn new(values: &mut [T]) -> Self {
        Shared { start: values.as_mut_ptr(), length: values.len() }
    }

    /// `length` values from `from` on.
    ///
    /// # Safety
    /// While a part lives, nobody else has one that overlaps it, and the slice is not used otherwise.
    #[allow(unsafe_code, clippy::mut_from_ref)]
    #[inline(always)]
    pub unsafe fn part(&self, from: usize, length: usize) -> &mut [T] {
        assert!(from <= self.length && length <= self.length - from);
        // SAFETY: within the slice by the assertion, and alone by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), length) }
    }
}

/// Does the jobs 0 to `count`, each by one thread.
pub fn numbered(count: usize, work: impl Fn(usize) + Sync) {
    share(count, false, &work);
}

/// Does every job, each by one thread.
pub fn each<J: Send>(jobs: &mut [J], work: impl Fn(&mut J) + Sync) {
    each_from(jobs, false, work);
}

/// Does every job, each by one thread, every thread's last job first if `backwards`: what was used last is still near.
pub fn each_from<J: Send>(jobs: &mut [J], backwards: bool, work: impl Fn(&mut J) + Sync) {
    let count = jobs.len();
    let jobs = Shared::new(jobs);
    share(count, backwards, &|n| {
        #[allow(unsafe_code)]
        // SAFETY: every number is given once.
        let job = unsafe { jobs.part(n, 1) };
        work(&mut job[0]);
    });
}

/// Cuts a slice into pieces of `length` (the last may be shorter) and does each, by its number, with one thread.
pub fn pieces<T: Send>(values: &mut [T], length: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let all = values.len();
    let values = Shared::new(values);
    share(all.div_ceil(length), false, &|n| {
        let from = n * length;
        #[allow(unsafe_code)]
        // SAFETY: every number is given once, and pieces of different numbers do not overlap.
        let piece = unsafe { values.part(from, length.min(all - from)) };
        work(n, piece);
    });
}
