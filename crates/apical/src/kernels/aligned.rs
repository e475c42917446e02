//! `Aligned`: values that begin at a cache line, so that no vector crosses one.

use super::Real;
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// A fixed number of values, the first at the start of a cache line.
#[derive(Debug)]
pub struct Aligned<T> {
    room: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Real> Aligned<T> {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let spare = LINE / size_of::<T>();
        let room = vec![T::ZERO; len + spare];
        // A pointer that cannot be aligned would only be slower.
        let start = room.as_ptr().align_offset(LINE).min(spare);
        Aligned { room, start, len }
    }
}

impl<T: Real> Default for Aligned<T> {
    fn default() -> Self {
        Aligned::zeros(0)
    }
}

impl<T: Real> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        let mut copy = Aligned::zeros(self.len);
        copy.copy_from_slice(self);
        copy
    }

    fn clone_from(&mut self, source: &Self) {
        if self.len == source.len {
            self.copy_from_slice(source);
        } else {
            *self = source.clone();
        }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.room[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.room[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_begin_at_a_line_too() {
        for len in [0, 1, 17, 64] {
            let mut a = Aligned::<f32>::zeros(len);
            a.iter_mut().enumerate().for_each(|(n, x)| *x = n as f32);
            let b = a.clone();
            assert_eq!(a[..], b[..]);
            assert!(len == 0 || (a.as_ptr().addr() % LINE == 0 && b.as_ptr().addr() % LINE == 0));
        }
    }
}
