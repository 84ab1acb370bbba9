//! For tests: numbers that end where a page begins that nobody may touch. Whoever reads beyond them is killed.

use std::ops::{Deref, DerefMut};

use bytemuck::Pod;

pub(crate) struct Guarded<E> {
    #[cfg(target_os = "linux")]
    base: *mut libc::c_void,
    #[cfg(target_os = "linux")]
    size: usize,
    values: *mut E,
    count: usize,
    #[cfg(not(target_os = "linux"))]
    _owned: Box<[E]>,
}

impl<E: Pod> Guarded<E> {
    /// A copy of `values`.
    #[cfg(target_os = "linux")]
    pub(crate) fn new(values: &[E]) -> Self {
        const PAGE: usize = 4096;
        let room = size_of_val(values).next_multiple_of(PAGE);
        let size = room + PAGE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: fresh memory of this test alone; the copy ends at `base + room`, before the page that is closed, and
        // whole numbers that end at a page's end are aligned.
        unsafe {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let base = libc::mmap(std::ptr::null_mut(), size, access, flags, -1, 0);
            assert_ne!(base, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(base.byte_add(room), PAGE, libc::PROT_NONE), 0);
            let to = base.byte_add(room - size_of_val(values)).cast::<E>();
            to.copy_from_nonoverlapping(values.as_ptr(), values.len());
            Self { base, size, values: to, count: values.len() }
        }
    }

    /// A copy of `values`; elsewhere than on Linux nothing guards them.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn new(values: &[E]) -> Self {
        let mut owned: Box<[E]> = values.into();
        Self { values: owned.as_mut_ptr(), count: values.len(), _owned: owned }
    }
}

impl<E> Deref for Guarded<E> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        // SAFETY: `count` numbers were written there, aligned, and they live as long as this.
        unsafe { std::slice::from_raw_parts(self.values, self.count) }
    }
}

impl<E> DerefMut for Guarded<E> {
    fn deref_mut(&mut self) -> &mut [E] {
        // SAFETY: as above; nobody else knows them.
        unsafe { std::slice::from_raw_parts_mut(self.values, self.count) }
    }
}

#[cfg(target_os = "linux")]
impl<E> Drop for Guarded<E> {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and nothing borrows it any more.
        unsafe { libc::munmap(self.base, self.size) };
    }
}
