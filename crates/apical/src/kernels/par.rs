//! Threads are the caller's: work is spread over the rayon pool from which a kernel is called; a thread outside of any pool
//! works alone. Work is cut into jobs whose shapes depend on sizes only, so that the bits do not depend on who works.

use rayon::prelude::*;

/// True if there is somebody to share work with.
// No shape depends on it: the same jobs are done by one thread or by many.
#[allow(clippy::disallowed_methods)]
pub fn is_shared() -> bool {
    rayon::current_thread_index().is_some() && rayon::current_num_threads() > 1
}

/// Does the jobs 0 to `count`, each by one thread.
pub fn numbered(count: usize, work: impl Fn(usize) + Sync + Send) {
    if count > 1 && is_shared() {
        (0..count).into_par_iter().for_each(work);
    } else {
        (0..count).for_each(work);
    }
}

/// Does every job, each by one thread.
pub fn each<J: Send>(jobs: &mut [J], work: impl Fn(&mut J) + Sync + Send) {
    if jobs.len() > 1 && is_shared() {
        jobs.par_iter_mut().for_each(work);
    } else {
        jobs.iter_mut().for_each(work);
    }
}

/// Does every job, each by one thread, the last job first if `backwards`: what was used last is still near.
pub fn each_from<J: Send>(jobs: &mut [J], backwards: bool, work: impl Fn(&mut J) + Sync + Send) {
    if jobs.len() > 1 && is_shared() || !backwards {
        each(jobs, work);
    } else {
        jobs.iter_mut().rev().for_each(work);
    }
}

/// Cuts a slice into pieces of `length` (the last may be shorter) and does each, by its number, with one thread.
pub fn pieces<T: Send>(values: &mut [T], length: usize, work: impl Fn(usize, &mut [T]) + Sync + Send) {
    if values.len() > length && is_shared() {
        values.par_chunks_mut(length).enumerate().for_each(|(n, piece)| work(n, piece));
    } else {
        values.chunks_mut(length).enumerate().for_each(|(n, piece)| work(n, piece));
    }
}
