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

/// Scratch memory that is still to be written, its first element on a cache line.
pub(crate) struct Memory<T> {
    /// The elements are `length` from `start` on.
    buffer: Vec<MaybeUninit<T>>,
    start: usize,
    length: usize,
}

impl<T> Memory<T> {
    /// Room for `length` elements.
    pub fn new(length: usize) -> Self {
        let spare = CACHE_LINE / size_of::<T>();
        let mut buffer = Vec::<MaybeUninit<T>>::with_capacity(length + spare);
        // SAFETY: the elements may be uninitialised, as their type says.
        unsafe { buffer.set_len(length + spare) };
        let start = buffer.as_ptr().align_offset(CACHE_LINE).min(spare);
        Self {
            buffer,
            start,
            length,
        }
    }

    /// # Safety
    /// Every element must have been written.
    pub unsafe fn initialized(self) -> Aligned<T> {
        Aligned(self)
    }

    /// # Safety
    /// As of [`Memory::initialized`].
    pub unsafe fn as_initialized(&self) -> &[T] {
        // SAFETY: the caller's.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), self.length) }
    }
}

impl<T> Deref for Memory<T> {
    type Target = [MaybeUninit<T>];
    fn deref(&self) -> &[MaybeUninit<T>] {
        &self.buffer[self.start..self.start + self.length]
    }
}

impl<T> DerefMut for Memory<T> {
    fn deref_mut(&mut self) -> &mut [MaybeUninit<T>] {
        &mut self.buffer[self.start..self.start + self.length]
    }
}

/// [`Memory`] that was written.
pub(crate) struct Aligned<T>(Memory<T>);

impl<T: Float> Aligned<T> {
    /// `length` zeros.
    pub fn zeros(length: usize) -> Self {
        let mut memory = Memory::new(length);
        memory.fill(MaybeUninit::new(T::default()));
        Self(memory)
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: written before this was made.
        unsafe { self.0.as_initialized() }
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.length) }
    }
}
