//! What one connection's writer is handed: a bounded run of bytes, mostly shared with other connections.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// A run of bytes to write.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// Part of an image that other connections write too.
    Shared {
        /// Whole BGP messages.
        image: Arc<[u8]>,
        /// The part to write; starts and ends between messages.
        range: Range<usize>,
    },
    /// Bytes for this connection alone.
    Owned(Vec<u8>),
}

impl Chunk {
    /// The bytes to write.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Shared { image, range } => image.get(range.clone()).unwrap_or_default(),
            Self::Owned(bytes) => bytes,
        }
    }
}

/// Chunks in the order in which they go on the wire. Reused from call to call by its writer.
#[derive(Debug, Default)]
pub struct Batch {
    chunks: Vec<Chunk>,
    len: usize,
}

impl Batch {
    /// An empty batch.
    pub const fn new() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }

    /// Adds a chunk at the end; an empty one is dropped.
    pub fn push(&mut self, chunk: Chunk) {
        let len = chunk.as_bytes().len();
        if len > 0 {
            self.len += len;
            self.chunks.push(chunk);
        }
    }

    /// Bytes in all chunks.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing to write.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The chunks, in order; none is empty.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Forgets all chunks and keeps the allocation.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.len = 0;
    }
}
