//! Memory that threads share, and memory that vectors like.

use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

use super::float::Float;

/// A pointer that threads share to write to disjoint parts of one buffer.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T>(pub *mut T);

// SAFETY: whoever writes through it takes care that no two threads touch the same element.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The pointer, `offset` elements further. Taking `self` makes closures capture all of it.
    pub unsafe fn at(self, offset: usize) -> *mut T {
        // SAFETY: the caller keeps the offset inside the buffer.
        unsafe { self.0.add(offset) }
    }
}

const CACHE_LINE: usize = 64;

/// Scratch memory, its first element on a cache line.
pub(crate) struct Aligned<T> {
    /// The elements are `length` from `start` on.
    buffer: Vec<T>,
    start: usize,
    length: usize,
}

impl<T: Copy> Aligned<T> {
    fn filled(length: usize, value: T) -> Self {
        let spare = CACHE_LINE / size_of::<T>();
        let buffer = vec![value; length + spare];
        let start = buffer.as_ptr().align_offset(CACHE_LINE).min(spare);
        Self {
            buffer,
            start,
            length,
        }
    }
}

impl<T: Float> Aligned<T> {
    /// `length` zeros.
    pub fn zeros(length: usize) -> Self {
        Self::filled(length, T::default())
    }
}

impl<T: Copy> Aligned<MaybeUninit<T>> {
    /// Room for `length` elements that are still to be written.
    pub fn room(length: usize) -> Self {
        Self::filled(length, MaybeUninit::uninit())
    }

    /// # Safety
    /// Every element must have been written.
    pub unsafe fn initialized(&self) -> &[T] {
        // SAFETY: the caller's.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), self.length) }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.buffer[self.start..self.start + self.length]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.buffer[self.start..self.start + self.length]
    }
}
