//! Memory that threads share, and memory that vectors like.

use std::mem::MaybeUninit;

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

/// Scratch memory whose first element lies on a cache line.
pub(crate) struct Aligned<T> {
    /// Initialised from `start` on, `length` elements.
    buffer: Vec<MaybeUninit<T>>,
    start: usize,
    length: usize,
}

impl<T: Float> Aligned<T> {
    /// `length` zeros.
    pub fn zeros(length: usize) -> Self {
        let mut memory = Memory::new(length);
        memory.fill(MaybeUninit::new(T::default()));
        // SAFETY: all elements were written.
        unsafe { memory.initialized() }
    }
}

/// [`Aligned`] that is still to be written: large buffers that are overwritten anyway.
pub(crate) struct Memory<T>(Aligned<T>);

impl<T: Float> Memory<T> {
    /// Room for `length` elements.
    pub fn new(length: usize) -> Self {
        let spare = CACHE_LINE / size_of::<T>();
        let mut buffer = Vec::<MaybeUninit<T>>::with_capacity(length + spare);
        // SAFETY: the elements may be uninitialised, as their type says.
        unsafe { buffer.set_len(length + spare) };
        let start = buffer.as_ptr().align_offset(CACHE_LINE).min(spare);
        Self(Aligned {
            buffer,
            start,
            length,
        })
    }

    /// # Safety
    /// Every element must have been written.
    pub unsafe fn initialized(self) -> Aligned<T> {
        self.0
    }

    /// # Safety
    /// As of [`Memory::initialized`].
    pub unsafe fn as_initialized(&self) -> &[T] {
        &self.0
    }
}

impl<T> std::ops::Deref for Memory<T> {
    type Target = [MaybeUninit<T>];
    fn deref(&self) -> &[MaybeUninit<T>] {
        &self.0.buffer[self.0.start..self.0.start + self.0.length]
    }
}

impl<T> std::ops::DerefMut for Memory<T> {
    fn deref_mut(&mut self) -> &mut [MaybeUninit<T>] {
        &mut self.0.buffer[self.0.start..self.0.start + self.0.length]
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        let all = &self.buffer[self.start..self.start + self.length];
        // SAFETY: these are initialised, see the field.
        unsafe { std::slice::from_raw_parts(all.as_ptr().cast(), all.len()) }
    }
}

impl<T> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let all = &mut self.buffer[self.start..self.start + self.length];
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(all.as_mut_ptr().cast(), all.len()) }
    }
}
